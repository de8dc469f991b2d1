"""A migration as a person calls it, a file or a row of a history: by its full name, its number or its words."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Protocol, TypeVar

from sendoka.errors import SettingsError
from sendoka.migrations.header import number_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["called"]

_DIGITS = 10


class _Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=_Named)


def called(named: Sequence[T], text: str, option: str, *, place: str = "in the folder") -> T:
    """Return the one of `named` that `text` means; `option` is what it was given with, and `place` where they are.

    It may be a whole name, the path of a file, a number or the words of a name.

    Raises SettingsError where it means none, or more than one.
    """
    plain = text.strip().rpartition("/")[2].removesuffix(".sql")
    found = [each for each in named if each.name == plain]
    if not found and plain.isdecimal() and len(plain) <= _DIGITS:
        found = [each for each in named if number_of(each.name) == int(plain)]
    if not found:
        words = plain.lower().replace("-", "_").replace(" ", "_")
        found = [each for each in named if each.name.partition("_")[2] == words]
    if len(found) == 1:
        return found[0]
    if found:
        raise SettingsError(
            f"{option} {text} fits more than one migration",
            todo=f"give the whole name: {', '.join(each.name for each in found)}",
        )
    names = [name for each in named for name in (each.name, each.name.partition("_")[2])]
    near = difflib.get_close_matches(plain, names, n=1)
    raise SettingsError(
        f"{option} {text}: there is no such migration {place}",
        todo=f"did you mean {near[0]}?"
        if near
        else "give its name, its number or its words: `sendoka status` lists them",
    )
