"""What `sendoka.quoting` writes is read back by Postgres as what went in, under both ways it reads backslashes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sendoka.quoting import ident, literal

if TYPE_CHECKING:
    import psycopg

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)
# One connection serves all examples: they only ask.
SHARED = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("conforming", ["on", "off"])
@given(text=TEXT)
@SHARED
def test_a_literal_is_read_back_as_the_text_it_was(
    direct: psycopg.Connection[tuple[Any, ...]], conforming: str, text: str
) -> None:
    direct.execute(f"set standard_conforming_strings = {conforming}".encode())
    assert direct.execute(f"select {literal(text)}::text".encode()).fetchone() == (text,)


@given(name=TEXT.filter(lambda name: 0 < len(name.encode()) < 64))
@SHARED
def test_an_identifier_is_read_back_as_the_name_it_was(direct: psycopg.Connection[tuple[Any, ...]], name: str) -> None:
    cursor = direct.execute(f"select 1 as {ident(name)}".encode())
    assert [column.name for column in cursor.description or []] == [name]
