"""The chain in the database: its table, the questions for it, and the statements of one migration.

The unique keys of `sendoka.migrations` are lock, fence and proof at once. A migration's row is inserted before any of
its statements, in the same transaction: of any number of runners one gets the row, the others wait at its keys and are
then told that it is there. A row names its parent's row and no two rows name the same one, so the history in a database
cannot fork, whoever writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sendoka.bookkeeping import check_format
from sendoka.database.home import Ours
from sendoka.database.statement import Statement
from sendoka.errors import MigrationError
from sendoka.migrations.required import required_statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database.statement import Cells, Result
    from sendoka.migrations.files import Migration

__all__ = [
    "LOCK_TIMEOUT",
    "REACHED",
    "STATEMENT_TIMEOUT",
    "TABLES",
    "UNCLOSED",
    "Entry",
    "agree",
    "apply_statements",
    "begin_statements",
    "columns_statement",
    "entries",
    "head_statement",
    "history_statement",
    "probe_statements",
    "record_statement",
    "settings_statement",
]

UNCLOSED = "its row of the history is not there any more"
"""What the last statement of a migration says that has not its row any more."""

REACHED = "SB000"
"""The SQLSTATE of a probe whose statements all ran."""

TABLES: tuple[Statement, ...] = (
    Ours(
        "create table if not exists sendoka.migrations ("
        "seq int primary key, "
        "name text not null, "
        "checksum text not null unique, "
        "parent text unique references sendoka.migrations (checksum), "
        "digest text not null, "
        "state text not null check (state in ('running', 'applied')), "
        "token text not null, "
        "applied_at timestamptz, "
        "duration interval, "
        "applied_by text not null, "
        "version text not null)"
    ),
    # A plain unique key allows any number of nulls, and so any number of first migrations.
    Ours("create unique index if not exists migrations_one_root on sendoka.migrations ((true)) where parent is null"),
)

_COLUMNS = (
    "m.seq::text, m.name, m.checksum, m.digest, m.state, "
    "to_char(m.applied_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), "
    "extract(epoch from m.duration)::text, m.applied_by, m.token, "
    "(select f.value from sendoka.facts f where f.name = 'format')"
)


class Entry(NamedTuple):
    """One row of the history.

    `checksum` is what it is in the chain, and `digest` that of its own text: they differ for a squashed file alone,
    which stands for the last one of those that it replaces. `state` is `applied`, or `running` where the migration was
    begun and is not finished. `applied_at` is when it came to that state, as ISO 8601 in UTC
    (`2026-01-31T09:30:00.000000Z`); `seconds` is how long the migration took.
    """

    seq: int
    name: str
    checksum: str
    digest: str
    state: str
    applied_at: str | None = None
    seconds: float | None = None
    applied_by: str | None = None
    token: str | None = None

    @property
    def squashed(self) -> bool:
        """Whether it stands for others."""
        return self.digest != self.checksum


def agree(file: Migration, entry: Entry) -> bool:
    """Tell whether a row is that of the file, or of those that the file stands for, or that stands for the file."""
    one_is_whole = file.digest == file.checksum or not entry.squashed
    return file.checksum == entry.checksum and (one_is_whole or file.digest == entry.digest)


def head_statement(newest: Migration) -> Statement:
    """Return the question of a cold start: the row of the folder's newest file, and the newest row."""
    return Ours(
        f"select {_COLUMNS} from sendoka.migrations m "  # noqa: S608 - constants of this file
        "where m.checksum = $1 or m.seq = (select max(seq) from sendoka.migrations) order by m.seq",
        (newest.checksum,),
    )


def history_statement() -> Statement:
    """Return the question for the whole history, oldest first."""
    return Ours(f"select {_COLUMNS} from sendoka.migrations m order by m.seq")  # noqa: S608 - the same


def columns_statement() -> Statement:
    """Return what answers no row, and is refused where the table of the history lacks what it was made with."""
    return Ours(f"select {_COLUMNS}, m.parent, m.version from sendoka.migrations m where false")  # noqa: S608 - the same


def entries(result: Result[Cells]) -> list[Entry]:
    """Return the rows of either question. Raises MigrationError where a newer Sendoka has changed our tables."""
    for row in result.rows:
        check_format(row[9])
    return [_entry(row) for row in result.rows]


