"""The change tried on a few rows and undone: does it run, does it make `where` false, and how long does it take.

All of it is one DO block that ends in an error of our own, so that nothing of it can stay whoever sends it; the error
carries what was found. Numbers taken from sequences do not come back.
"""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, values are parameters, and the rest is constant

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sendoka.backfills.change_text import change_of, looked_up, may_go_unlocked, range_of
from sendoka.backfills.keyset import Span, key_of, keys_of, start_of, stride_of
from sendoka.backfills.page_text import page
from sendoka.database.statement import Statement
from sendoka.database.transaction import READ_ONLY, TransactionOptions
from sendoka.errors import BackfillError, BatchFailed, DatabaseError, TransportError
from sendoka.quoting import ident, literal

if TYPE_CHECKING:
    from sendoka.backfills.declare import Backfill
    from sendoka.backfills.target import Target
    from sendoka.database.seam import Database

__all__ = [
    "FOUND",
    "PATIENCE",
    "ROWS",
    "Measured",
    "Sample",
    "check_change",
    "endless",
    "is_unfit",
    "measured",
    "sampled",
    "unfit",
]

FOUND = "SB000"
"""The SQLSTATE of a trial that came to its end."""

ROWS = 100
"""Rows on which a change is tried: few beside a batch, and from all over the table."""

PATIENCE = 10.0
"""Seconds that a trial may take."""

_PAGES = 200
"""Pages of the table that are looked at, for rows that satisfy `where` and for their share."""

_COUNTS = """select (select count(*) from sendoka_scan), (select count(*) from sendoka_hits),
  (select count(*) from sendoka_change)"""
_CHOSEN = 10_000
"""Rows that are looked at where only some are chosen."""

_LOCK_TIMEOUT = "1s"
_OPTIONS = TransactionOptions(isolation_level="ReadCommitted", idempotent=True)


@dataclass(frozen=True, slots=True)
class Sample:
    """What the change did to a sample: of `rows` looked at `hits` satisfied `where`.

    Of these it was given `paged` (`ROWS` at most), and changed `changed`, be it these or others; `still` of them
    satisfied `where` afterwards, among them `kept`, which it had written. These four are None for a step in Python,
    which is not called.
    """

    rows: int
    hits: int
    paged: int | None = None
    changed: int | None = None
    still: int | None = None
    kept: int | None = None

    @property
    def share(self) -> float | None:
        """The part of all rows that satisfies `where`, None where none was looked at."""
        return self.hits / self.rows if self.rows else None

    @property
    def endless(self) -> bool:
        """Whether the change left `where` true, for all rows that it was tried on or for some that it changed."""
        return bool(self.kept) or (bool(self.paged) and bool(self.changed) and self.still == self.paged)


@dataclass(frozen=True, slots=True)
class Measured:
    """A batch that was undone, or a step's page that was read: its rows, its seconds, its plan as EXPLAIN has it.

    `locks` are the tables that it locked and how, `messages: RowExclusiveLock`.
    """

    scanned: int
    paged: int
    changed: int | None
    seconds: float
    plan: dict[str, Any]
    locks: tuple[str, ...]


async def check_change(database: Database, backfill: Backfill, target: Target, *, seconds: float = PATIENCE) -> None:
    """Try the change on a few rows, before a run of it begins; on none where `verify` tells whether it is done.

    Raises BatchFailed for SQL that cannot be run, BackfillError for a change that leaves `where` true: it would never
    end. Whatever else the trial meets says nothing yet, for the run can wait for it or leave a row out.
    """
    if backfill.sql is None:
        return
    try:
        judged = backfill.where is not None and backfill.verify is None
        sample = await sampled(database, backfill, target, seconds=seconds, rows=ROWS if judged else 0)
    except DatabaseError as error:
        if is_unfit(error):
            raise unfit(backfill, error) from error
    except TransportError:
        return
    else:
        if sample.endless:
            raise endless(backfill, sample)


def is_unfit(error: DatabaseError) -> bool:
    """Tell whether the change itself cannot be run; a role that may not use DO is told nothing by a trial."""
    return error.sqlstate.startswith("42") and "inline_code_block" in (error.context or "")


