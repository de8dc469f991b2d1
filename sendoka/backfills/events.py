"""What happened to a run, and by whose hand: kept in the database for the audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.database.home import Ours
from sendoka.database.transaction import READ_ONLY

if TYPE_CHECKING:
    from sendoka.database.seam import Database
    from sendoka.database.statement import Statement

__all__ = ["TABLES", "Actor", "Event", "events_of", "note"]

TABLES: tuple[Statement, ...] = (
    Ours("""create table if not exists sendoka.backfill_events (
  id bigint generated always as identity primary key,
  run bigint not null references sendoka.backfill_runs (id),
  event text not null,
  operator text not null,
  runner text,
  checksum text,
  revision text,
  detail text,
  at timestamptz not null default clock_timestamp()
)"""),
    Ours("create index if not exists backfill_events_run on sendoka.backfill_events (run)"),
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something to a run: the operator, as `bookkeeping.operator()`; the process; the script's revision."""

    operator: str
    runner: str = ""
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a run.

    `event` is one of `started`, `continued` (a process went on with it), `script changed`, `waits`, `stopped`,
    `failed`, `paused`, `resumed`, `cancelled`, `retried` (its dead letters, again) and `done`; `detail` why, where
    there is a why. `at` is ISO 8601 in UTC, `operator` who did it, and `runner` the process, `host:pid:random`: one
    that runs, or that paused, resumed or cancelled it. Who begins or retries says with which script, by its `checksum`,
    and by its git `revision` where it is in a repository.
    """

    at: str
    event: str
    operator: str
    runner: str | None
    checksum: str | None
    revision: str | None
    detail: str


async def events_of(database: Database, run: int) -> list[Event]:
    """Return what happened to the run with this id, the oldest first."""
    text = """select to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), event, operator, runner, checksum,
  revision, detail from sendoka.backfill_events where run = $1::bigint order by id"""
    (result,) = await database.run_all([Ours(text, (str(run),))], READ_ONLY)
    return [
        Event(str(at), str(event), str(operator), runner, checksum, revision, detail or "")
        for at, event, operator, runner, checksum, revision, detail in result.rows
    ]


async def note(database: Database, run: int, event: str, *, by: Actor, checksum: str, detail: str) -> None:
    """Note what a process does to a run; said again of the same event, the `detail` is what is new."""
    text = """with sendoka_known as (
  update sendoka.backfill_events set detail = $4 where run = $1::bigint and event = $2 and runner = $3 returning id
)
insert into sendoka.backfill_events (run, event, runner, detail, operator, checksum, revision)
select $1::bigint, $2, $3, $4, $5, $6, $7 where not exists (select from sendoka_known)"""
    await database.run(Ours(text, (str(run), event, by.runner, detail, by.operator, checksum, by.revision)))
