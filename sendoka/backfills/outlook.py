"""What a backfill would do, found out without changing anything: its rows, its order, its time, one batch undone."""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, values are parameters, and the rest is constant

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sendoka.backfills.after import check_after_itself, unfinished
from sendoka.backfills.declare import Backfill
from sendoka.backfills.explained import explained, index_of
from sendoka.backfills.gauges import Gauges
from sendoka.backfills.keys import peeked, source_of
from sendoka.backfills.keyset import keys_of
from sendoka.backfills.limits import Limits
from sendoka.backfills.line import round_trip
from sendoka.backfills.order import arranged, walked
from sendoka.backfills.overview import list_runs
from sendoka.backfills.pace import FIRST, MOST, SMALLEST, TARGET, largest
from sendoka.backfills.patience import passes
from sendoka.backfills.sharding import Sharding, kept, planned
from sendoka.backfills.shards import read_shard, read_totals
from sendoka.backfills.signal import half_speed
from sendoka.backfills.soundness import warnings_of
from sendoka.backfills.standing import standing_of
from sendoka.backfills.target import estimate, read_target
from sendoka.backfills.terms import Terms
from sendoka.backfills.trial import Sample, endless, is_unfit, measured, sampled, unfit
from sendoka.database.seam import Database
from sendoka.database.statement import Statement
from sendoka.database.transaction import READ_ONLY
from sendoka.errors import DatabaseError, InvalidBackfill

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sendoka.backfills.runs import Run
    from sendoka.backfills.target import Target
    from sendoka.backfills.trial import Measured

__all__ = ["Outlook", "Trial", "plan"]


