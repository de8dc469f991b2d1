"""All signals that are on, read in one request: what others in the database need right now."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from sendoka.backfills.signal import signals
from sendoka.database.home import Ours
from sendoka.database.statement import Statement
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import LockNotAvailable, UndefinedTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sendoka.backfills.signal import Busy
    from sendoka.backfills.target import Target
    from sendoka.database.seam import Database

__all__ = ["Gauges", "Seen"]

_SETTINGS = Statement("select set_config('lock_timeout', '100ms', true), set_config('statement_timeout', '3s', true)")
_OPTIONS = TransactionOptions(isolation_level="ReadCommitted", read_only=True, timeout=5.0)


class Seen(NamedTuple):
    """What was seen: the database's clock, seconds since 1970; the run's state, if one was given; who is busy."""

    clock: float
    state: str | None
    busy: dict[str, Busy]


class Gauges:
    """The signals of one call. They remember what they saw, so each look is to be used."""

    def __init__(self, bounds: Mapping[str, float]) -> None:
        known = signals()
        self._bounds = bounds
        self._signals = {name: known[name]() for name in bounds}

    def __bool__(self) -> bool:
        return bool(self._signals)

    async def read(self, database: Database, target: Target, run: int | None = None) -> Seen:
        """Look once. Raises what the request meets.

        Where somebody locks the table, or waits to do so, what touches it is left out: the rest tells who that is.
        So it is where a partition is gone.
        """
        try:
            return await self._read(database, target, run, list(self._signals))
        except (LockNotAvailable, UndefinedTable):
            apart = [name for name, signal in self._signals.items() if not signal.touches]
            if len(apart) == len(self._signals):
                raise
            return await self._read(database, target, run, apart)

    async def _read(self, database: Database, target: Target, run: int | None, names: list[str]) -> Seen:
        asked = [self._signals[name].ask(target, self._bounds[name]) for name in names]
        state = "" if run is None else "(select r.state from sendoka.backfill_runs r where r.id = $1::bigint)"
        parts = [
            "extract(epoch from clock_timestamp())::text",
            state or "null",
            *(f"({expression})::jsonb::text" for expression in asked),
        ]
        request = Ours(f"select {', '.join(parts)}", (str(run),) if state else ())
        clock, found, *told = (await database.run_all([_SETTINGS, request], _OPTIONS))[-1].rows[0]
        at = float(clock or 0)
        judged = {
            name: self._signals[name].judge(None if cell is None else json.loads(cell), target, at, self._bounds[name])
            for name, cell in zip(names, told, strict=True)
        }
        return Seen(at, found, {name: busy for name, busy in judged.items() if busy is not None})
