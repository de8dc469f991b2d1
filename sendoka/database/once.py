"""Exactly once: a key in the ledger, written by the transaction itself, tells whether it happened.

The first statement of the transaction inserts the key and a digest of the statements into `sendoka.ledger`. Where the
answer is lost the same transaction is sent again: it either commits now, or is refused on the ledger's key, which
proves that an earlier send committed. No other way is safe. A SELECT of the key in between may answer "absent" while
the first send still runs, and any other error of a resend says nothing about a first send that is still on its way.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from sendoka.database.home import Ours
from sendoka.database.ledger import ensure_ledger, grants_to, ledger_of
from sendoka.database.transaction import READ_ONLY, TransactionOptions
from sendoka.errors import (
    DatabaseError,
    InsufficientPrivilege,
    OnceKeyReused,
    Outcome,
    TransportError,
    UndefinedTable,
    UniqueViolation,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database.seam import Database
    from sendoka.database.statement import Cells, Result, Statement

__all__ = ["LONGEST_KEY", "Once", "Outcomes", "digest_of", "run_once"]

T = TypeVar("T")

LONGEST_KEY = 1000
"""Bytes of UTF-8: well below the 2,704 that a btree index can hold."""

# Microseconds since 1970: no setting of the session changes how they are written.
_INSERT = (
    "insert into sendoka.ledger (key, digest) values ($1, $2) returning (extract(epoch from at) * 1000000)::bigint"
)
_LOOK = "select digest, (extract(epoch from at) * 1000000)::bigint from sendoka.ledger where key = $1"


@dataclass(frozen=True, slots=True)
class Once(Generic[T]):
    """`once=` with what reads the results again: `then` is a list of queries, sent only where it is a replay.

    They are read under the `settings` of the transaction, in a read-only one of their own.

    `key` names the effect: an order's number, a request's id. Its statements and their parameters must be the same
    whenever it is used, so times and new ids belong to the request and not to the moment of sending.
    """

    key: str
    then: Sequence[T] = ()

    def __post_init__(self) -> None:
        key: object = self.key
        if not isinstance(key, str) or not key:
            raise ValueError("once= is a text that names the effect, and not empty")
        if "\0" in self.key or len(self.key.encode(errors="surrogatepass")) > LONGEST_KEY:
            raise ValueError(f"once= is a text of at most {LONGEST_KEY} bytes, without NUL")


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What `run_once` found: the results, and whether an earlier send had done it; `at` is when it was done.

    Of a replay the results are those of the queries that read them again. `at` is in microseconds since 1970, as text;
    None where the key was pruned meanwhile.
    """

    results: list[Result[Cells]]
    replayed: bool
    at: str | None


def digest_of(statements: Sequence[Statement]) -> str:
    """Return what tells two lists of statements apart: sha256 over their texts and parameters."""
    listed = [[statement.text, *statement.params] for statement in statements]
    return hashlib.sha256(json.dumps(listed, ensure_ascii=True).encode()).hexdigest()


async def run_once(
    database: Database,
    key: str,
    statements: Sequence[Statement],
    options: TransactionOptions,
    *,
    digest: str,
    then: Sequence[Statement] = (),
) -> Outcomes:
    """Run `statements` as one transaction whose effect under `key` is there once, however often it is sent.

    Raises OnceKeyReused where the key belongs to other statements; what the statements raise; and the last send's
    error with the outcome `unknown` where no send was answered: call again with the same key.
    """
    entry = Ours(_INSERT, (key, digest))
    clock = _Clock.start(options._replace(idempotent=True, insistent=True))
    try:
        results = await _run(database, [entry, *statements], clock)
    except UniqueViolation as error:
        if (error.schema, error.table) != (database.namespace, "ledger"):
            raise
        # Raised from inside, it would look as if the violation were what went wrong.
        known = error
    else:
        return Outcomes(results[1:], False, results[0].rows[0][0])
    return await _replay(database, key, digest, then, known, clock)


class _Clock:
    """The options of each request of one call, which share one deadline."""

    def __init__(self, options: TransactionOptions, deadline: float | None) -> None:
        self._options = options
        self._deadline = deadline

    @classmethod
    def start(cls, options: TransactionOptions) -> _Clock:
        return cls(options, None if options.timeout is None else time.monotonic() + options.timeout)

    def left(self) -> float | None:
        return None if self._deadline is None else max(0.001, self._deadline - time.monotonic())

    def writing(self) -> TransactionOptions:
        return self._options._replace(timeout=self.left())

    def reading(self) -> TransactionOptions:
        return READ_ONLY._replace(timeout=self.left())


async def _run(database: Database, statements: list[Statement], clock: _Clock) -> list[Result[Cells]]:
    """Run them, and create the ledger first where there is none."""
    try:
        return await database.run_all(statements, clock.writing())
    except UndefinedTable as error:
        if ledger_of(database) not in error.message:
            raise
        missing = error
    except InsufficientPrivilege as error:
        if database.namespace in error.message or error.message.endswith(" ledger"):
            error.todo = _grants(database)
        raise
    await _create(database, missing, clock)
    try:
        return await database.run_all(statements, clock.writing())
    except (DatabaseError, TransportError) as error:
        # A send before this one may still be on its way, and now it would find the ledger.
        error.outcome = Outcome.UNKNOWN if missing.outcome is Outcome.UNKNOWN else error.outcome
        raise


async def _create(database: Database, missing: UndefinedTable, clock: _Clock) -> None:
    try:
        await _create_unless_there(database, clock)
    except (DatabaseError, TransportError) as error:
        error.add_note(f"it was the creation of {ledger_of(database)} that failed")
        if isinstance(error, InsufficientPrivilege):
            error.todo = _grants(database)
        # Of the transaction itself no more is known than before.
        error.outcome = missing.outcome
        raise


async def _create_unless_there(database: Database, clock: _Clock) -> None:
    try:
        await ensure_ledger(database, timeout=clock.left())
    except InsufficientPrivilege:
        # It may be that somebody else has just created it; the next send tells.
        found = await database.run_all([Ours("select to_regclass($1::text)", (ledger_of(database),))], clock.reading())
        if found[0].rows[0][0] is None:
            raise


def _grants(database: Database) -> str:
    return f"let a role that may create run `sendoka ledger create`, then {grants_to('…', database)}"


async def _replay(
    database: Database, key: str, digest: str, then: Sequence[Statement], known: UniqueViolation, clock: _Clock
) -> Outcomes:
    look = Ours(_LOOK, (key,))
    try:
        looked, *results = await _read(database, key, [look, *then], clock)
    except DatabaseError:
        if then:
            # Of another transaction than the key's own it may well fail, and that is what to say then.
            (looked,) = await _read(database, key, [look], clock)
            _judge(looked, key, digest, known)
        raise
    return Outcomes(results, True, _judge(looked, key, digest, known))


async def _read(database: Database, key: str, statements: Sequence[Statement], clock: _Clock) -> list[Result[Cells]]:
    try:
        return await database.run_all(statements, clock.reading())
    except (DatabaseError, TransportError) as error:
        error.add_note(f"a transaction under the once key {key!r} did commit; only reading about it failed")
        error.outcome = Outcome.UNKNOWN
        raise


def _judge(looked: Result[Cells], key: str, digest: str, known: UniqueViolation) -> str | None:
    """Return when the key was committed. Raises OnceKeyReused where that was with other statements."""
    if not looked.rows:
        return None
    kept, at = looked.rows[0]
    if kept != digest:
        raise OnceKeyReused(key) from known
    return at
