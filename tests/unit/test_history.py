"""`compare` decides everything: it is tried on every pair of short folders and histories."""

from __future__ import annotations

from itertools import product

import pytest

from sendoka.database.statement import Result
from sendoka.errors import MigrationError
from sendoka.migrations.files import Migration
from sendoka.migrations.history import Entry, State, compare, entries


def file(letter: str, number: int) -> Migration:
    """`a` and `A` have one name and different checksums."""
    return Migration(number, f"{number:04d}_{letter.lower()}", "", letter, None, ())


def entry(letter: str, number: int) -> Entry:
    return Entry(number, f"{number:04d}_{letter.lower()}", letter, "applied")


def expected(files: str, history: str) -> State:
    for left, right in zip(files, history, strict=False):
        if left != right:
            return State.ALTERED if left.lower() == right.lower() else State.FORKED
    if len(files) == len(history):
        return State.APPLIED
    return State.PENDING if len(files) > len(history) else State.NEWER


LETTERS = ["".join(word) for length in range(4) for word in product("abA", repeat=length)]


def test_every_pair_is_decided_as_it_should_be() -> None:
    for files, history in product(LETTERS, LETTERS):
        comparison = compare(
            [file(letter, number) for number, letter in enumerate(files)],
            [entry(letter, number) for number, letter in enumerate(history)],
        )
        assert comparison.state == expected(files, history), (files, history)
        pending = files[len(history) :] if comparison.state is State.PENDING else ""
        assert [migration.checksum for migration in comparison.pending] == list(pending)
        assert (comparison.at is not None) == (comparison.state in {State.ALTERED, State.FORKED})


def row(format_: str | None) -> Result[list[str | None]]:
    return Result((), [["0", "0000_a", "c", "applied", None, "0.5", "me", "t", format_]], "SELECT", 1)


def test_rows_become_entries() -> None:
    assert entries(row("1")) == [Entry(0, "0000_a", "c", "applied", None, 0.5, "me", "t")]


def test_tables_of_a_newer_sendoka_are_refused() -> None:
    with pytest.raises(MigrationError, match=r"format 2, .* knows up to 1"):
        entries(row("2"))
