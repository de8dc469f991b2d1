"""`compare` decides everything: it is tried on every pair of short folders and histories."""

from __future__ import annotations

from itertools import chain, combinations, product

import pytest

from sendoka.database.statement import Result
from sendoka.errors import MigrationError
from sendoka.migrations.files import Migration
from sendoka.migrations.history import Entry, State, compare, entries


def file(letter: str, number: int) -> Migration:
    """`a` and `A` have one name and different checksums."""
    return Migration(number, f"{number:04d}_{letter.lower()}", "", letter, None, ())


def entry(letter: str, number: int, state: str = "applied") -> Entry:
    return Entry(number, f"{number:04d}_{letter.lower()}", letter, state)


def expected(files: str, history: str, running: frozenset[int]) -> tuple[State, int | None]:
    """Return the state, and the position of the pair that is the reason for it."""
    for at, (left, right) in enumerate(zip(files, history, strict=False)):
        if left != right:
            return (State.ALTERED if left.lower() == right.lower() else State.FORKED), at
    unfinished = [at for at in sorted(running) if at < len(files)]
    if unfinished:
        return State.RUNNING, unfinished[0]
    if len(files) == len(history):
        return State.APPLIED, None
    return (State.PENDING if len(files) > len(history) else State.NEWER), None


LETTERS = ["".join(word) for length in range(4) for word in product("abA", repeat=length)]


def some_of(count: int) -> list[frozenset[int]]:
    """Return every set of positions below `count`."""
    positions = range(count)
    return [frozenset(some) for some in chain.from_iterable(combinations(positions, n) for n in range(count + 1))]


def test_every_pair_is_decided_as_it_should_be() -> None:
    seen = set()
    for files, history in product(LETTERS, LETTERS):
        for running in some_of(len(history)):
            ours = [file(letter, number) for number, letter in enumerate(files)]
            theirs = [
                entry(letter, number, "running" if number in running else "applied")
                for number, letter in enumerate(history)
            ]
            comparison = compare(ours, theirs)
            state, at = expected(files, history, running)
            assert comparison.state == state, (files, history, running)
            assert comparison.at == (None if at is None else (ours[at], theirs[at]))
            pending = files[len(history) :] if state is State.PENDING else ""
            assert [migration.checksum for migration in comparison.pending] == list(pending)
            seen.add(state)
    assert seen == set(State)


def row(format_: str | None) -> Result[list[str | None]]:
    return Result((), [["0", "0000_a", "c", "applied", None, "0.5", "me", "t", format_]], "SELECT", 1)


def test_rows_become_entries() -> None:
    assert entries(row("1")) == [Entry(0, "0000_a", "c", "applied", None, 0.5, "me", "t")]


def test_tables_of_a_newer_sendoka_are_refused() -> None:
    with pytest.raises(MigrationError, match=r"format 2, .* knows up to 1"):
        entries(row("2"))
