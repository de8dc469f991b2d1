"""A request that reached a mock, as it was sent, without what must not be shown."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from sendoka.database.statement import Statement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sendoka.http.request import Request

__all__ = ["Recorded", "record"]

_SECRET = frozenset({"neon-connection-string", "authorization"})


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request: its statements with their parameters as Postgres text, and whether they were one transaction.

    `isolation_level` (in Neon's spelling), `read_only` and `deferrable` are None where nothing was said. `headers` are
    those that were sent, by their names in lower case; the connection string and a token are left out. `host` and
    `database` tell several clients apart.
    """

    statements: tuple[Statement, ...]
    batch: bool
    isolation_level: str | None = None
    read_only: bool | None = None
    deferrable: bool | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    host: str = ""
    database: str = ""


def record(request: Request) -> Recorded:
    """Return what `request` asks for."""
    document = json.loads(request.body)
    queries = document.get("queries", [document])
    headers = {name.lower(): value for name, value in request.headers if name.lower() not in _SECRET}
    return Recorded(
        tuple(Statement(query["query"], tuple(query["params"])) for query in queries),
        "queries" in document,
        headers.get("neon-batch-isolation-level"),
        _flag(headers.get("neon-batch-read-only")),
        _flag(headers.get("neon-batch-deferrable")),
        MappingProxyType(headers),
        request.target.host,
        request.target.database,
    )


def _flag(text: str | None) -> bool | None:
    return None if text is None else text == "true"