@dataclass(frozen=True, slots=True)
class Trial:
    """The next batch, done and undone; for a step in Python only its page was read, and `changed` is None.

    `explain` is what EXPLAIN (ANALYZE, BUFFERS) said of it, in short lines; `locks` the tables it locked, and how.
    """

    scanned: int
    paged: int
    changed: int | None
    seconds: float
    explain: tuple[str, ...]
    locks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a backfill would do.

    `form` is `sql` or `python`; `state` that of its newest run as `status` has it, or `not started`. `rows` are about
    all rows of the table, or those that `source=` or `keys=` choose, and `rows_by` says who tells: the table's
    `statistics`, a `count`, the `planner`, who only expects it of a SELECT, or the `run` that goes on, which began
    with so many; `matching` about those that satisfy `where`, by a sample of `sampled` rows; None where nobody
    can tell. They are walked in `order` by the columns `by`, in so many `strides`, for the reason `why`, by `index`.
    `seconds` is about how long `batches` batches of `batch_size` rows take, with the round trip that was measured: all
    that are left of the pass, where its run goes on. The pages are the first and the last key of the first and of the
    last page by those columns, empty for an empty table; the last one is empty too where not all keys of `keys=` were
    looked at. `after` are the backfills that must be done first. `problems` keep a run from being done, `warnings` are
    to be known. `pace` is what holds a run back, `busy` for what it would wait if it began now; of these the rate and
    the hours count for `seconds`. `shards` are the ranges into which the table is split, and `seconds` what one worker
    takes for all of them. `script_changed` is whether the run that goes on was begun with another script, which must be
    accepted.
    """

    name: str
    table: str
    form: str
    state: str
    rows: int | None
    matching: int | None
    sampled: int
    order: str
    by: tuple[str, ...]
    strides: int
    why: str
    index: str | None
    batch_size: int
    batches: int | None
    seconds: float | None
    first_page: tuple[tuple[Any, ...], ...]
    last_page: tuple[tuple[Any, ...], ...]
    trial: Trial | None
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    shards: Sharding
    after: tuple[str, ...] = ()
    pace: tuple[str, ...] = ()
    busy: tuple[str, ...] = ()
    script_changed: bool = False
    rows_by: str = ""


@dataclass(frozen=True, slots=True)
class _Standing:
    """How the newest run stands: its state, and where it goes on its order, the cursor, and the rows of this pass.

    `run` is None where a new one is begun; `anew` is whether its order and its shards are chosen anew.
    """

    state: str
    run: Run | None = None
    cursor: str | None = None
    scanned: int = 0
    changed: bool = False
    anew: bool = True


async def plan(
    sql: Database,
    backfill: Backfill,
    *,
    batch_size: int | None = None,
    order: str | None = None,
    rate: str | float | None = None,
    wal_budget: str | None = None,
    between: str | None = None,
    tz: str | None = None,
    yields: Mapping[str, str] | None = None,
    workers: int = 1,
    shards: int | None = None,
) -> Outlook:
    """Find out what `run` would do with `backfill`, and change nothing.

    One batch in SQL is done and undone, and so is its change on a sample of rows: both hold their rows for that moment,
    wait a second at most for a lock, and may take ten seconds each. Triggers fire in them; what they do outside of the
    database, and numbers of sequences, do not come back. A step in Python is not called.

    Raises what `run` raises for a declaration that does not fit the database. What a run would end with is in
    `problems`.
    """
    if not isinstance(backfill, Backfill):
        raise InvalidBackfill(f"{backfill!r} is no backfill: it has neither sql= nor a step")
    check_after_itself(backfill)
    limits = Limits.of(rate=rate, wal_budget=wal_budget, between=between, tz=tz, yields=yields)
    terms = Terms(batch_size, order=order, workers=workers, shards=shards, limits=limits)
    terms.check_shards(backfill)
    if not isinstance(sql, Database):
        raise TypeError(f"a backfill is planned on a client, neon(url), not on a {type(sql).__name__}")
    return await _found_out(sql, backfill, terms)


async def _found_out(sql: Database, backfill: Backfill, terms: Terms) -> Outlook:
    found, size = await read_target(sql, backfill), terms.batch_size or FIRST
    going = await _standing(sql, backfill)
    order = None if going.run is None or going.anew else going.run.walk or walked(found)
    target = arranged(backfill, found, terms.order, order)
    cursor, whole = going.cursor, True
    if backfill.keys is not None:
        keys, rows = await peeked(sql, backfill, target)
        target, cursor, whole = replace(target, source=source_of(keys, target)), None, rows == len(keys)
        rows_by = "count"
    else:  # what a run changed looks like more rows to the planner, so one that goes on keeps its count
        total = going.run.total if going.run else None
        rows, rows_by = (total, "run") if total is not None else await estimate(sql, target)
    first_page, last_page = await _pages(sql, target, size)
    missing = await unfinished(sql, backfill)
    notes = _Notes([f"it comes after {name}, which is not done: {standing}" for name, standing, _ in missing])
    sample = await _sample(sql, backfill, target, notes)
    batch = await _batch(sql, backfill, target, cursor, size, notes)
    share = sample.share if sample else None
    matching = None if rows is None or share is None else round(rows * share)
    rest = None if rows is None else max(0, rows - going.scanned)
    busy, clock = await _busy(sql, target, terms.limits)
    batch_size, batches, seconds = _paced(batch, rest, matching, terms.batch_size, await round_trip(sql))
    return Outlook(
        backfill.name,
        target.shown,
        "sql" if backfill.sql is not None else "python",
        going.state,
        rows,
        matching,
        sample.rows if sample else 0,
        target.order,
        target.key,
        target.strides,
        target.why,
        index_of(batch.plan) if batch else _index(target),
        batch_size,
        batches,
        _within(seconds, rest, terms.limits, clock),
        first_page,
        last_page if whole else (),
        None if batch is None else _shown(batch),
        tuple(dict.fromkeys(notes.problems)),
        (*warnings_of(target), *_partial(sample), *dict.fromkeys(notes.warnings)),
        await _shards(sql, going, target, terms, rows),
        backfill.after_names,
        tuple(terms.limits.lines()),
        busy,
        going.changed,
        rows_by if rows is not None else "",
    )


async def _shards(sql: Database, going: _Standing, target: Target, terms: Terms, rows: int | None) -> Sharding:
    """Return the shards that the run has; those of one whose script changed before its first batch become one."""
    if going.run is None:
        return await planned(sql, target, terms, rows)
    return await (planned(sql, target, Terms(), rows) if going.anew else kept(sql, going.run.id))


async def _busy(sql: Database, target: Target, limits: Limits) -> tuple[tuple[str, ...], float | None]:
    """Return for what a run would wait if it began now, and the database's clock, seconds since 1970."""
    try:
        seen = await Gauges(limits.bounds).read(sql, target)
    except DatabaseError as error:
        return (half_speed(f"what the database is busy with: {error.message}"),), None
    closed = () if limits.window is None or limits.window.holds(seen.clock) else (f"it is not {limits.window}",)
    return (*closed, *(half_speed(busy.why) if busy.hidden else busy.why for busy in seen.busy.values())), seen.clock


def _within(seconds: float | None, rows: int | None, limits: Limits, clock: float | None) -> float | None:
    """Return how long so many rows take at the rate and in the hours of a run, None where that is never or unknown."""
    if seconds is None:
        return None
    if limits.rate is not None:
        seconds = max(seconds, (rows or 0) / limits.rate)
    if limits.window is None or clock is None:
        return seconds
    taken = limits.window.lasts(clock, seconds)
    return None if math.isinf(taken) else taken


