"""Objects that are declared: by a function such as `view()` where that says all, else as the object itself.

A kind needs nothing here: an object is written as its class with the properties that are not usual.
"""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sendoka import schema
from sendoka.errors import SchemaError
from sendoka.schema import objects
from sendoka.schema.kinds.policy import EVERYBODY
from sendoka.schema.model import PUBLIC, Expression
from sendoka.schema.spelling import differences
from sendoka.schema.to_python.code import Code, Name, Text, call, mapping, tupled
from sendoka.schema.to_python.sql import bindless, written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sendoka.schema.model import Object
    from sendoka.schema.to_python.imports import Imports

__all__ = ["object_code", "options_in"]

FRONT = "sendoka.schema"


class _Said(NamedTuple):
    """A call of a function of `sendoka.schema.objects`."""

    function: str
    arguments: tuple[Any, ...]
    named: Mapping[str, Any]


def object_code(obj: Object, imports: Imports) -> Code:
    """Return the code that declares an object."""
    say = _SAID.get(obj.kind)
    said = say(obj) if say is not None else None
    if said is None or not _means(said, obj):
        return _value(obj, imports)
    arguments = (written(each) for each in said.arguments)
    named = {key: _value(value, imports) for key, value in said.named.items() if value is not None}
    return call(imports.use(FRONT, said.function), *arguments, **named)


def options_in(options: tuple[str, ...]) -> dict[str, object]:
    """Return storage parameters by name, numbers as such."""
    pairs = (option.partition("=") for option in options)
    return {name: int(value) if value.isdecimal() else value for name, _, value in pairs}


def _means(said: _Said, obj: Object) -> bool:
    """Tell whether the call makes the object, as a reader of the file compares it."""
    try:
        made = getattr(objects, said.function)(*said.arguments, **said.named)
    except (SchemaError, ValueError):
        return False
    return made.id == obj.id and not differences(obj, made)


def _value(value: object, imports: Imports) -> Code:
    if isinstance(value, Expression):
        return call(imports.use(FRONT, "Expression"), written(value.text))
    if is_dataclass(value) and not isinstance(value, type):
        module = FRONT if getattr(schema, type(value).__name__, None) is type(value) else type(value).__module__
        named = {each.name: getattr(value, each.name) for each in fields(value) if not _is_usual(value, each)}
        codes = {name: _value(each, imports) for name, each in named.items()}
        return call(imports.use(module, type(value).__name__), **codes)
    if isinstance(value, str):
        return Text(value)
    if isinstance(value, tuple | list):
        return tupled(_value(each, imports) for each in value)
    if isinstance(value, dict):
        return mapping((str(key), _value(each, imports)) for key, each in value.items())
    return Name(repr(value))


def _is_usual(value: object, field: Any) -> bool:
    if not field.compare:
        return True
    usual = field.default if field.default_factory is MISSING else field.default_factory()
    return usual is not MISSING and getattr(value, field.name) == usual


# ------------------------------------------------------------------ what has a function


def _common(obj: Object) -> dict[str, Any]:
    return {"namespace": obj.namespace, "comment": obj.comment} if obj.namespace != PUBLIC else {"comment": obj.comment}


def _queried(obj: Any) -> _Said:
    options = {"options": options_in(obj.options)} if obj.options else {}
    return _Said(obj.kind.replace("-", "_"), (obj.name, obj.definition.text), {**options, **_common(obj)})


def _routine(obj: Any) -> _Said:
    return _Said(obj.kind, (obj.definition.text,), {"comment": obj.comment})


def _trigger(obj: Any) -> _Said:
    fires = {"fires": obj.fires} if obj.fires != "origin" else {}
    return _Said("trigger", (obj.definition.text,), {**fires, "comment": obj.comment})


def _extension(obj: Any) -> _Said:
    return _Said("extension", (obj.name,), _common(obj))


def _policy(obj: Any) -> _Said:
    named = {
        "command": obj.command if obj.command != "all" else None,
        "to": obj.roles if obj.roles != EVERYBODY else None,
        "using": bindless(obj.using.text) if obj.using else None,
        "check": bindless(obj.check.text) if obj.check else None,
        "restrictive": None if obj.permissive else True,
    }
    return _Said("policy", (obj.name, obj.table), {**{k: v for k, v in named.items() if v is not None}, **_common(obj)})


def _partition(obj: Any) -> _Said | None:
    if obj.partition_of is None or obj.bound is None:
        return None
    namespace, table = obj.partition_of
    of = table if namespace == obj.namespace and "." not in table else f"{namespace}.{table}"
    by = {"partition_by": bindless(obj.partition_by.text)} if obj.partition_by else {}
    return _Said("partition", (obj.name, of, bindless(obj.bound.text)), {**by, **_common(obj)})


_SAID: Mapping[str, Callable[[Any], _Said | None]] = {
    "extension": _extension,
    "function": _routine,
    "materialized-view": _queried,
    "policy": _policy,
    "procedure": _routine,
    "table": _partition,
    "trigger": _trigger,
    "view": _queried,
}
