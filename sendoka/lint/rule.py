"""What a rule about a schema is: a check of a model, its options, and an example of either kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sendoka.schema.model import Model

__all__ = ["Check", "Finding", "Options", "Rule"]

Options = Mapping[str, tuple[str, ...]]
"""What a rule was told, every option being a list of names."""

Check = Callable[["Model", Options], Iterable[tuple[str, str, str]]]
"""Takes the model and the options, yields (address, what is wrong, what to do instead)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule, or another check, found, and what to do instead.

    `id` names what sort of thing it is (`rule/list-index`, `since/changed`) and stays as it is from version to version.
    `place` is a file, or the address of an object of the schema; `file` is where that stands, relative to the
    project's folder and with `/`, and `line` is counted from 1, each None where it is not known.
    """

    id: str
    place: str
    what: str
    instead: str
    file: str | None = None
    line: int | None = None

    @property
    def spot(self) -> str:
        """File and line, as editors read them; empty where the file is not known."""
        return "" if self.file is None else self.file if self.line is None else f"{self.file}:{self.line}"

    def __str__(self) -> str:
        places = [self.spot, *([self.place] if self.place != self.file else [])]
        return f"{': '.join(each for each in places if each)}: {self.what} [{self.id}]; {self.instead}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule about schemas. A file of `schema_rules/` defines one, and it is found.

    `options` are its settings with their defaults; every rule knows `except`, the tables it leaves alone. `bad` and
    `good` are the columns and indexes of a table, as Python text, for the documentation and for the rule's own test;
    `example` are the options that they are shown with.
    """

    name: str
    summary: str
    check: Check
    bad: str
    good: str
    options: Options = field(default_factory=dict)
    example: Mapping[str, Any] = field(default_factory=dict)