async def _standing(sql: Database, backfill: Backfill) -> _Standing:
    found = {run.name: (run, activity) for run, _, activity in await list_runs(sql)}
    if backfill.name not in found:
        return _Standing("not started")
    run, activity = found[backfill.name]
    if run.over:
        return _Standing(run.state)
    state = standing_of(run, activity).state  # who was killed is still noted as running
    (shard, _), totals = await read_shard(sql, run.id, 0), await read_totals(sql, run.id)
    changed = run.checksum != backfill.checksum()
    begun = totals.seq > 0
    return _Standing(
        state, run, shard.cursor, totals.pass_scanned, changed=changed and begun, anew=changed and not begun
    )


async def _pages(
    sql: Database, target: Target, size: int
) -> tuple[tuple[tuple[Any, ...], ...], tuple[tuple[Any, ...], ...]]:
    """Return the ends of the first and of the last page."""
    keys = keys_of(target)
    forward, backward = ", ".join(keys), ", ".join(f"{key} desc" for key in keys)
    names = ", ".join(f"k{place}" for place in range(1, len(keys) + 1))
    columns = ", ".join(f"{key} as k{place}" for place, key in enumerate(keys, 1))
    reads = [
        Statement(
            f"""with sendoka_page as materialized (
  select row_number() over () as place, * from (
    select {columns} from {target.scanned} order by {order} limit $1::int) p
)
select jsonb_build_array({names})::text from sendoka_page
where place in (1, (select max(place) from sendoka_page)) order by place""",
            (str(size),),
        )
        for order in (forward, backward)
    ]
    first, last = await sql.run_all(reads, READ_ONLY)
    ends = [tuple(tuple(json.loads(str(cell))) for (cell,) in result.rows) for result in (first, last)]
    return ends[0], ends[1][::-1]


@dataclass(slots=True)
class _Notes:
    """What trials met: what keeps a run from being done, and what it would wait for."""

    problems: list[str]
    warnings: list[str] = field(default_factory=list)

    def take(self, backfill: Backfill, error: DatabaseError) -> None:
        """Note an error: a lock, or a batch that took too long, says nothing of the backfill itself."""
        if is_unfit(error):
            self.problems.append(unfit(backfill, error).what)
        elif passes(error) or error.sqlstate == "57014":
            self.warnings.append(f"it could not be tried now: {error.message} ({error.sqlstate}); a run waits for that")
        else:
            self.problems.append(f"the trial failed: {error.message} ({error.sqlstate})")


async def _sample(sql: Database, backfill: Backfill, target: Target, notes: _Notes) -> Sample | None:
    try:
        sample = await sampled(sql, backfill, target)
    except DatabaseError as error:
        notes.take(backfill, error)
        return None
    if sample.endless and backfill.where is not None and backfill.verify is None:
        notes.problems.append(endless(backfill, sample).what)
    return sample


async def _batch(
    sql: Database, backfill: Backfill, target: Target, cursor: str | None, size: int, notes: _Notes
) -> Measured | None:
    try:
        return await measured(sql, backfill, target, cursor, size)
    except DatabaseError as error:
        notes.take(backfill, error)
        return None


def _partial(sample: Sample | None) -> list[str]:
    """Warn of rows that the change leaves as they are: each pass meets them again, and a run ends with an error."""
    if sample is None or not sample.paged or sample.endless:
        return []
    if not sample.changed:
        return [f"the change changed none of {sample.paged} rows that it was tried on"]
    if sample.still:
        return [f"{sample.still} of {sample.paged} rows that it was tried on satisfy where= afterwards too"]
    return []


def _index(target: Target) -> str | None:
    index = target.facts.index_for(target.key) if target.facts else None
    return index.name if index else None


def _shown(batch: Measured) -> Trial:
    return Trial(batch.scanned, batch.paged, batch.changed, batch.seconds, tuple(explained(batch.plan)), batch.locks)


def _paced(
    batch: Measured | None, rows: int | None, matching: int | None, fixed: int | None, trip: float
) -> tuple[int, int | None, float | None]:
    """Return the size that batches will have, how many they will be, and the seconds that they take in all."""
    if batch is None or not batch.scanned:
        size = fixed or FIRST
        return size, None if rows is None else max(1, math.ceil(rows / size)), None
    each, share = batch.seconds / batch.scanned, batch.paged / batch.scanned
    if batch.paged and rows and matching is not None:
        # Most of the time is the change's: it goes with the rows that satisfy `where`, not with those scanned.
        share, met = min(matching / rows, 1), share
        each *= share / met
    most = largest(MOST, share)
    size = fixed or int(min(max(TARGET / each, SMALLEST), most) if each else most)
    if rows is None:
        return size, None, None
    batches = max(1, math.ceil(rows / size))
    return size, batches, (None if batch.changed is None else rows * each + batches * trip)
