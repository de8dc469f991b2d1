"""The keys of a run, stored once when it begins: from then on it is walked by them, whatever becomes of their source.

They are stored in requests of some thousand keys, each behind a fence on the lease of the run's shard, and the run is
marked when all are there; no batch is done before. Each request notes how many of them were given by then, so whoever
finds no mark goes on behind these: a long list is stored by calls that each have a minute. Keys of a function, and
those of a file or list that is another one by then, are stored anew. A run keeps its keys: a file that changed
meanwhile is refused, for what was added behind its place would be left out.
"""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, values are parameters, and the rest is constant

from __future__ import annotations

import contextlib
import json
import time
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import anyio

from sendoka.backfills.keys import digest_of, given_keys, order_of
from sendoka.backfills.keyset import keys_of
from sendoka.backfills.owner import new_owner
from sendoka.backfills.patience import rest
from sendoka.backfills.shards import claim, read_shard, release
from sendoka.backfills.target import values_of
from sendoka.backfills.walk import LEASE
from sendoka.database.home import Ours
from sendoka.errors import BackfillChanged, BackfillError, DatabaseError, SendokaError
from sendoka.http.encode import encode

if TYPE_CHECKING:
    from sendoka.backfills.call import Call
    from sendoka.backfills.keys import Key
    from sendoka.backfills.runs import Run
    from sendoka.backfills.target import Target
    from sendoka.database.statement import Cells

__all__ = ["list_keys"]

_SHARD = 0
_ROWS = 10_000
_BYTES = 1_000_000
"""Keys, and characters of them, in one request: far below what the wire takes."""

_FORGET = """delete from sendoka.backfill_keys k using sendoka_held h where k.run = h.run and not h.kept
  returning 1
), sendoka_noted as (
  update sendoka.backfill_runs r set walk = r.walk || jsonb_build_object('storing', jsonb_build_object('epoch', $4))
  from sendoka_held h where r.id = h.run and not h.kept"""
"""Done once by whoever holds the lease: delivered late, behind its twin, it would forget what was stored since."""

_TELL_EVERY = 2.0
"""Seconds between two words of how many are stored."""

_LOOK_EVERY = 0.5
"""Seconds between two looks at whether a rival has stored them."""


async def list_keys(call: Call, run: Run, target: Target) -> bool:
    """Store the keys of a run, unless that was done; return whether they are there: not where the run is held.

    Raises BackfillError for keys that cannot be, BackfillChanged for others than the run began with.
    """
    digest = digest_of(call.backfill)
    while True:
        mark = await _mark(call, run)
        if mark is not None:
            _check_same(run, mark, digest)
            call.run = replace(run, total=int(mark["count"]))
            return True
        if await _stored(call, run, target, digest):
            continue
        found, lease = await call.insist(lambda: read_shard(call.database, run.id, _SHARD))
        if found.state != "running":
            return found.state == "scanned"
        call.waiting("another process stores its keys", lease.seconds)
        await rest(_LOOK_EVERY, call.stop)


async def _stored(call: Call, run: Run, target: Target, digest: str | None) -> bool:
    """Store the keys under a lease, unless they are there by then; return False where a rival has it, or took it."""
    owner = new_owner()
    shard = await call.insist(lambda: claim(call.database, run.id, _SHARD, owner=owner, lease=LEASE))
    if shard is None:
        return False
    try:
        # A rival may have marked the run since we looked: while the shard is ours none can.
        if await _mark(call, run) is not None:
            return True
        return await _Listing(call, run, target, owner, str(shard.epoch), digest).store()
    finally:
        with contextlib.suppress(SendokaError), anyio.move_on_after(call.last_words(more=True), shield=True):
            await release(call.database, run.id, owner=owner)


async def _mark(call: Call, run: Run) -> dict[str, Any] | None:
    text = "select walk ->> 'keys' from sendoka.backfill_runs where id = $1::bigint"
    ((kept,),) = (await call.insist(lambda: call.database.run(Ours(text, (str(run.id),))))).rows
    return None if kept is None else json.loads(kept)


def _check_same(run: Run, mark: dict[str, Any], digest: str | None) -> None:
    if digest is None or mark["digest"] == digest:
        return
    raise BackfillChanged(
        f"the keys of the backfill {run.name} changed since its run began with {mark['count']} of them",
        where="a run keeps the keys that it began with; nothing was changed from here",
        todo="restore them; or cancel the run and begin a new one:"
        f" sendoka backfill cancel {run.name}, then sendoka backfill run {run.name} --again",
    )


