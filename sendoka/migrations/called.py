"""A migration as a person calls it: by its full name, its number or its words."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from sendoka.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.migrations.files import Migration

__all__ = ["called"]

_DIGITS = 10


def called(files: Sequence[Migration], text: str, option: str) -> Migration:
    """Return the migration that `text` names; `option` is what it was given with, for the error.

    Raises SettingsError where it names none, or more than one.
    """
    plain = text.strip().removesuffix(".sql")
    found = [each for each in files if each.name == plain]
    if not found and plain.isdecimal() and len(plain) <= _DIGITS:
        found = [each for each in files if each.number == int(plain)]
    if not found:
        words = plain.lower().replace("-", "_").replace(" ", "_")
        found = [each for each in files if each.name.partition("_")[2] == words]
    if len(found) == 1:
        return found[0]
    if found:
        raise SettingsError(
            f"{option} {text} fits more than one migration",
            todo=f"give the whole name: {', '.join(each.name for each in found)}",
        )
    names = [name for each in files for name in (each.name, each.name.partition("_")[2])]
    near = difflib.get_close_matches(plain, names, n=1)
    raise SettingsError(
        f"{option} {text}: there is no such migration",
        todo=f"did you mean {near[0]}?"
        if near
        else "give its name, its number or its words: `sendoka status` lists them",
    )
