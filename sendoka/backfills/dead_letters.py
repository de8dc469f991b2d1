"""The rows that a backfill could not change: each a dead letter, written with the batch that went on without it."""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, values are parameters or numbers, and the rest is constant

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.bookkeeping import ensure
from sendoka.database.home import Ours
from sendoka.errors import BatchFailed, DatabaseError
from sendoka.quoting import ident

if TYPE_CHECKING:
    from sendoka.backfills.declare import Backfill
    from sendoka.backfills.target import Target
    from sendoka.database.seam import Database
    from sendoka.database.statement import Cells, Statement

__all__ = [
    "AT_FIRST",
    "LOCK",
    "MAX_DEAD",
    "TABLE",
    "DeadLetter",
    "Fault",
    "LeftOut",
    "bounded",
    "bury",
    "count_all_dead",
    "count_dead",
    "dead_by_shard",
    "is_full",
    "is_row",
    "keys_of",
    "list_dead",
    "most",
    "prepare",
    "too_many",
    "without_dead",
]

MAX_DEAD = 100
"""So many dead letters a run may have; one more stops it."""

AT_FIRST = 10
"""So many it may have as long as no row went well: then it is the change that is wrong, not the rows."""

LOCK = 24237
"""The first number of the advisory lock under which a run's dead letters are counted; the second is the run's."""

_LONGEST = 2000
"""Characters of a message that are kept."""

TABLE = Ours("""create table if not exists sendoka.dead_letters (
  run bigint not null references sendoka.backfill_runs (id),
  shard int not null,
  key jsonb not null,
  seq bigint not null,
  sqlstate text,
  message text not null,
  attempt int not null default 1,
  at timestamptz not null default clock_timestamp(),
  primary key (run, key)
)""")

_MISSING = frozenset({"42P01", "3F000"})
_UTC = """to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


class LeftOut(Exception):
    """What a step said in words of a row that it leaves out."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What was wrong with a row: the SQLSTATE (None for what a step raised by itself), and a text that is never empty.

    `of` makes one of whatever a batch failed with.
    """

    sqlstate: str | None
    message: str

    @classmethod
    def of(cls, error: BaseException) -> Fault:
        """Return the fault that `error` reports; what Postgres could not hold of its text is replaced."""
        if isinstance(error, DatabaseError):
            return cls(error.sqlstate, _storable(error.message))
        if isinstance(error, LeftOut):
            return cls(None, _storable(str(error)) or "the step left it out")
        return cls(None, _storable(f"{type(error).__name__}: {error}".rstrip(": ")))


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A row that could not be changed: its key, a JSON array as a cursor is, and what it failed with the last time.

    `seq` is the batch that left it out, `attempt` how often it was tried, `at` when, ISO 8601 in UTC.
    """

    shard: int
    key: str
    seq: int
    sqlstate: str | None
    message: str
    attempt: int
    at: str