def unfit(backfill: Backfill, error: DatabaseError) -> BatchFailed:
    """Return the error for SQL that cannot be run whatever the rows: a column, a function, a grant that is missing."""
    return BatchFailed(
        f"the change of the backfill {backfill.name} cannot be run: {error.message} ({error.sqlstate})",
        cursor=None,
        where="it was tried on a few rows and undone; nothing was changed",
        todo=error.hint or "correct sql= or where=, or grant what is missing",
    )


def endless(backfill: Backfill, sample: Sample) -> BackfillError:
    """Return the error for a change that leaves `where` true."""
    if sample.still == sample.paged:
        which = f"all of {sample.paged} rows that it was tried on still satisfy it, so it would never be done"
        todo = "let the change make where= false, or give verify=, a query that counts what is left"
    else:
        which = (
            f"{sample.kept} of {sample.paged} rows that it was tried on were changed and still satisfy it, so each pass"
            " would change them again"
        )
        todo = "let where= or the change leave such rows out, or give verify=, a query that counts what is left"
    return BackfillError(
        f"the change of the backfill {backfill.name} does not make where= false: {which}",
        where=f"where {backfill.where}; it was tried and undone, and nothing was changed",
        todo=todo,
    )


async def sampled(
    database: Database, backfill: Backfill, target: Target, *, seconds: float = PATIENCE, rows: int = ROWS
) -> Sample:
    """Try the change on rows of a sample, and undo it; with no `rows`, only whether it can be run.

    Raises DatabaseError for what the change itself meets.
    """
    told = await _tried(database, _sample_block(backfill, target, rows), seconds)
    return Sample(**told)