@dataclass(slots=True)
class _Listing:
    """Keys on their way into our table, under the lease that `owner` has by `epoch`."""

    call: Call
    run: Run
    target: Target
    owner: str
    epoch: str
    digest: str | None
    given: int = 0
    told: float | None = None

    async def store(self) -> bool:
        """Store all, mark the run, and warn of what is odd; return False where somebody took the lease over."""
        there = await self._there()
        if not there and not await self._fenced(_FORGET):
            return False
        chunk: list[Key] = []
        size = 0
        async with aclosing(given_keys(self.call.database, self.call.backfill, self.target)) as keys:
            async for key in keys:
                if self.given < there:
                    self.given += 1
                    continue
                chunk.append(key)
                size += sum(map(len, key))
                if len(chunk) >= _ROWS or size >= _BYTES:
                    if not await self._insert(chunk):
                        return False
                    chunk, size = [], 0
        if chunk and not await self._insert(chunk):
            return False
        return await self._finish()

    @property
    def _sequence(self) -> str | None:
        """What tells these keys, in this order, from others; None of a function, which may give them in another one."""
        return None if self.digest is None else f"{self.digest} {order_of(self.call.backfill)}"

    async def _there(self) -> int:
        """Return how many of these keys a call that was cut off has stored already, in the order in which we have them.

        A request whose answer was lost may have been noted or not: then its keys are given twice, which does no harm.
        """
        text = "select walk ->> 'storing' from sendoka.backfill_runs where id = $1::bigint"
        ((kept,),) = await self._rows(text, str(self.run.id))
        noted: dict[str, Any] = json.loads(kept or "{}")
        known = noted.get("sequence")
        return int(noted["given"]) if known and known == self._sequence else 0

    async def _insert(self, chunk: list[Key]) -> bool:
        self.given += len(chunk)
        width = range(1, len(self.target.key) + 1)
        arrays = ", ".join(f"${place + 4}::text[]" for place in width)
        names = ", ".join(f"k{place}" for place in width)
        values = ", ".join(
            f"n.k{place}::{self.target.types[column]}" for place, column in enumerate(self.target.key, 1)
        )
        mark = f"${len(self.target.key) + 5}::jsonb"
        text = f"""insert into sendoka.backfill_keys (run, key)
  select h.run, jsonb_build_array({values}) from sendoka_held h cross join unnest({arrays}) as n({names})
  on conflict (run, key) do nothing
  returning 1
), sendoka_noted as (
  update sendoka.backfill_runs r set walk = r.walk || jsonb_build_object('storing', {mark})
  from sendoka_held h where r.id = h.run and {mark} ->> 'sequence' is not null"""
        params = [str(encode(list(column))) for column in zip(*chunk, strict=True)]
        params.append(json.dumps({"sequence": self._sequence, "given": self.given, "epoch": self.epoch}))
        self._tell()
        try:
            return await self._fenced(text, *params)
        except DatabaseError as error:
            if not error.sqlstate.startswith("22"):
                raise
            raise BackfillError(
                f"a key of the backfill {self.run.name} is none of {self.target.shown}: {error.message}",
                where=f"among the keys up to number {self.given}; no row was changed",
                todo=f"the key is ({', '.join(f'{each} {self.target.types[each]}' for each in self.target.key)})",
            ) from error

    def _tell(self) -> None:
        """Say how many there are by now, the first time and every few seconds: a long list has many requests."""
        now = time.monotonic()
        if self.told is None or now >= self.told + _TELL_EVERY:
            self.told = now
            self.call.waiting(f"{self.given:,} keys are stored")

    async def _finish(self) -> bool:
        """Mark the run: from here on it may be walked."""
        run = str(self.run.id)
        look = f"""select count(*), count(*) filter (where not exists (
  select from {self.target.quoted} where ({", ".join(keys_of(self.target))}) = {values_of("k.key", self.target)}))
from sendoka.backfill_keys k where k.run = $1::bigint"""
        ((stored, missing),) = await self._rows(look, run)
        count, gone = int(stored or 0), int(missing or 0)
        text = """update sendoka.backfill_runs r set total = $5::bigint,
  walk = r.walk - 'storing' || jsonb_build_object('keys', $6::jsonb) from sendoka_held h where r.id = h.run"""
        mark = json.dumps({"digest": self.digest, "count": count})
        if not await self._fenced(text, str(count), mark):
            return False
        twice = self.given - count
        warnings = [f"{twice} of {self.given} keys were given more than once"] if twice > 0 else []
        if gone:
            warnings.append(f"{gone} of {count} keys have no row in {self.target.shown}")
        self.call.warn(warnings)
        return True

    async def _fenced(self, text: str, *params: str) -> bool:
        """Do it if the lease is still ours, for another while; return whether it was.

        The run's row is locked before its shard's, as whoever pauses it does.
        """
        fence = f"""with sendoka_run as materialized (
  select r.id,
    r.walk ->> 'keys' is not null or coalesce((r.walk -> 'storing' ->> 'epoch')::bigint, 0) = $4::bigint as kept
  from sendoka.backfill_runs r where r.id = $1::bigint for no key update
), sendoka_held as materialized (
  update sendoka.backfill_shards s set lease_until = clock_timestamp() + interval '{LEASE} s'
  from sendoka_run r where s.run = r.id and s.shard = $2::int and s.owner = $3 and s.epoch = $4::bigint and not s.held
  returning s.run, r.kept
), sendoka_done as (
  {text}
  returning 1
)
select (select count(*) from sendoka_held), (select count(*) from sendoka_done)"""
        place = (str(self.run.id), str(_SHARD), self.owner, self.epoch)
        ((held, _),) = await self._rows(fence, *place, *params)
        return held == "1"

    async def _rows(self, text: str, *params: str) -> list[Cells]:
        return (await self.call.insist(lambda: self.call.database.run(Ours(text, params)))).rows
