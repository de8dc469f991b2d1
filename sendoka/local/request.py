"""A request to `POST /sql` as values: its statements, how cells are wanted, how a transaction is opened."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sendoka.database.transaction import LEVELS
from sendoka.local.failure import Failure
from sendoka.local.parameters import to_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MOST_PARAMS", "Options", "Payload", "Query", "read_options", "read_payload"]

MOST_PARAMS = 32767
"""Parameters of a statement: their number is signed, of 16 bits, in Neon's code."""

_LEVELS = {name.encode(): words.upper() for name, words in LEVELS.items()}


@dataclass(frozen=True, slots=True)
class Options:
    """What the headers ask for. `begin` is the text that opens a batch; `echo` the headers sent back with it."""

    raw: bool
    array: bool
    begin: str = "START TRANSACTION"
    echo: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """One statement, its parameters as Postgres text, and its own word about arrays or objects."""

    text: str
    params: list[bytes | None]
    array: bool | None = None


@dataclass(frozen=True, slots=True)
class Payload:
    """One statement, or a batch of any number of them."""

    queries: list[Query]
    batch: bool


def read_options(headers: Mapping[bytes, bytes]) -> Options:
    """Return what the headers ask for. A value counts only byte for byte; raises Failure for an unknown level."""
    raw = headers.get(b"neon-raw-text-output") == b"true"
    array = headers.get(b"neon-array-mode") == b"true"
    level = headers.get(b"neon-batch-isolation-level")
    if level is not None and level not in _LEVELS:
        raise Failure("invalid isolation level")
    modes, echo = [], []
    if level is not None:
        modes.append(f"ISOLATION LEVEL {_LEVELS[level]}")
        echo.append((b"neon-batch-isolation-level", level))
    for name, mode in ((b"neon-batch-read-only", "READ ONLY"), (b"neon-batch-deferrable", "DEFERRABLE")):
        if headers.get(name) == b"true":
            modes.append(mode)
            echo.append((name, b"true"))
    if not modes:
        return _PLAIN[raw, array]
    return Options(raw, array, f"START TRANSACTION {', '.join(modes)}", tuple(echo))


_PLAIN = {(raw, array): Options(raw, array) for raw in (False, True) for array in (False, True)}


def read_payload(body: bytes) -> Payload:
    """Return the statements of a body; raises Failure for what is not JSON or not of a known shape.

    A body that can be read as one statement is one, whatever else it holds.
    """
    try:
        document = _DECODER.decode(body.decode("utf-8"))
        single = _query(document)
        if single is not None:
            return Payload([single], batch=False)
        batch = _queries(document)
    except UnicodeEncodeError:
        raise Failure("could not parse the HTTP request body: lone surrogate in hex escape") from None
    except (ValueError, RecursionError) as error:
        raise Failure(f"could not parse the HTTP request body: {error}") from None
    if batch is None:
        raise Failure("could not parse the HTTP request body: data did not match any variant of untagged enum Payload")
    return Payload(batch, batch=True)


def _queries(document: Any) -> list[Query] | None:
    listed = document.get("queries") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        return None
    queries = [query for item in listed if (query := _query(item)) is not None]
    return queries if len(queries) == len(listed) else None


def _query(document: Any) -> Query | None:
    if not isinstance(document, dict):
        return None
    text, params, array = document.get("query"), document.get("params", []), document.get("arrayMode")
    if not isinstance(text, str) or not isinstance(params, list) or not (array is None or isinstance(array, bool)):
        return None
    text.encode("utf-8")  # a lone surrogate is no text
    # More are refused when the statement is sent, so one too many is enough to know.
    texts = [None if value is None else to_text(value).encode("utf-8") for value in params[: MOST_PARAMS + 1]]
    return Query(text, texts, array)


# ------------------------------------------------------------------ JSON as Neon's parser reads it


def _integer(digits: str) -> int | float:
    number = int(digits) if len(digits) < 400 else math.inf
    if -(2**63) <= number < 2**64:
        return -0.0 if digits == "-0" else number
    return _fraction(digits)


def _fraction(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("number out of range")
    return number


def _constant(name: str) -> float:
    raise ValueError(f"expected value, found {name}")


_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_fraction, parse_constant=_constant)
