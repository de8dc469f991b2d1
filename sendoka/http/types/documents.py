"""JSON documents: what `json` and `jsonb` hold."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

from sendoka.http.types.numbers import int_text, read_int

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Json", "exact_json", "is_model", "json_text", "model_text", "read_json"]


@dataclass(frozen=True, slots=True)
class Json:
    """A parameter for a `json` or `jsonb` column, whatever its Python type: `Json([1, 2])`, `Json("text")`.

    A dict needs no `Json`; a list does, because a bare list is a Postgres array.
    """

    value: Any


def read_json(text: str, **options: Any) -> Any:
    """Return what a document holds; whole numbers are exact, whatever their size."""
    try:
        return json.loads(text, **options)
    except ValueError:
        # Python reads 4,300 digits at most by itself.
        return json.loads(text, **{**options, "parse_int": read_int})


exact_json: Callable[[str], Any] = partial(read_json, parse_float=Decimal)
"""What a document holds with every number exact: those with a fraction or exponent as `Decimal`.

For `types=`: `neon(url, types={"json": exact_json, "jsonb": exact_json})`. They go back as the same numbers.
"""


def json_text(value: Any) -> str:
    """Return `value` as JSON: what `json` knows, and dates, UUIDs, enums, decimals, dataclasses and models in it.

    Raises TypeError for what is no JSON, ValueError for NaN, infinities and circles.
    """
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)
    except _NotByItself:
        return _written(value)
    except ValueError as error:
        if "digits" in str(error):
            return _written(value)
        raise ValueError(f"not JSON: {error}") from None


class _NotByItself(Exception):
    """A number that the json module cannot write as it is."""


def _plain(value: Any) -> Any:
    """Return something that the json module writes, in the place of `value`."""
    if isinstance(value, Decimal):
        raise _NotByItself
    if isinstance(value, Json):
        return value.value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if is_model(type(value)):
        return _fields_of(value)
    from uuid import UUID  # rare enough not to be imported with the client

    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"a value of type {type(value).__name__} is no JSON")


def _written(value: Any) -> str:
    """Write JSON by ourselves: slower than the json module, but with numbers that it lacks."""
    if isinstance(value, str | float | bool | None):
        return json_text(value)
    if isinstance(value, int):
        return int_text(value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"not JSON: {value} is no number there")
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_key(key)}:{_written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_written, value)) + "]"
    return _written(_plain(value))


def _key(key: Any) -> str:
    # The json module's own rule for keys that are no text.
    return json_text({key: 0})[1:-3]


def is_model(cls: type) -> bool:
    """Tell whether it is a dataclass, a pydantic model or a msgspec Struct."""
    return any(hasattr(cls, name) for name in ("__dataclass_fields__", "__pydantic_serializer__", "__struct_fields__"))


def model_text(value: Any) -> str:
    """Return a dataclass, pydantic model or msgspec Struct as JSON: the latter two as they write it themselves."""
    if hasattr(value, "model_dump_json"):
        return str(value.model_dump_json())
    return json_text(_fields_of(value))


def _fields_of(value: Any) -> Any:
    cls = type(value)
    if hasattr(cls, "model_dump"):
        return value.model_dump(mode="json")
    if hasattr(cls, "__pydantic_serializer__"):  # a dataclass of pydantic's
        return cls.__pydantic_serializer__.to_python(value, mode="json")
    if hasattr(cls, "__struct_fields__"):
        import msgspec

        return msgspec.to_builtins(value)
    return {field.name: getattr(value, field.name) for field in fields(value)}
