"""Names of files and variables for names of a database, whatever signs those are made of."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sendoka.schema.model import PUBLIC

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["Names", "identifier", "noun_of", "variable"]


def identifier(name: str) -> str:
    """Return `name` as an identifier in small letters that does not begin with `_`, for such files are not read."""
    text = unicodedata.normalize("NFKC", name).lower()
    text = "".join(sign if f"a{sign}".isidentifier() else "_" for sign in text)
    text = re.sub(r"_{2,}", "_", text).strip("_") or "unnamed"
    return text if text.isidentifier() else f"n_{text}"


def variable(name: str, taken: Collection[str]) -> str:
    """Return an identifier that is no keyword, hides no builtin and is not taken."""
    text = identifier(name)
    while keyword.iskeyword(text) or hasattr(builtins, text) or text in taken:
        text += "_"
    return text


@dataclass(slots=True)
class Names:
    """The names of a folder's files, each given once, also where capitals and small letters are one."""

    taken: set[str] = field(default_factory=lambda: {"metadata"})  # `from . import metadata` would find the file

    def file(self, name: str, namespace: str = PUBLIC) -> str:
        """Return the name of a file, without its ending, for what is called `name` in `namespace`."""
        first = identifier(name if namespace == PUBLIC else f"{namespace}_{name}")
        first += "_" if keyword.iskeyword(first) else ""
        return self._free(first, first)

    def noun(self, kind: str) -> str:
        """Return the name of the file for the objects of a kind: a table may have taken `enums`."""
        noun = noun_of(kind)
        return self._free(noun, f"declared_{noun}")

    def _free(self, found: str, other: str) -> str:
        first, number = other, 1
        if found.casefold() in self.taken:
            found = other
        while found.casefold() in self.taken:
            number += 1
            found = f"{first}_{number}"
        self.taken.add(found.casefold())
        return found


_ENDINGS = (("ics", "ics"), ("ey", "eys"), ("y", "ies"), ("x", "xes"), ("ss", "sses"), ("", "s"))


def noun_of(kind: str) -> str:
    """Return what several objects of a kind are called: `materialized_views`, `policies`."""
    word = kind.replace("-", "_")
    ending, several = next(pair for pair in _ENDINGS if word.endswith(pair[0]))
    return word.removesuffix(ending) + several
