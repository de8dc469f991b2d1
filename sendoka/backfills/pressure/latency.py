"""Yields to whoever reads the table: a row is read by its key now and then, as an application would."""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, and the rest is constant

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any

from sendoka.backfills.amounts import FACTOR
from sendoka.backfills.keyset import keys_of
from sendoka.backfills.signal import Busy, Signal
from sendoka.quoting import ident

if TYPE_CHECKING:
    from sendoka.backfills.target import Target

__all__ = ["Latency"]

_KEPT = 20
_EACH = 5
"""Reads that are kept, all of them made before the first batch; and reads a look after that."""

_FLOOR = 50.0
"""Milliseconds that nobody minds: below them a slow read is the chance of a busy processor."""

_PAGES = 64
"""Pages at the end of the table, where recent rows are, that the rows are taken from."""


class Latency(Signal):
    """How long the database takes to read a random recent row by its key, against what it took before the first batch.

    Compared are 95 in 100 of the last twenty reads. Of a partitioned table the rows are those of its newest partition
    that has any, and they are looked up in the whole of it.
    """

    name = "latency"
    about = "who reads the table, where that takes several times as long as before the run"
    unit = FACTOR
    usual = 5.0
    most = 30.0
    touches = True

    def __init__(self) -> None:
        self._idle: float | None = None
        self._took: deque[float] = deque(maxlen=_KEPT)

    def ask(self, target: Target, bound: float) -> str:
        """Return the milliseconds of some reads."""
        if target.facts is None or target.facts.recent is None:
            return "null::jsonb"
        oid, recent = target.facts.recent
        reads = _KEPT if self._idle is None else _EACH
        keys = keys_of(target)
        names = [f"k{place}" for place in range(1, len(keys) + 1)]
        named = ", ".join(f"{key} as {name}" for key, name in zip(keys, names, strict=True))
        given = ", ".join(f"c.{name}" for name in names)
        # The row is chosen, the clock is read, the row is read by its key, and then the clock again: each part needs
        # the one before, its number keeps an answer from being taken for another's, and what is found is used.
        return f"""(select jsonb_agg(round(1000 * extract(epoch from clock_timestamp() - c.began) + 0 * f.found, 3))
from (
  select g as number, greatest(0, pg_relation_size({int(oid)}) / current_setting('block_size')::int - 1
    - floor(random() * {_PAGES})::bigint) as page from generate_series(1, {reads}) g
) n cross join lateral (
  select {named} from {recent} as {ident(target.table)} where ctid = any(
    array(select format('(%s,%s)', n.page, i)::tid from generate_series(1, 100) i)) limit 1
) r cross join lateral (
  select r.*, n.number, clock_timestamp() as began offset 0
) c cross join lateral (
  select count(*) as found from {target.quoted} where ({", ".join(keys)}) = ({given}) and c.number > 0 offset 0
) f)"""

    def judge(self, told: Any, target: Target, at: float, bound: float) -> Busy | None:
        """Compare with the reads before the first batch."""
        if not told:
            return None
        self._took.extend(told)
        if self._idle is None:
            self._idle = _most(self._took)
            return None
        if _most(self._took) <= max(_FLOOR, bound * self._idle):
            return None
        return Busy(f"reading a row of {target.shown} takes over {FACTOR.shown(bound)} as long as before the run")


def _most(milliseconds: deque[float]) -> float:
    """Return what 95 in 100 of the reads took at most."""
    return sorted(milliseconds)[math.ceil(0.95 * len(milliseconds)) - 1]
