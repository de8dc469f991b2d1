"""docs/observing.md, done as it says: its code against a real endpoint, its tables against the code."""

from __future__ import annotations

import dataclasses
import logging
import re
from typing import TYPE_CHECKING

import pytest

from sendoka.http.events import RequestEvent
from tests.acceptance.test_readme import apply_migrations, execute
from tests.documents import ROOT, blocks_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.documents import Block

TEXT = (ROOT / "docs/observing.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def quiet_again() -> Iterator[None]:
    yield
    logging.getLogger("sendoka.http").setLevel(logging.NOTSET)


@pytest.mark.parametrize("block", blocks_of("docs/observing.md", language="python"), ids=str)
def test_the_code_does_what_it_says(
    block: Block, database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    apply_migrations(database_url)
    monkeypatch.setenv("DATABASE_URL", database_url)
    caplog.clear()
    execute(block.code)
    if "logging" in block.code:
        (shown,) = re.findall(r"^DEBUG:sendoka.http:(.*)$", TEXT, re.MULTILINE)
        (record,) = [record for record in caplog.records if record.name == "sendoka.http"]
        assert re.sub(r"\d+", "0", record.getMessage()) == re.sub(r"\d+", "0", shown).replace("by native", "by httpx")


def test_every_field_of_an_event_has_a_line() -> None:
    table = TEXT.partition("| field |")[2].partition("\n\n")[0]
    named = [name for line in table.splitlines() for name in re.findall(r"`(\w+)`", line.split("|")[1])]
    assert sorted(named) == sorted([field.name for field in dataclasses.fields(RequestEvent)] + ["last", "sqlstate"])
