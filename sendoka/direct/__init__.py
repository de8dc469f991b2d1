"""The seam over TCP, for plain Postgres and for what outlives an HTTP request; the only importer of asyncpg."""

from __future__ import annotations

from sendoka.direct.over_tcp import Direct

__all__ = ["Direct"]
