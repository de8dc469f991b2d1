"""The ledger: the table `sendoka.ledger` of the keys of `once=` transactions; made, read and pruned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sendoka.bookkeeping import ensure
from sendoka.database.home import Ours
from sendoka.database.transaction import READ_ONLY, TransactionOptions
from sendoka.errors import UndefinedTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendoka.database.seam import Database

__all__ = ["LEDGER", "Entry", "ensure_ledger", "find_entry", "grants_to", "ledger_of", "moment", "prune_ledger"]

_GRANTS = "grant usage on schema {home} to {role}; grant select, insert on {home}.ledger to {role}"

LEDGER = Ours(
    "create table if not exists sendoka.ledger ("
    "key text primary key, digest text not null, at timestamptz not null default clock_timestamp())"
)

_BATCH = 10_000
# The oldest first, and whatever a call is just writing is left to it.
_PRUNE = (
    "delete from sendoka.ledger where key in (select key from sendoka.ledger "
    "where at < now() - $1::interval order by at limit $2::bigint for update skip locked)"
)
_FIND = "select digest, (extract(epoch from at) * 1000000)::bigint from sendoka.ledger where key = $1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """A key, the digest of its statements, and when they were committed."""

    key: str
    digest: str
    at: datetime


def ledger_of(database: Database) -> str:
    """Return the name of a database's ledger."""
    return f"{database.namespace}.ledger"


def grants_to(role: str, database: Database) -> str:
    """Return what a role needs that is to write keys and did not make the ledger."""
    return _GRANTS.format(home=database.namespace, role=role)


async def ensure_ledger(database: Database, *, timeout: float | None = None) -> None:
    """Create the ledger, safe among any number of callers, within `timeout` seconds. Raises DatabaseError."""
    await ensure(database, [LEDGER], timeout=timeout)


async def find_entry(database: Database, key: str) -> Entry | None:
    """Return what the ledger knows of `key`. None says only that nothing has committed under it by now."""
    try:
        result = (await database.run_all([Ours(_FIND, (key,))], READ_ONLY))[0]
    except UndefinedTable as error:
        if ledger_of(database) in error.message:
            return None
        raise
    return Entry(key, str(result.rows[0][0]), moment(str(result.rows[0][1]))) if result.rows else None


async def prune_ledger(
    database: Database, older_than: timedelta, *, on_batch: Callable[[int], None] | None = None
) -> int:
    """Delete the keys older than `older_than`, some thousands at a time, and return how many there were.

    Who makes a call again under a key that was pruned runs it again. `on_batch` is told how many are gone by then.
    """
    options, gone = TransactionOptions(idempotent=True), 0
    while True:
        statement = Ours(_PRUNE, (f"{older_than // timedelta(microseconds=1)} microseconds", str(_BATCH)))
        try:
            count = (await database.run_all([statement], options))[0].row_count or 0
        except UndefinedTable as error:
            if ledger_of(database) in error.message:
                return 0
            raise
        gone += count
        if on_batch is not None and count:
            on_batch(gone)
        if count < _BATCH:
            return gone


def moment(microseconds: str) -> datetime:
    """Return the moment that is so many microseconds after 1970, in UTC."""
    return _EPOCH + timedelta(microseconds=int(microseconds))
