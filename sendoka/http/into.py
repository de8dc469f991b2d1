"""Rows to models of the user's: dataclasses, TypedDicts, NamedTuples, pydantic models, msgspec Structs.

pydantic and msgspec convert and check values as they always do, and raise their own errors, which are ValueErrors. The
others are built as they are: their types are the word of whoever wrote them. Names are checked for all of them: every
column must have a field and every field that has no default a column.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar, get_origin, is_typeddict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sendoka.http.row import Row

__all__ = ["misfit", "shaper"]

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a model takes: names of its fields, those it cannot do without, and how many rows become models.

    `required` has one set of names a field, of which one is enough. `open` is true where other names do no harm.
    """

    model: str
    known: frozenset[str]
    required: tuple[frozenset[str], ...]
    build: Callable[[tuple[str, ...], Sequence[Row]], list[Any]]
    open: bool = False


def shaper(model: type[M]) -> Callable[[Sequence[Row]], list[M]]:
    """Return the function that makes a list of `model` of rows.

    Raises TypeError for what is no model; the function raises ValueError where columns and fields do not fit, and what
    pydantic or msgspec raise for a value.
    """
    shape = _shape(model)

    def build(rows: Sequence[Row]) -> list[M]:
        if not rows:
            return []
        names = rows[0].keys()
        _check(shape, names)
        return shape.build(names, rows)

    return build


def misfit(model: Any, names: Sequence[str]) -> str:
    """Return why rows of columns of these `names` can never be made into `model`; empty where they can."""
    try:
        _check(_shape(model), tuple(names))
    except ValueError as error:
        return str(error)
    return ""


def _shape(model: Any) -> _Shape:
    cls = get_origin(model) or model
    if not isinstance(cls, type):
        raise TypeError(f"{model!r} is no model; {_MODELS}")
    if is_typeddict(cls):
        return _typed_dict(cls)
    if hasattr(cls, "__pydantic_validator__"):
        return _pydantic(model, cls)
    if hasattr(cls, "__struct_fields__"):
        return _struct(model, cls)
    if is_dataclass(cls) or (issubclass(cls, tuple) and hasattr(cls, "_fields")):
        return _called(cls)
    raise TypeError(f"{cls.__name__} is no model; {_MODELS}")


_MODELS = "give a dataclass, a TypedDict, a NamedTuple, a pydantic model or a msgspec Struct"


def _check(shape: _Shape, names: tuple[str, ...]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"several columns are called {_listed(twice)}, so {shape.model} cannot be made; rename one")
    unknown = [name for name in names if name not in shape.known]
    if unknown and not shape.open:
        raise ValueError(
            f"{shape.model} has no field for the column {_listed(unknown)}; leave it out, or add the field"
        )
    missing = [min(one_of) for one_of in shape.required if one_of.isdisjoint(names)]
    if missing:
        raise ValueError(f"{shape.model} needs {_listed(missing)}, and the rows have no such column")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _each(names: Iterable[str]) -> tuple[frozenset[str], ...]:
    return tuple(frozenset({name}) for name in names)


def _typed_dict(cls: Any) -> _Shape:
    required = [key for key in cls.__annotations__ if _is_required(cls, key)]
    return _Shape(cls.__name__, frozenset(cls.__annotations__), _each(required), _dicts)


def _is_required(cls: Any, key: str) -> bool:
    # Under `from __future__ import annotations` Python does not see the word before a field's type: it is text.
    written = getattr(cls.__annotations__[key], "__forward_arg__", "")
    word = written.partition("[")[0].rpartition(".")[2]
    return word == "Required" or (word != "NotRequired" and key in cls.__required_keys__)


def _called(cls: type) -> _Shape:
    """Return the shape of a class that is called with its fields by name."""

    def build(names: tuple[str, ...], rows: Sequence[Row]) -> list[Any]:
        return [cls(**fields) for fields in _dicts(names, rows)]

    parameters = inspect.signature(cls).parameters.values()
    named = [one for one in parameters if one.kind in {one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY}]
    required = _each(one.name for one in named if one.default is one.empty)
    return _Shape(cls.__name__, frozenset(one.name for one in named), required, build)


def _dicts(names: tuple[str, ...], rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in rows]


def _struct(model: Any, cls: Any) -> _Shape:
    import msgspec

    def build(names: tuple[str, ...], rows: Sequence[Row]) -> list[Any]:
        return msgspec.convert(_dicts(names, rows), list[model])

    fields = msgspec.structs.fields(cls)
    required = _each(field.encode_name for field in fields if field.required)
    return _Shape(cls.__name__, frozenset(field.encode_name for field in fields), required, build)


def _pydantic(model: Any, cls: Any) -> _Shape:
    import pydantic

    adapter = pydantic.TypeAdapter(list[model])

    def build(names: tuple[str, ...], rows: Sequence[Row]) -> list[Any]:
        return adapter.validate_python(_dicts(names, rows))

    config = getattr(cls, "model_config", None) or getattr(cls, "__pydantic_config__", None) or {}
    by_name = config.get("populate_by_name") or config.get("validate_by_name") or False
    by_alias = config.get("validate_by_alias", True)
    names = {
        name: frozenset(_pydantic_names(name, field, by_name=by_name, by_alias=by_alias))
        for name, field in cls.__pydantic_fields__.items()
    }
    required = tuple(names[name] for name, field in cls.__pydantic_fields__.items() if field.is_required())
    return _Shape(cls.__name__, frozenset().union(*names.values()), required, build, "extra" in config)


def _pydantic_names(name: str, field: Any, *, by_name: bool, by_alias: bool) -> set[str]:
    """Return the names under which pydantic looks for a field."""
    alias = field.validation_alias if by_alias else None
    choices = getattr(alias, "choices", [alias])
    found = {getattr(choice, "path", [choice])[0] for choice in choices if choice is not None}
    return found | {name} if by_name or not found else found
