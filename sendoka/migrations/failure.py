"""What is said when a migration cannot be applied: which statement, what remains, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.bookkeeping import ANOTHER_NAMESPACE, BOOTSTRAP, is_altered, is_race, not_as_made
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import (
    ChecksumMismatch,
    DatabaseError,
    ForkedHistory,
    InsufficientPrivilege,
    MigrationError,
    MigrationFailed,
    MissingMigration,
    Outcome,
    ReadOnlyTransaction,
    RequestTimeout,
    TooManyConnections,
    TransportError,
)
from sendoka.errors.masking import concealed, without
from sendoka.errors.pointer import pointed
from sendoka.migrations.comparison import State
from sendoka.migrations.history import REACHED, STATEMENT_TIMEOUT, TABLES, probe_statements
from sendoka.migrations.required import NOT_DONE, waits_for_backfill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database.seam import Database
    from sendoka.migrations.blockers import Blocker
    from sendoka.migrations.comparison import Comparison
    from sendoka.migrations.files import Migration
    from sendoka.migrations.history import Entry

__all__ = [
    "LOCK",
    "failed",
    "failing_statement",
    "gave_up",
    "is_full",
    "is_lock",
    "locked_out",
    "no_grant",
    "place",
    "pointed_in",
    "refusal",
    "said_beside",
    "unreadable",
    "waiting_for",
]

LOCK = "55P03"
"""The SQLSTATE of `lock_timeout`."""

CANCELED = "57014"
"""The SQLSTATE of `statement_timeout`, and of a statement that somebody cancelled."""

# A schema, a table, a column, a function, or another object of this name is there already.
_THERE = frozenset({"42P06", "42P07", "42701", "42723", "42710"})

_AT_COMMIT = "at COMMIT"

# A lock that was not free, a deadlock, and a conflict with another transaction: each passes by itself.
_LOCKS = frozenset({LOCK, "40P01", "40001"})


def waiting_for(migration: Migration, error: DatabaseError | TransportError, *, rival: bool = False) -> str:
    """Return what `migrate` waits for after `error`, in words; `rival` where that was another runner."""
    if rival:
        return f"another runner is applying {migration.name}"
    if not isinstance(error, DatabaseError):
        return error.what
    if error.sqlstate == LOCK:
        return f"somebody holds a lock that {migration.name} needs ({LOCK})"
    if is_race(error):
        return f"another runner may be creating the same tables: {error.what}"
    return error.what


def is_lock(error: DatabaseError) -> bool:
    """Tell whether `error` is about locks or other transactions, so that the same may go well a little later."""
    return error.sqlstate in _LOCKS


def is_full(error: DatabaseError) -> bool:
    """Tell whether the server had no connection left for what was sent, so that nothing of it ran."""
    return isinstance(error, TooManyConnections) and error.outcome is not Outcome.FAILED


async def failed(
    database: Database, migration: Migration, error: DatabaseError, *, unknown: bool = False, new: bool = False
) -> MigrationFailed:
    """Return the error that says which statement of `migration` the database refused.

    unknown: whether an earlier send of it may still be applied, so that nothing can be said about what remains.
    new: whether the transaction began by creating our tables, so that this may be what was refused; MigrationError is
        raised where it can only be that, for others of these names are there.
    """
    outcome = Outcome.UNKNOWN if unknown else Outcome.FAILED
    if isinstance(error, ReadOnlyTransaction):
        return MigrationFailed(
            f"{migration.name}.sql cannot be applied: this database is read only",
            migration=migration.name,
            sqlstate=error.sqlstate,
            outcome=outcome,
            todo="it is a replica, or its role defaults to read only; migrate through the primary",
        )
    if error.sqlstate == NOT_DONE:
        return waits_for_backfill(migration, error)
    number, lines = await _placed(database, migration, error)
    if new and lines == [_AT_COMMIT]:
        if is_altered(error):
            raise not_as_made(database.namespace, error.message) from error
        if await _makes_no_tables(database, error):
            lines = ["while Sendoka made its own tables, before the first statement of the file"]
    lines += said_beside(migration.statements, error)
    return MigrationFailed(
        f"{migration.name}.sql failed: {without(error.what, *migration.statements)}",
        migration=migration.name,
        statement=number,
        position=error.position if number else None,
        sqlstate=error.sqlstate,
        outcome=outcome,
        where="\n".join(lines),
        todo="an answer was lost before: look with `sendoka status` before you correct the file"
        if unknown
        else f"nothing of it remains in the database; {_way_out(migration, error)}",
    )


async def _makes_no_tables(database: Database, refused: DatabaseError) -> bool:
    """Tell whether the creation of our own tables is what the database refuses."""
    try:
        await database.run_all([*BOOTSTRAP, *TABLES, *probe_statements((), 0)], TransactionOptions(idempotent=True))
    except (DatabaseError, TransportError) as error:
        return isinstance(error, DatabaseError) and error.sqlstate == refused.sqlstate
    return False


async def _placed(database: Database, migration: Migration, error: DatabaseError) -> tuple[int | None, list[str]]:
    """Return the number of the statement that failed, where it can be known, and lines that say where that is."""
    if error.sqlstate == CANCELED:  # to ask would take as long again
        count = len(migration.statements)
        return (1, [place(migration.statements, 1)]) if count == 1 else (None, [f"in one of its {count} statements"])
    try:
        number = await failing_statement(database, migration.statements, error)
    except (DatabaseError, TransportError) as probe:
        return None, [f"which statement could not be asked: {probe.what}"]
    at = place(migration.statements, number)
    return number, [at, *(pointed_in(migration, number, error.position) if number else ())]


def pointed_in(migration: Migration, number: int, position: int | None) -> list[str]:
    """Return the line of the file that `position` of statement `number` is in, by its number, and a mark under it.

    position: in characters from 1, as Postgres counts; nothing is returned where it said none.
    """
    if position is None:
        return []
    statements = migration.statements
    found, at = -1, 0
    for text in statements[:number]:
        found = migration.text.find(text, at)
        at = found + len(text)
    if found < 0:
        return []
    shown, mark = concealed(statements[number - 1], position)
    here = pointed(shown, mark or 1)
    return here._replace(line=here.line + migration.text.count("\n", 0, found)).in_file()


def said_beside(statements: Sequence[str], error: DatabaseError) -> list[str]:
    """Return what the database said beside its message, a line each, without the passwords of the statements."""
    found = (("detail", error.detail), ("hint", error.hint))
    return [f"{key}: {without(text, *statements)}" for key, text in found if text]


def _way_out(migration: Migration, error: DatabaseError) -> str:
    if isinstance(error, InsufficientPrivilege):
        return "grant the role what it lacks, or migrate with the role that owns it"
    if error.sqlstate in _THERE:
        return (
            "correct the file and migrate again; where somebody ran its SQL by hand: "
            f"sendoka repair --applied {migration.name}"
        )
    if error.sqlstate != CANCELED:
        return "correct the file and migrate again"
    if "statement timeout" not in error.message:
        return "somebody cancelled it; migrate again"
    limit = migration.statement_timeout or STATEMENT_TIMEOUT
    return (
        f"a statement took longer than its statement_timeout, {limit}: give the file's header a longer one, "
        "`-- statement-timeout: 1h`, or do less in one statement"
    )


def place(statements: Sequence[str], number: int | None) -> str:
    """Return where a transaction of `statements` failed, in words; `number` is what `failing_statement` found."""
    if number is None:
        return _AT_COMMIT
    return f"statement {number} of {len(statements)}: {_first_line(concealed(statements[number - 1]).text)}"


async def failing_statement(database: Database, statements: Sequence[str], refused: DatabaseError) -> int | None:
    """Return the number of the statement that fails, None where only COMMIT does.

    Neon's answer does not say which statement of a batch failed, so beginnings of it are run, each in a
    transaction that cannot commit: first the whole of it, then halves. Raises what keeps a probe from telling.
    """
    count = len(statements)
    if await _passes(database, statements, count, refused):
        return None
    passing, failing = 0, count
    while failing - passing > 1:
        middle = (passing + failing) // 2
        if await _passes(database, statements, middle, refused):
            passing = middle
        else:
            failing = middle
    return failing


async def _passes(database: Database, statements: Sequence[str], count: int, refused: DatabaseError) -> bool:
    try:
        await database.run_all(probe_statements(statements, count), TransactionOptions(idempotent=True))
    except DatabaseError as error:
        if error.sqlstate not in {REACHED, refused.sqlstate}:
            raise  # a lock, for instance: this probe met something else than what is looked for
        return error.sqlstate == REACHED
    return True


def gave_up(
    migration: Migration,
    error: DatabaseError | TransportError,
    seconds: float,
    *,
    unknown: bool,
    rival: bool = False,
) -> MigrationFailed:
    """Return the error of a migration that could not be settled before the deadline.

    See `failed` for `unknown`, and `waiting_for` for `rival`.
    """
    locked = isinstance(error, DatabaseError) and error.sqlstate == LOCK
    slow = isinstance(error, RequestTimeout)
    why = "no answer came in that time" if slow else waiting_for(migration, error, rival=rival)
    return MigrationFailed(
        f"{migration.name}.sql was not applied within {seconds:g} s: {why}",
        migration=migration.name,
        sqlstate=error.sqlstate if isinstance(error, DatabaseError) else "",
        outcome=Outcome.UNKNOWN if unknown else Outcome.FAILED,
        where="what was sent may still be applied" if unknown else "nothing of it remains in the database",
        todo="run `sendoka migrate` again; it cannot be applied twice"
        + ("; pg_stat_activity shows who holds locks" if locked else "")
        + ("; where it takes that long, --deadline (deadline=) gives it more seconds" if slow else ""),
    )


def locked_out(
    migration: Migration,
    error: DatabaseError,
    budget: float,
    blockers: Sequence[Blocker],
    *,
    unknown: bool = False,
) -> MigrationFailed:
    """Return the error of a migration that did not get its locks within the budget; see `failed` for `unknown`."""
    remains = "what was sent before may still be applied" if unknown else "nothing of it remains in the database"
    return MigrationFailed(
        f"{migration.name}.sql did not get the locks it needs within its budget of {budget:g} s: {error.what}",
        migration=migration.name,
        sqlstate=error.sqlstate,
        outcome=Outcome.UNKNOWN if unknown else Outcome.FAILED,
        where="\n".join([*map(str, blockers), remains]),
        todo="let them end, or end one with `select pg_terminate_backend(PID)`, and migrate again; "
        "--lock-budget (lock_budget=) gives it more seconds",
    )


def unreadable(error: InsufficientPrivilege, namespace: str) -> MigrationFailed:
    """Return the error of a role that may not read the history."""
    return MigrationFailed(
        f"the role may not read the history: {error.message}",
        todo=f"grant usage on schema {namespace} and select on all its tables, and to a role that migrates insert, "
        f"update and delete too; where that namespace is somebody else's: {ANOTHER_NAMESPACE}",
    )


def no_grant(error: InsufficientPrivilege, namespace: str) -> MigrationFailed:
    """Return the error of a role that may not keep the history."""
    return MigrationFailed(
        f"the role may not keep its history: {error.message}",
        todo=f"the first time: grant create on database … to the role; later: grant usage on schema {namespace} "
        "and select, insert, update, delete on all its tables; where that namespace is somebody else's: "
        + ANOTHER_NAMESPACE,
    )


# ------------------------------------------------------------------ what a comparison found


def refusal(comparison: Comparison) -> MigrationError | None:
    """Return the error of a folder and a history that do not go together, None where they do."""
    if comparison.at is None:
        return None
    file, entry = comparison.at
    if comparison.state is State.RUNNING:
        # One without a transaction is finished by whoever finds it; any other never shows before it is applied.
        return None if file.done_when is not None else _unfinished(entry)
    if comparison.state is State.BEHIND:
        return _behind(file, entry)
    return _altered(file, entry) if comparison.state is State.ALTERED else _forked(file, entry)


def _unfinished(entry: Entry) -> MigrationError:
    return MigrationError(
        f"{entry.name}.sql is unfinished: it was begun, and nobody has said that it is applied",
        where=f"begun by {entry.applied_by or 'somebody'}, {entry.applied_at or 'nobody knows when'}",
        todo="if its runner works no more, undo what it changed, or finish it by hand, and say so: "
        f"`sendoka repair --settle {entry.name} --as pending`, or `--as applied`",
    )


def _behind(file: Migration, head: Entry) -> MissingMigration:
    return MissingMigration(
        f"{file.name}.sql stands for files that this database has not: it ends at {head.name}",
        where=f"migration number {head.seq} of the database; the file stands for all up to {file.number}",
        todo="migrate it once with the folder as it was before the squash (git checkout), then with this one",
    )


def _altered(file: Migration, entry: Entry) -> ChecksumMismatch:
    applied = entry.state == "applied"
    if file.digest == entry.digest:
        return ChecksumMismatch(
            f"the row of {file.name} in the history was altered: the file is what was applied, and the checksum is not",
            where=f"the checksum in its row: {entry.checksum[:12]}…, the file's: {file.checksum[:12]}…",
            todo="`sendoka repair` says how the row was",
        )
    shared = "; where another application made this history: " + ANOTHER_NAMESPACE if file.parent is None else ""
    return ChecksumMismatch(
        f"{file.name}.sql was edited after it was {'applied' if applied else 'begun'}",
        where=f"{'applied' if applied else 'begun'}: sha256:{entry.digest[:12]}…, the file: sha256:{file.digest[:12]}…",
        todo="restore the file (git checkout) and put the change into a new migration; where it is the newest and only "
        f"comments or white space were edited: sendoka repair --accept {file.name}{shared}",
    )


def _forked(file: Migration, entry: Entry) -> ForkedHistory:
    if file.parent is None and file.number == entry.seq:
        return ForkedHistory(
            f"the history in this database is another one's: it begins with {entry.name}, the folder with {file.name}",
            where="nothing was changed",
            todo=f"where two applications share it, give this one a namespace of its own: {ANOTHER_NAMESPACE}; "
            "if the file was renamed, rename it back",
        )
    if entry.seq > file.number:
        return ForkedHistory(
            f"the database went another way: it has {entry.name} where the folder has {file.name}",
            where=f"migration number {entry.seq} of the database; it has none of number {file.number} there",
            todo="if a row was deleted or added by hand, `sendoka repair` says which; "
            "else this folder belongs to another database or branch",
        )
    return ForkedHistory(
        f"the database went another way: it has {entry.name} where the folder has {file.name}",
        where=f"migration number {entry.seq} of the database",
        todo="if the file was renamed, rename it back; if `sendoka rebase` moved it, make this database anew, which is "
        "for development; else this folder belongs to another database or branch",
    )


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("--")]
    return lines[0][:100] if lines else ""