def _storable(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()[:_LONGEST]


def most(dead: int, paged: int, max_dead: int) -> int:
    """Return how many dead letters a run may have, which has so many among the rows that it paged."""
    return max_dead if paged > dead else min(max_dead, AT_FIRST)


def bounded(run: int, shard: int, seq: int, bound: int, graves: list[Statement]) -> list[Statement]:
    """Return `graves` so that their transaction fails where the run then has more than `bound` dead letters.

    One transaction after the other, or two shards that counted at once would both think that there is room. Who is over
    it writes a letter without a key, which `not null` refuses: `is_full` knows that error.
    """
    turn = f"select pg_advisory_xact_lock({LOCK:d}, ($1::bigint % 2147483647)::int)"
    check = """insert into sendoka.dead_letters (run, shard, key, seq, message)
select $1::bigint, $2::int, null, $3::bigint, 'too many'
where (select count(*) from sendoka.dead_letters where run = $1::bigint) > $4::bigint"""
    return [Ours(turn, (str(run),)), *graves, Ours(check, (str(run), str(shard), str(seq), str(bound)))]


def is_full(error: BaseException, database: Database) -> bool:
    """Tell whether a run has more dead letters than it may have, as `bounded` found."""
    return (
        isinstance(error, DatabaseError)
        and error.sqlstate == "23502"
        and (error.schema, error.table, error.column) == (database.namespace, "dead_letters", "key")
    )


def too_many(backfill: Backfill, dead: int, paged: int, fault: Fault) -> BatchFailed:
    """Return the error of a run that has no more room for dead letters; `dead` includes the row that was too many."""
    code = f" ({fault.sqlstate})" if fault.sqlstate else ""
    how_many = f"{dead} rows failed" if paged > dead else f"each of the first {dead} rows failed"
    return BatchFailed(
        f"the backfill {backfill.name} stops: {how_many}, which is more than it may leave out;"
        f" the last one with: {fault.message}{code}",
        where="nothing of that batch was changed; the rows left out before it are in sendoka.dead_letters",
        todo="correct the change or the rows and run it again, then"
        f" `sendoka backfill retry-dead {backfill.name}`; or allow more: --max-dead N (max_dead=N)",
    )


async def count_dead(database: Database, run: int) -> int:
    """Return how many dead letters a run has; 0 where the table is missing, from a run that an older Sendoka began."""
    return (await count_all_dead(database, run)).get(run, 0)


async def prepare(database: Database, run: int) -> int:
    """Return how many dead letters a run has that goes on; one that an older Sendoka began gets the table for them."""
    ((there,),) = await _rows(database, "select to_regclass('sendoka.dead_letters') is not null")
    if there != "t":
        await ensure(database, (TABLE,))
    return await count_dead(database, run)


async def count_all_dead(database: Database, run: int | None = None) -> dict[int, int]:
    """Return the number of dead letters of every run that has any, or of one run."""
    text = "select run, count(*) from sendoka.dead_letters where run = $1::bigint or $1 is null group by run"
    rows = await _rows(database, text, None if run is None else str(run))
    return {int(run or 0): int(count or 0) for run, count in rows}


async def dead_by_shard(database: Database, run: int) -> dict[int, int]:
    """Return the number of dead letters of every shard of a run that has any."""
    text = "select shard, count(*) from sendoka.dead_letters where run = $1::bigint group by shard"
    return {int(shard or 0): int(count or 0) for shard, count in await _rows(database, text, str(run))}


async def list_dead(database: Database, run: int) -> list[DeadLetter]:
    """Return a run's dead letters, in order of their keys."""
    text = f"""select shard, key::text, seq, sqlstate, message, attempt, {_UTC}
from sendoka.dead_letters where run = $1::bigint order by sendoka.dead_letters.key"""
    return [
        DeadLetter(int(shard or 0), str(key), int(seq or 0), sqlstate, str(message), int(attempt or 0), str(at))
        for shard, key, seq, sqlstate, message, attempt, at in await _rows(database, text, str(run))
    ]


async def _rows(database: Database, text: str, *params: str | None) -> list[Cells]:
    try:
        return (await database.run(Ours(text, params))).rows
    except DatabaseError as error:
        if error.sqlstate in _MISSING:
            return []
        raise


def bury(
    backfill: Backfill, target: Target, *, run: int, shard: int, seq: int, key: str, fault: Fault, attempt: int = 1
) -> Statement:
    """Return the statement that makes the row of `key`, a JSON array, a dead letter of the batch `seq`.

    It does nothing for a row that is gone by then, or that somebody changed so that it no longer satisfies `where`.
    """
    text = f"""insert into sendoka.dead_letters as d (run, shard, key, seq, sqlstate, message, attempt)
select $1::bigint, $2::int, jsonb_build_array({", ".join(keys_of(target))}), $4::bigint, $5, $6, $7::int
from {target.quoted} where {is_row("$3::jsonb", target)} and (
{backfill.predicate}
) for no key update
on conflict (run, key) do update set shard = excluded.shard, seq = excluded.seq, sqlstate = excluded.sqlstate,
  message = excluded.message, attempt = d.attempt + 1, at = excluded.at"""
    return Ours(text, (str(run), str(shard), key, str(seq), fault.sqlstate, fault.message, str(attempt)))


def without_dead(backfill: Backfill, target: Target, run: int) -> Backfill:
    """Return `backfill` for the rows that are no dead letters of `run`; its statements are of class `Ours`."""
    where = f"""(
{backfill.predicate}
) and not exists (
  select from sendoka.dead_letters sendoka_dead
  where sendoka_dead.run = {run:d} and sendoka_dead.key = jsonb_build_array({", ".join(keys_of(target))})
)"""
    return dataclasses.replace(backfill, where=where, given_name=backfill.name)


def is_row(key: str, target: Target) -> str:
    """Return the condition for the row whose key is the JSON array that `key` is in SQL."""
    values = [f"({key} ->> {place})::{target.types[column]}" for place, column in enumerate(target.key)]
    return f"({', '.join(keys_of(target))}) = ({', '.join(values)})"


def keys_of(target: Target) -> list[str]:
    """Return the key columns of the table, for SQL."""
    return [f"{ident(target.table)}.{ident(column)}" for column in target.key]
