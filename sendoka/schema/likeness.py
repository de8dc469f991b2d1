"""How much one object is like another: what it consists of counts for more than its name."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any

from sendoka.schema.kinds.column import Column
from sendoka.schema.model import Expression
from sendoka.schema.spelling import IDENTITY, same

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from sendoka.schema.model import Model, Object

__all__ = ["content", "likeness"]

_WORD = re.compile(r"\w+|[^\w\s]")


def likeness(old: Object, new: Object, before: Model, after: Model) -> float:
    """Return how like the two are, from 0 to 4: the name is a quarter of it."""
    return difflib.SequenceMatcher(None, old.name, new.name).ratio() + 3 * content(old, new, before, after)


def content(old: Object, new: Object, before: Model, after: Model) -> float:
    """Return how much of what the two consist of they share, from 0 to 1: parts, properties, words of a text."""
    if old.kind == "namespace":
        return _shared(_inside(old.name, before), _inside(new.name, after))
    if old.kind == "table":
        return _columns(before.members(old.id, Column), after.members(new.id, Column))
    return _properties(old, new)


def _inside(namespace: str, model: Model) -> list[Hashable]:
    return [(key.kind, key.table, key.name) for key in model.objects if key.namespace == namespace]


def _columns(old: Iterable[Column], new: Iterable[Column]) -> float:
    """Return the mean of three: columns of one name and type, of one name, of one type."""
    one, other = [(each.name, each.type) for each in old], [(each.name, each.type) for each in new]
    names = _shared([name for name, _ in one], [name for name, _ in other])
    return (_shared(one, other) + names + _shared([kind for _, kind in one], [kind for _, kind in other])) / 3


def _properties(old: Object, new: Object) -> float:
    """Return the mean over the properties that either of the two has."""
    found = [
        _alike(getattr(old, each.name), getattr(new, each.name))
        for each in fields(old)
        if each.name not in IDENTITY and not _is_usual(each, old, new)
    ]
    return sum(found) / len(found) if found else 0.0


def _is_usual(field: Any, old: Object, new: Object) -> bool:
    """Tell whether both have what is the default: that says nothing."""
    usual = field.default is not MISSING
    return usual and getattr(old, field.name) == getattr(new, field.name) == field.default


def _alike(old: Any, new: Any) -> float:
    if isinstance(old, Expression) and isinstance(new, Expression):
        return 1.0 if same(old, new) else _shared(_WORD.findall(old.text), _WORD.findall(new.text))
    if isinstance(old, tuple) and isinstance(new, tuple):
        return _shared(old, new)
    return float(same(old, new))


def _shared(old: Iterable[Hashable], new: Iterable[Hashable]) -> float:
    """Return how many of all are in both, one that is there twice counted twice."""
    one, other = Counter(old), Counter(new)
    return (one & other).total() / max((one | other).total(), 1)
