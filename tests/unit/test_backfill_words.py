"""The small reader of SQL words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendoka.backfills.words import strip_end, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Select A1, "B c" from t_2', ["select", "a1", ",", '"B c"', "from", "t_2"]),
        ("where x='y'", ["where", "x", "=", "''"]),
        ("a -- b\n c", ["a", "c"]),
        ("a /* b /* c */ d */ e", ["a", "e"]),
        ("a /* never closed", ["a"]),
        ("'it''s' b", ["''", "b"]),
        (r"E'a\'b' c", ["''", "c"]),
        (r"'a\' b", ["''", "b"]),
        ("$$ a $$ b $t$ $$ $t$ c", ["''", "b", "''", "c"]),
        ("$1::text", ["$1", ":", ":", "text"]),
        ('"a""b" c', ['"a""b"', "c"]),
        ("été = 1.5e3", ["été", "=", "1.5e3"]),
        ("(a;b)", ["(", "a", ";", "b", ")"]),
        ("", []),
    ],
)
def test_words_are_read_and_strings_and_comments_are_not(text: str, expected: list[str]) -> None:
    assert list(words(text)) == expected


@given(st.text())
def test_any_text_is_read_to_its_end(text: str) -> None:
    assert all(words(text))


@given(st.text(alphabet="a'\"$-/*; \n"))
def test_a_word_inside_a_string_or_comment_is_never_seen(text: str) -> None:
    quoted = "'" + text.replace("'", "''") + "' /* " + text.replace("*", "").replace("/", "") + " */"
    assert list(words(quoted)) == ["''"]


@pytest.mark.parametrize("text", ["a", " a;", "a ; ;\n", "\ta;\r\n"])
def test_the_end_is_stripped(text: str) -> None:
    assert strip_end(text) == "a"
