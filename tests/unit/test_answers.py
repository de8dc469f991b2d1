"""Answers as values: from flags, from a file, added to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendoka.errors import SettingsError
from sendoka.schema.answers import Answers, read_answers

if TYPE_CHECKING:
    from pathlib import Path


def test_answers_are_added_each_once() -> None:
    found = Answers(("a=b",), ("c",)) + Answers(("a=b", "d=e"), (), ("drop-table:t",))
    assert found == Answers(("a=b", "d=e"), ("c",), ("drop-table:t",))
    assert found
    assert not Answers()


def test_answers_are_read_from_flags() -> None:
    flags = ["--rename", "a=b", "--allow", "x:y", "--create", "c", "--allow", "x:z"]
    assert Answers.of_flags(flags) == Answers(("a=b",), ("c",), ("x:y", "x:z"))
    with pytest.raises(ValueError, match="--force answers nothing"):
        Answers.of_flags(["--force", "x"])


def test_answers_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "answers.toml"
    file.write_text('rename = ["t.a=t.b"]\ncreate = ["t.c"]\nallow = ["drop-column:t.d", "drop-column:t.d"]\n')
    assert read_answers(file) == Answers(("t.a=t.b",), ("t.c",), ("drop-column:t.d",))
    file.write_text("")
    assert read_answers(file) == Answers()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rename = [", "the answers are not TOML"),
        ('renames = ["a=b"]', "'renames' answers nothing\nin .*\ndid you mean rename?"),
        ("x = 1", "it may hold: rename, create, allow"),
        ('allow = "drop-table:t"', "allow is no list of texts"),
        ("allow = [1]", "allow is no list of texts"),
        (None, "the answers cannot be read: No such file"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "answers.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SettingsError, match=said):
        read_answers(file)