def _entry(row: Cells) -> Entry:
    seq, name, checksum, digest, state, applied_at, seconds, applied_by, token, _ = row
    if seq is None or name is None or checksum is None or digest is None or state is None:
        raise MigrationError(
            "the history holds a row without seq, name, checksum, digest or state: somebody altered it",
            todo="`sendoka repair` says what was altered",
        )
    try:
        number, took = int(seq), None if seconds is None else float(seconds)
    except ValueError:
        raise MigrationError(
            f"the history holds a row whose seq or duration is no number: {seq[:20]!r}, {str(seconds)[:20]!r}",
            todo="somebody altered it: `sendoka repair` says what",
        ) from None
    return Entry(number, name, checksum, digest, state, applied_at, took, applied_by, token)


# ------------------------------------------------------------------ one migration as one transaction


def apply_statements(migration: Migration, token: str, operator: str, version: str) -> list[Statement]:
    """Return the whole transaction that applies `migration`.

    The last statement answers with one row, the seconds it took; it fails with `UNCLOSED` in its message where the
    row is not this transaction's.
    """
    return [
        settings_statement(lock_timeout=migration.lock_timeout, statement_timeout=migration.statement_timeout),
        record_statement(migration, token, operator, version, state="running"),
        *required_statements(migration),
        *(Statement(text) for text in migration.statements),
        # Not `none`: what a role or a database has as its default role made our tables, and owns them.
        Ours("set local role to default"),
        # The row's xmin is this transaction. Where it is not there, or is another's, a text is read as a number, which
        # fails, and nothing is committed: a statement has ended the transaction, or taken the row away.
        Ours(
            "with closed as (update sendoka.migrations set state = 'applied', applied_at = now(), "  # noqa: S608 - ours
            "duration = clock_timestamp() - transaction_timestamp() "
            "where checksum = $1 and xmin = pg_current_xact_id()::xid returning extract(epoch from duration)::text) "
            f"select coalesce((select * from closed), (select '{UNCLOSED} ' || count(*) from closed)::int::text)",
            (migration.checksum,),
        ),
    ]


def begin_statements(migration: Migration, token: str, operator: str, version: str) -> list[Statement]:
    """Return the transaction that begins a `migration` whose statement then runs in none."""
    return [
        settings_statement(),
        record_statement(migration, token, operator, version, state="running"),
        *required_statements(migration),
    ]


def record_statement(
    migration: Migration,
    token: str,
    operator: str,
    version: str,
    *,
    state: str = "applied",
    condition: str = "true",
) -> Statement:
    """Return what notes `migration` in the history; it is refused where `condition` of SQL does not hold."""
    digest = "$5" if condition == "true" else f"case when {condition} then $5 end"
    return Ours(
        "insert into sendoka.migrations "  # noqa: S608 - the condition is ours
        "(seq, name, checksum, parent, digest, state, token, applied_at, applied_by, version) "
        f"values ($1::int, $2, $3, $4, {digest}, $6, $7, now(), session_user || $8, $9)",
        (
            str(migration.number),
            migration.name,
            migration.checksum,
            migration.parent.checksum if migration.parent else None,
            migration.digest,
            state,
            token,
            f", {operator}" if operator else "",
            version,
        ),
    )


def probe_statements(statements: Sequence[str], count: int) -> list[Statement]:
    """Return a transaction that runs the first `count` statements and then always fails, with REACHED."""
    return [
        settings_statement(),
        *(Statement(text) for text in statements[:count]),
        Ours(f"do $probe$ begin raise exception 'reached' using errcode = '{REACHED}'; end $probe$"),
    ]


LOCK_TIMEOUT = "2s"
"""Short, for whoever comes behind a migration that waits for a lock waits too, readers with the rest: after so long
they go on, and the migration tries again a little later."""

STATEMENT_TIMEOUT = "10min"
"""For what should have been a backfill, or waits in a way that no lock_timeout ends."""

IDLE_TIMEOUT = "1min"
"""For a client over TCP that stops between two statements and holds its locks; over HTTP there is no such moment."""


def settings_statement(
    search_path: str = "public", *, lock_timeout: str | None = None, statement_timeout: str | None = None
) -> Statement:
    """Return what a transaction of ours that changes a database begins with. None: the timeout of every migration."""
    return Ours(
        "select set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true), "
        "set_config('search_path', $3, true), set_config('idle_in_transaction_session_timeout', $4, true)",
        (lock_timeout or LOCK_TIMEOUT, statement_timeout or STATEMENT_TIMEOUT, search_path, IDLE_TIMEOUT),
    )
