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
    """One thing that a rule found, and what to do instead."""

    rule: str
    address: str
    what: str
    instead: str

    def __str__(self) -> str:
        return f"{self.address}: {self.what} [{self.rule}]; {self.instead}"


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
