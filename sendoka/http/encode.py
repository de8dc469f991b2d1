"""Python values to the text that Postgres reads: every parameter travels as a string or null."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sendoka.http.types.documents import Json, is_model, json_text, model_text
from sendoka.http.types.moments import time_text
from sendoka.http.types.numbers import bool_text, bytes_text, decimal_text, float_text, int_text

if TYPE_CHECKING:
    from collections.abc import Callable

    Encoder = Callable[[Any], str | None]

__all__ = ["HOOK", "PARAMETERS", "Json", "Parameter", "encode", "encode_all", "encode_column"]

HOOK = "__postgres__"
"""The method by which an object of any class says what is sent in its place: `def __postgres__(self) -> object`."""


class Parameter(NamedTuple):
    """Python types that are sent in one way, in the documentation's words too.

    `types` and their subclasses, or what `fits` says of a class, are written by `encode`.
    """

    shown: str
    reads: str
    encode: Encoder
    types: tuple[type, ...] = ()
    fits: Callable[[type], bool] = lambda _: False


def encode_all(params: tuple[Any, ...]) -> tuple[str | None, ...]:
    """Return the parameters as Postgres text. Raises TypeError or ValueError that names the one that cannot be sent."""
    return tuple(_named(value, number) for number, value in enumerate(params, 1)) if params else ()


def encode(value: Any) -> str | None:
    """Return `value` as Postgres text, None for NULL. Raises TypeError for a type that has no text."""
    return _encoder(type(value))(value)


def encode_column(values: list[Any]) -> list[str | None]:
    """Return each of `values` as Postgres text; the list itself where they are texts. Raises as `encode` does."""
    kinds = set(map(type, values))
    if kinds <= {str}:
        return values
    return [*map(_encoder(kinds.pop()) if len(kinds) == 1 else encode, values)]


def _named(value: Any, number: int) -> str | None:
    try:
        return encode(value)
    except RecursionError:
        raise ValueError(f"parameter ${number}: it is nested too deep, or holds itself") from None
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"parameter ${number}: {error}") from error


def _encoder(cls: type) -> Encoder:
    return _BY_TYPE.get(cls) or _found(cls)


@lru_cache(maxsize=256)
def _found(cls: type) -> Encoder:
    for parameter in PARAMETERS:
        if parameter.fits(cls):
            return parameter.encode
    for base in cls.__mro__:
        if base in _BY_TYPE:
            return _BY_TYPE[base]
    raise TypeError(f"a value of type {cls.__name__} cannot be sent to Postgres; {_instead(cls)}")


def _instead(cls: type) -> str:
    if hasattr(cls, "__await__"):
        return "await it first"
    if hasattr(cls, "__iter__"):
        return "make a list of it, which is sent as an array"
    return f"send text, Json(…) where the column is json or jsonb, or give the class a method {HOOK}()"


def _called(*names: str) -> Callable[[type], bool]:
    """Return what fits classes by their names, and their subclasses: to know them nothing needs to be imported."""
    return lambda cls: any(f"{base.__module__}.{base.__qualname__}" in names for base in cls.__mro__)


def _array(value: list[Any] | tuple[Any, ...]) -> str:
    from sendoka.http.types.array import Array, array_text

    # Thousands of plain texts are the usual large array, and each by itself would take twenty times as long.
    if not isinstance(value, Array) and set(map(type, value)) == {str}:
        text = '","'.join(value)
        if "\\" not in text and text.count('"') == 2 * len(value) - 2:
            return f'{{"{text}"}}'
    return array_text(value, _element)


def _timedelta(value: timedelta) -> str:
    from sendoka.http.types.interval import Interval

    return str(Interval.of(value))


def _element(item: Any) -> str:
    item = _final(item)
    encoder = _encoder(type(item))
    text = encoder(item)
    if text is None or encoder is _array:
        return text or "NULL"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _final(value: Any) -> Any:
    """Return what an enum or an object with the hook stands for: it may be an array, which is not quoted."""
    while hasattr(type(value), HOOK) or isinstance(value, Enum):
        value = value.__postgres__() if hasattr(type(value), HOOK) else value.value
    return value


PARAMETERS: tuple[Parameter, ...] = (
    Parameter("`None`", "NULL", lambda _: None, (type(None),)),
    Parameter("`str`", "its text", str.__str__, (str,)),
    Parameter("`bool`", "`true`, `false`", bool_text, (bool,)),
    Parameter("`int`", "its digits, of any size", int_text, (int,)),
    Parameter("`float`", "its shortest exact text; `NaN`, `Infinity`, `-Infinity`", float_text, (float,)),
    Parameter("`Decimal`", "its text; `NaN`, `Infinity`, `-Infinity`", decimal_text, (Decimal,)),
    Parameter("`bytes`, `bytearray`, `memoryview`", "`bytea`, in hex", bytes_text, (bytes, bytearray, memoryview)),
    Parameter(
        "`datetime`, `date`; `FarDatetime`, `FarDate`",
        "ISO text, with its offset where it is aware",
        lambda at: at.isoformat(),
        (datetime, date),
    ),
    Parameter("`time`; `FarTime`", "ISO text; its offset must not depend on the day", time_text, (time,)),
    Parameter("`timedelta`", "an interval of days and microseconds", _timedelta, (timedelta,)),
    Parameter("`UUID`", "its text", str, fits=_called("uuid.UUID")),
    Parameter(
        "`IPv4Address`, `IPv6Address`, interfaces",
        "`inet`",
        str,
        fits=_called("ipaddress.IPv4Address", "ipaddress.IPv6Address"),
    ),
    Parameter(
        "`IPv4Network`, `IPv6Network`",
        "`cidr`",
        str,
        fits=_called("ipaddress.IPv4Network", "ipaddress.IPv6Network"),
    ),
    Parameter("`list`, `tuple`", "an array, nested to any depth: `$1::text[]`, `any($1)`", _array, (list, tuple)),
    Parameter("`dict`", "`json` or `jsonb`", json_text, (dict,)),
    Parameter(
        "`Json(anything)`",
        "`json` or `jsonb`; a list for such a column needs it",
        lambda value: json_text(value.value),
        (Json,),
    ),
    Parameter(
        "`Interval`, `Range`, `Multirange`, any object with `__postgres__()`",
        "what that returns: an interval, a range, a multirange",
        lambda value: encode(value.__postgres__()),
        fits=lambda cls: hasattr(cls, HOOK),
    ),
    Parameter("an `Enum`", "its value", lambda value: encode(value.value), fits=lambda cls: issubclass(cls, Enum)),
    Parameter(
        "a dataclass, pydantic model or msgspec `Struct`",
        "`json` or `jsonb`",
        model_text,
        fits=is_model,
    ),
)
_BY_TYPE: dict[type, Encoder] = {cls: parameter.encode for parameter in PARAMETERS for cls in parameter.types}