def _sample_block(backfill: Backfill, target: Target, rows: int) -> str:
    keys = f"jsonb_build_array({', '.join(keys_of(target))})"
    # Few pages are read whole; else about so many of them, wherever they lie.
    size = max(1, (target.facts.size if target.facts else 0) // 8192)
    some = f" tablesample system ({100 * _PAGES / size:.6f})" if size > _PAGES else ""
    if target.chosen:
        some = (
            f" where ({', '.join(keys_of(target))}) in (select * from ({target.chosen}) sendoka_some limit {_CHOSEN})"
        )
    if rows == 0:
        some = " where false"
    look = f"""with sendoka_sample as materialized (
  select ({backfill.predicate}
  ) is true as sendoka_hit, {keys} as sendoka_key from {target.quoted}{some}
) select (select count(*) from sendoka_sample), (select count(*) from sendoka_sample where sendoka_hit), coalesce(
  (select jsonb_agg(k.sendoka_key) from (
    select sendoka_key from sendoka_sample where sendoka_hit order by random() limit {rows}) k), '[]')"""
    steps = [f"execute {literal(look)} into found_rows, found_hits, found_keys;"]
    told = ["'rows', found_rows", "'hits', found_hits"]
    if backfill.sql is not None:
        given = ", ".join(
            f"(k.value ->> {place})::{target.types[column]} as k{place + 1}" for place, column in enumerate(target.key)
        )
        chosen = f"select {given} from jsonb_array_elements($1) k"
        still = f"""with sendoka_scan as materialized ({chosen})
select count(*), count(*) filter (where {ident(target.table)}.xmin = pg_current_xact_id()::xid)
from {target.quoted} where ({", ".join(keys_of(target))}) in (select * from sendoka_scan) and (
{backfill.predicate}
)"""
        steps += [
            f"execute {literal(_chosen(backfill, target, chosen))}",
            "into found_scanned, found_paged, found_changed using found_keys;",
            f"execute {literal(still)} into found_still, found_kept using found_keys;",
        ]
        told += ["'paged', found_paged", "'changed', found_changed", "'still', found_still", "'kept', found_kept"]
    return f"""declare found_rows bigint; found_hits bigint; found_keys jsonb; found_scanned bigint; found_paged bigint;
  found_changed bigint; found_still bigint; found_kept bigint;
begin
{chr(10).join(steps)}
{_told(told)}
end"""


def _chosen(backfill: Backfill, target: Target, chosen: str) -> str:
    """Return a batch without its checkpoint, over the keys that `chosen` reads. It answers three counts."""
    return f"""with sendoka_scan as materialized (
  {chosen}
), {looked_up(backfill, target, locks=True)}, {change_of(backfill)}
{_COUNTS}"""


def _batch(backfill: Backfill, target: Target, size: int, *, first: bool) -> str:
    """Return a batch behind the cursor that is its one parameter. It answers three counts."""
    span, locks = Span.of("sendoka_checkpoint", first=first, last=True), not may_go_unlocked(backfill, target)
    return f"""with sendoka_checkpoint as (
  select {start_of(target, "$1::jsonb")} as start, {stride_of("$1::jsonb")} as stride
), {range_of(backfill, target, span, str(size), locks=locks)}, {change_of(backfill)}
{_COUNTS}"""


async def measured(
    database: Database,
    backfill: Backfill,
    target: Target,
    cursor: str | None,
    size: int,
    *,
    seconds: float = PATIENCE,
) -> Measured:
    """Do the batch behind `cursor` under EXPLAIN, and undo it; of a step in Python, only read its page.

    Raises DatabaseError for what the batch meets.
    """
    if backfill.sql is None:
        return await _read(database, backfill, target, cursor, size)
    batch = _batch(backfill, target, size, first=key_of(cursor) is None)
    text = f"explain (analyze, buffers, format json) {batch}"
    at = "null" if cursor is None else literal(cursor)
    block = f"""declare found_plan json; found_locks jsonb;
begin
execute {literal(text)} into found_plan using {at}::jsonb;
select jsonb_agg(distinct l.relation::regclass::text || ': ' || l.mode) into found_locks from pg_catalog.pg_locks l
  join pg_catalog.pg_class c on c.oid = l.relation
  where l.pid = pg_backend_pid() and l.locktype = 'relation' and c.relkind in ('r', 'p') and c.oid >= 16384;
{_told(["'plan', found_plan", "'locks', found_locks"])}
end"""
    told = await _tried(database, block, seconds)
    plan = told["plan"][0]
    counts = {name: _rows_of(plan["Plan"], f"CTE sendoka_{name}") for name in ("scan", "hits", "change")}
    took = (float(plan["Planning Time"]) + float(plan["Execution Time"])) / 1000
    locks = tuple(told["locks"] or ())
    return Measured(counts["scan"], counts["hits"], counts["change"], took, plan, locks)


async def _read(database: Database, backfill: Backfill, target: Target, cursor: str | None, size: int) -> Measured:
    read = page(backfill, target, cursor, size)
    explain = Statement(f"explain (analyze, buffers, format json) {read.text}", read.params)
    ((told,),) = (await database.run_all([explain], READ_ONLY))[0].rows
    (plan,) = json.loads(str(told))
    took = (float(plan["Planning Time"]) + float(plan["Execution Time"])) / 1000
    scanned, paged = _rows_of(plan["Plan"], "CTE sendoka_scan"), _hits_of(plan["Plan"])
    return Measured(scanned, paged, None, took, plan, (f"{target.shown}: AccessShareLock",))


def _rows_of(node: dict[str, Any], name: str) -> int:
    """Return how many rows a part of a plan gave, 0 where it was never run."""
    if node.get("Subplan Name") == name:
        return int(node["Actual Rows"] * node["Actual Loops"])
    return sum(_rows_of(each, name) for each in node.get("Plans", ()))


def _hits_of(node: dict[str, Any]) -> int:
    """Return how many rows of a step's page satisfy `where`."""
    if node.get("Filter") == "sendoka_hit" and node.get("CTE Name") in {"sendoka_scan", "sendoka_met"}:
        return int(node["Actual Rows"] * node["Actual Loops"])
    return max((_hits_of(each) for each in node.get("Plans", ())), default=0)


def _told(pairs: list[str]) -> str:
    return f"""raise exception 'a trial that was undone'
  using errcode = '{FOUND}', detail = jsonb_build_object({", ".join(pairs)})::text;"""


async def _tried(database: Database, block: str, seconds: float) -> dict[str, Any]:
    """Run a block that ends in FOUND, and return what it told."""
    settings = Statement(
        "select set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true)",
        (_LOCK_TIMEOUT, f"{max(1, round(seconds * 1000))}ms"),
    )
    try:
        await database.run_all([settings, Statement(f"do {literal(block)}")], _OPTIONS)
    except DatabaseError as error:
        if error.sqlstate != FOUND:
            raise
        found: dict[str, Any] = json.loads(error.detail or "{}")
        return found
    raise AssertionError("a block that always raises did not")
