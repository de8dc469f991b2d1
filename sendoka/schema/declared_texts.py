"""What somebody wrote and Postgres spells its own way: kept beside a database, nobody has to be asked again.

A catalog has canonical texts alone, and a schema in Python declared ones. Whoever knows that both are of one schema can
pair them: then two schemas in Python compare without any Postgres, however often the second is edited.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from sendoka.schema.model import Expression, Model

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Texts", "texts_of", "with_texts"]

Texts = dict[str, dict[str, str]]
"""Declared texts, by the object (`check messages.channel`) and the property (`expression`, `keys.0.expression`)."""


def texts_of(model: Model) -> Texts:
    """Return the declared texts of a schema."""
    found = {_key(each): dict(_texts(each, "")) for each in model}
    return {key: texts for key, texts in found.items() if texts}


def with_texts(model: Model, texts: Mapping[str, Mapping[str, str]]) -> Model:
    """Return the schema with the declared texts of its expressions, which keep their canonical ones."""
    if not texts:
        return model
    objects = (_told(each, "", texts[_key(each)]) if _key(each) in texts else each for each in model)
    return model.with_objects(objects)


def _key(each: Any) -> str:
    return str(each.id)


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Expression):
        if value.declared is not None:
            yield place, value.declared
        return
    for name, inner in _inside(value):
        yield from _texts(inner, f"{place}.{name}" if place else name)


def _told(value: Any, place: str, texts: Mapping[str, str]) -> Any:
    if isinstance(value, Expression):
        return replace(value, declared=texts.get(place, value.declared))
    inside = {name: _told(inner, f"{place}.{name}" if place else name, texts) for name, inner in _inside(value)}
    if not inside:
        return value
    return tuple(inside.values()) if isinstance(value, tuple) else replace(value, **inside)


def _inside(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, tuple):
        return [(str(place), inner) for place, inner in enumerate(value)]
    if is_dataclass(value) and not isinstance(value, type):
        return [(each.name, getattr(value, each.name)) for each in fields(value)]
    return []
