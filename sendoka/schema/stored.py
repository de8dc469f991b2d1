"""An object as JSON: one mapping for the snapshot and the catalog, made from the fields of its kind's class."""

from __future__ import annotations

import json
from dataclasses import fields
from types import GenericAlias
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from sendoka.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.schema.kind import Kind
    from sendoka.schema.model import Object

__all__ = ["dumped", "loaded", "loaded_all"]


_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def _adapter(of: Any) -> TypeAdapter[Any]:
    if of not in _ADAPTERS:
        _ADAPTERS[of] = TypeAdapter(of)
    return _ADAPTERS[of]


def dumped(obj: Object) -> str:
    """Return the object as one line of JSON, its kind first, without what is the default and what is not compared."""
    untold = {each.name for each in fields(obj) if not each.compare}
    values = _adapter(type(obj)).dump_python(obj, mode="json", exclude_defaults=True, exclude=untold)
    return json.dumps({"kind": obj.kind, **values}, ensure_ascii=False)


def loaded(kind: Kind[Any], text: str, where: str) -> Object:
    """Return the object of a kind from its JSON, without the key `kind`. Raises SchemaError for any other shape."""
    try:
        obj: Object = _adapter(kind.holds).validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise SchemaError(f"a {kind.name} cannot be read: {place}: {first['msg']}", where=f"in {where}") from error
    return obj


def loaded_all(kind: Kind[Any], texts: Sequence[str], where: str) -> list[Object]:
    """Return the objects of a kind from their JSON, in one go: a schema has tens of thousands. Raises as `loaded`."""
    adapter = _adapter(GenericAlias(list, (kind.holds,)))
    try:
        found: list[Object] = adapter.validate_json(f"[{','.join(texts)}]", strict=True)
    except ValidationError:
        return [loaded(kind, text, where) for text in texts]  # which of them it is
    return found
