"""Identifiers."""

from __future__ import annotations

import re

import pytest

from sendoka import new_id
from sendoka.ids import ALPHABET


@pytest.mark.parametrize("prefix", ["m", "msg", "key2", "abcdefg"])
def test_an_id_is_its_prefix_and_24_url_safe_characters_in_varchar_32(prefix: str) -> None:
    made = new_id(prefix)
    assert re.fullmatch(prefix + r"_[A-Za-z0-9_-]{24}", made)
    assert len(made) <= 32


@pytest.mark.parametrize(
    ("prefix", "why"),
    [
        ("", "lower-case letters"),
        ("abcdefgh", "8 characters; 7 is the most"),
        ("Msg", "lower-case letters"),
        ("2fa", "a letter first"),
        ("m_g", "lower-case letters"),
        ("né", "lower-case letters"),
        ("msg\n", "lower-case letters"),
    ],
)
def test_a_bad_prefix_is_refused(prefix: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        new_id(prefix)


def test_ids_use_the_whole_alphabet_and_do_not_repeat() -> None:
    made = [new_id("m") for _ in range(2000)]
    assert len(set(made)) == len(made)
    assert {character for each in made for character in each[2:]} == set(ALPHABET)
