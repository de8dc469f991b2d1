"""Rows of the history as they come from a database."""

from __future__ import annotations

import pytest

from sendoka.database.statement import Result
from sendoka.errors import MigrationError
from sendoka.migrations.history import Entry, entries


def row(format_: str | None) -> Result[list[str | None]]:
    return Result((), [["0", "0000_a", "c", "d", "applied", None, "0.5", "me", "t", format_]], "SELECT", 1)


def test_rows_become_entries() -> None:
    assert entries(row("1")) == [Entry(0, "0000_a", "c", "d", "applied", None, 0.5, "me", "t")]


def test_tables_of_a_newer_sendoka_are_refused() -> None:
    with pytest.raises(MigrationError, match=r"format 2, .* knows up to 1"):
        entries(row("2"))
