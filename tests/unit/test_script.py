"""Statements of a file: what is split comes back whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendoka.script import BREAKPOINT, breakpoints, chunks, join, split

STATEMENTS = st.lists(
    st.text(min_size=1, max_size=60).map(str.strip).filter(lambda text: split(text) == [text]), max_size=6
)


@given(STATEMENTS)
def test_splitting_what_was_joined_gives_it_back(statements: list[str]) -> None:
    assert split(join(statements)) == statements


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("", []),
        ("\n -- only a comment\n;\n", []),
        ("select 1", ["select 1"]),
        (f"a;\n{BREAKPOINT}\nb;\n", ["a;", "b;"]),
        (f"a;\n  {BREAKPOINT}  \n\n\nb;", ["a;", "b;"]),
        (f"{BREAKPOINT}\na\n{BREAKPOINT}\n{BREAKPOINT}\n", ["a"]),
        (f"a {BREAKPOINT} b", [f"a {BREAKPOINT} b"]),
        (f"-- c\n{BREAKPOINT}\n-- d\ncreate table t ()", ["-- d\ncreate table t ()"]),
        ("/* a comment keeps what follows */ select 1", ["/* a comment keeps what follows */ select 1"]),
    ],
)
def test_a_breakpoint_is_a_line_of_its_own(text: str, statements: list[str]) -> None:
    assert split(text) == statements


@given(st.lists(st.sampled_from([BREAKPOINT, f"  {BREAKPOINT} ", "", "  ", "a", " b ", "-- c", ";", "é\u2003"])))
def test_a_chunk_knows_its_place(lines: list[str]) -> None:
    text = "\n".join(lines)
    found = chunks(text)
    assert [chunk.text for chunk in found] == split(text)
    for chunk in found:
        assert text.startswith(chunk.text, chunk.start)
        assert text.count("\n", 0, chunk.start) == chunk.line - 1
        assert text[: chunk.start].rpartition("\n")[2].strip() == ""
    assert [text.count("\n", 0, at) for at in breakpoints(text)] == [
        number for number, line in enumerate(lines) if line.strip() == BREAKPOINT
    ]


def test_a_breakpoint_inside_a_literal_splits_all_the_same() -> None:
    assert split(f"select '\n{BREAKPOINT}\n'") == ["select '", "'"]
