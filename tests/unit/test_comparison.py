"""`compare` decides everything: it is tried on every pair of short folders and histories, squashed and whole."""

from __future__ import annotations

from itertools import chain, combinations, product

import pytest

from sendoka.migrations.comparison import State, compare
from sendoka.migrations.files import Migration
from sendoka.migrations.header import Replaced
from sendoka.migrations.history import Entry

# A chain is a word: its files are the letters, and the checksum of each is the word up to it. `a` and `A` have one
# name and different contents.
WORDS = ["".join(word) for length in range(4) for word in product("abA", repeat=length)]


def called(word: str, number: int) -> str:
    return f"{number:04d}_{word[number].lower()}"


def folder(word: str, squashed: int | None) -> list[Migration]:
    """Return the files of a word, those up to the number `squashed` as one."""
    files = [Migration(n, called(word, n), "", word[: n + 1], None, ()) for n in range(len(word))]
    if squashed is None:
        return files
    checksum = word[: squashed + 1]
    replaces = Replaced(called(word, 0), called(word, squashed), checksum)
    root = Migration(squashed, f"{squashed:04d}_all", f"all {checksum}", checksum, None, (), replaces=replaces)
    return [root, *files[squashed + 1 :]]


def history(word: str, squashed: int | None, running: frozenset[int] = frozenset()) -> list[Entry]:
    """Return the rows that the files of a word leave; the positions of `running` ones are those among the rows."""
    return [
        Entry(file.number, file.name, file.checksum, file.digest, "running" if at in running else "applied")
        for at, file in enumerate(folder(word, squashed))
    ]


def squashes(word: str) -> list[int | None]:
    return [None, *range(len(word))]


def some_of(count: int) -> list[frozenset[int]]:
    """Return every set of positions below `count`."""
    positions = range(count)
    return [frozenset(some) for some in chain.from_iterable(combinations(positions, n) for n in range(count + 1))]


def expected(files: str, first: int | None, rows: str, row: int | None) -> State:
    """Return the state of two words, whose letters up to `first` and `row` are squashed, if nothing is running."""
    if not rows:
        return State.PENDING if files else State.APPLIED
    if not files:
        return State.NEWER
    start = max(first or 0, row or 0)
    if start >= min(len(files), len(rows)) or files[: start + 1] != rows[: start + 1]:
        if first is not None and len(rows) <= first:
            return State.BEHIND
        names = [f"{at:04d}_all" if at is not None else called(word, 0) for word, at in ((files, first), (rows, row))]
        return State.ALTERED if names[0] == names[1] else State.FORKED
    for at in range(start, min(len(files), len(rows))):
        if files[at] != rows[at]:
            return State.ALTERED if files[at].lower() == rows[at].lower() else State.FORKED
    if len(files) == len(rows):
        return State.APPLIED
    return State.PENDING if len(files) > len(rows) else State.NEWER


def test_every_pair_is_decided_as_it_should_be() -> None:
    seen = set()
    for files, rows in product(WORDS, WORDS):
        for first, row in product(squashes(files), squashes(rows)):
            ours, theirs = folder(files, first), history(rows, row)
            found = compare(ours, theirs)
            state = expected(files, first, rows, row)
            assert found.state == state, (files, first, rows, row)
            wanted = [file for file in ours if file.number >= len(rows)] if state is State.PENDING else []
            assert list(found.pending) == (ours if not rows else wanted)
            assert (found.at is None) == (state in {State.APPLIED, State.PENDING, State.NEWER})
            seen.add(state)
    assert seen == set(State) - {State.RUNNING}


def test_the_pair_where_they_part_is_the_first_one() -> None:
    for files, rows in product(WORDS, WORDS):
        at = next((at for at in range(min(len(files), len(rows))) if files[at] != rows[at]), None)
        found = compare(folder(files, None), history(rows, None)).at
        assert (found is None) == (at is None)
        if at is not None and found is not None:
            assert (found[0].number, found[1].seq) == (at, at)


@pytest.mark.parametrize("word", [word for word in WORDS if word])
def test_what_is_unfinished_is_said_where_the_folder_has_it(word: str) -> None:
    for squashed in squashes(word):
        files = folder(word, squashed)
        for running in some_of(len(files)):
            for count in range(len(files) + 1):
                found = compare(files[:count], history(word, squashed, running))
                unfinished = [files[at].number for at in sorted(running) if at < count]
                assert (found.state is State.RUNNING) == bool(unfinished)
                assert (found.at[1].seq if found.at else None) == (unfinished[0] if unfinished else None)


def test_a_squashed_file_that_was_edited_is_another_one() -> None:
    (file,) = folder("ab", 1)
    (row,) = history("ab", 1)
    edited = file._replace(text="another")
    assert compare([edited], [row]).state is State.ALTERED
    assert compare([edited], history("ab", None)).state is State.APPLIED
