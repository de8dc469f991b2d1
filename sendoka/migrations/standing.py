"""Where a statement that runs in no transaction stands: what the server shows of it, and how its row is written.

Whether somebody works on it is asked of the server and never told by a clock. A statement is sent with its row's token
in a comment before it, which pg_stat_activity shows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.database.home import NAMESPACE, Ours
from sendoka.database.statement import Statement
from sendoka.migrations.history import LOCK_TIMEOUT
from sendoka.quoting import ident, literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database.statement import Cells, Result
    from sendoka.migrations.files import Migration

__all__ = [
    "Index",
    "Standing",
    "Worker",
    "close_statement",
    "done_statement",
    "drop_statement",
    "index_of",
    "is_aside",
    "put_aside",
    "questions",
    "release_statement",
    "standing_in",
    "tagged",
    "take_over_statement",
]

_LEFTOVER = f"{NAMESPACE}_invalid_"
"""What the name of an INVALID index begins with that was put aside, to be dropped."""

_SEEN = 200
"""How many characters of a statement tell it from others: pg_stat_activity shows its first 1024 bytes."""

# A role sees what its own sessions run, and what all do with pg_read_all_stats. Of the others their locks are seen,
# and every command that runs in no transaction and works on a table holds this one on it from its begin to its end.
# (Who is no role's session is an autovacuum worker.)
_WORKERS = """
select a.pid::text, extract(epoch from clock_timestamp() - a.query_start)::int::text,
       p.phase, (100 * p.blocks_done / nullif(p.blocks_total, 0))::int::text,
       nullif(p.current_locker_pid, 0)::text
  from pg_stat_activity a left join pg_stat_progress_create_index p on p.pid = a.pid
 where a.datname = current_database() and a.pid <> pg_backend_pid() and (
       (a.state = 'active' and (strpos(a.query, $2) > 0
        or strpos(a.query, (select token from sendoka.migrations where checksum = $1)) > 0))
    or (a.usesysid is not null
        and (a.query is null or a.query = '<insufficient privilege>' or a.state = 'disabled')
        and exists (select from pg_locks l where l.pid = a.pid and l.locktype = 'relation'
                       and l.mode = 'ShareUpdateExclusiveLock'
                       and l.database = (select oid from pg_database where datname = current_database()))))
 order by a.query_start, a.pid"""

_INVALID = f"""
select n.nspname, c.relname
  from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
 where i.indrelid = to_regclass($1) and not i.indisvalid and (c.relname = $2 or starts_with(c.relname, '{_LEFTOVER}'))
 order by c.relname"""  # noqa: S608 - a constant of this file

_REBUILT = """
select n.nspname, c.relname
  from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
 where not i.indisvalid and c.relname ~ '_cc(new|old)[0-9]*$' order by n.nspname, c.relname"""

# What `create index` may say before the index and after it. Comments are read over; nothing else is parsed.
_GAP = r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)"
_WORD = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_CREATE = re.compile(
    rf"{_GAP}*create{_GAP}+(?:unique{_GAP}+)?index{_GAP}+concurrently\b{_GAP}*(?:if{_GAP}+not{_GAP}+exists\b{_GAP}*)?"
    rf"(?:(?P<index>(?!on\b){_WORD}){_GAP}*)?\bon\b{_GAP}*(?:only\b{_GAP}*)?"
    rf"(?P<table>{_WORD}(?:\s*\.\s*{_WORD})?)",
    re.IGNORECASE | re.DOTALL,
)
_REINDEX = re.compile(rf"{_GAP}*reindex\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Index:
    """What `CREATE INDEX CONCURRENTLY` names: `name` as Postgres keeps it, None where it gives none; `table` as SQL."""

    name: str | None
    table: str


@dataclass(frozen=True, slots=True)
class Worker:
    """A session that works on it: `seconds` since its statement began, how far it is, and whose transaction's end it
    waits for, where that may be seen."""

    pid: int
    seconds: int | None = None
    phase: str | None = None
    percent: int | None = None
    waits_for: int | None = None

    def __str__(self) -> str:
        since = "" if self.seconds is None else f", for {self.seconds} s"
        phase = f", {self.phase}" if self.phase else ""
        percent = "" if self.percent is None else f" ({self.percent} %)"
        locker = "" if self.waits_for is None else f" (of pid {self.waits_for})"
        return f"pid {self.pid}{since}{phase}{percent}{locker}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the server shows. `state` and `token` are the row's, None where there is none.

    `done` is the answer of `done-when`. `invalid` are the INVALID indexes that a build left, as (namespace, name):
    those that can be cleared, or, of a REINDEX, those that are only named.
    """

    state: str | None
    token: str | None
    done: bool
    workers: tuple[Worker, ...]
    invalid: tuple[tuple[str, str], ...]


def index_of(statement: str) -> Index | None:
    """Return what `statement` names where it is a CREATE INDEX CONCURRENTLY, None where it is another one."""
    found = _CREATE.match(statement)
    if found is None:
        return None
    name = found["index"]
    return Index(None if name is None else _kept(name), found["table"])


def _kept(word: str) -> str:
    """Return a name as Postgres keeps it: of one without quotes, only A to Z become small."""
    return word[1:-1].replace('""', '"') if word.startswith('"') else word.encode().lower().decode()


def tagged(statement: str, token: str) -> tuple[Statement, int]:
    """Return `statement` with its token before it, and how many characters that adds."""
    tag = f"/* {NAMESPACE} {token} */ "
    return Statement(tag + statement), len(tag)


# ------------------------------------------------------------------ asking


def questions(migration: Migration) -> list[Statement]:
    """Return what is asked in one read-only transaction; `standing_in` reads the answers."""
    (statement,) = migration.statements
    index = index_of(statement)
    if index is not None:
        invalid = Statement(_INVALID, (index.table, index.name))
    elif _REINDEX.match(statement):
        invalid = Statement(_REBUILT)
    else:
        invalid = Statement("select null, null where false")
    return [
        Ours("select state, token from sendoka.migrations where checksum = $1", (migration.checksum,)),
        Ours(_WORKERS, (migration.checksum, statement[:_SEEN])),
        invalid,
        done_statement(migration),
    ]


def done_statement(migration: Migration) -> Statement:
    """Return the question whether it is done: one row and one column, true or false."""
    return Statement(f"select coalesce(({_query(migration)}\n), false)")


def standing_in(results: Sequence[Result[Cells]]) -> Standing:
    """Return the answers to `questions`."""
    row, workers, invalid, done = (result.rows for result in results)
    state, token = row[0] if row else (None, None)
    return Standing(
        state,
        token,
        done[0][0] in {"t", "true"},
        tuple(
            Worker(int(pid or 0), _whole(age), phase, _whole(percent), _whole(locker))
            for pid, age, phase, percent, locker in workers
        ),
        tuple((namespace or "", name or "") for namespace, name in invalid),
    )


def _query(migration: Migration) -> str:
    return (migration.done_when or "").rstrip().rstrip(";")


def _whole(text: str | None) -> int | None:
    return None if text is None else int(text)


# ------------------------------------------------------------------ the row


def close_statement(migration: Migration, token: str) -> Statement:
    """Return what notes that it is done, and answers with the seconds it took; no row where the token is another."""
    return Ours(
        "update sendoka.migrations set state = 'applied', applied_at = now(), "
        "duration = clock_timestamp() - applied_at where checksum = $1 and token = $2 and state = 'running' "
        "returning extract(epoch from duration)::text",
        (migration.checksum, token),
    )


def take_over_statement(migration: Migration, old: str, new: str, operator: str, version: str) -> Statement:
    """Return what gives an unfinished migration another runner; no row where its token is not `old` any more."""
    return Ours(
        "update sendoka.migrations set token = $3, applied_at = now(), applied_by = session_user || $4, "
        "version = $5 where checksum = $1 and token = $2 and state = 'running' returning seq::text",
        (migration.checksum, old, new, f", {operator}" if operator else "", version),
    )


def release_statement(migration: Migration, token: str) -> Statement:
    """Return what takes the row of a statement away that failed and of which nothing is on its way."""
    return Ours(
        "delete from sendoka.migrations where checksum = $1 and token = $2 and state = 'running'",
        (migration.checksum, token),
    )


# ------------------------------------------------------------------ an INVALID leftover


def is_aside(name: str) -> bool:
    """Tell whether an index was put aside already."""
    return name.startswith(_LEFTOVER)


def put_aside(index: Index, namespace: str, name: str, token: str) -> tuple[list[Statement], str]:
    """Return a transaction that renames an INVALID index which nobody builds, and its new name.

    To drop it by its name would be wrong: whoever builds it holds a lock on the table that a drop waits for, and the
    drop would then take the finished index. While this transaction holds that lock, nobody builds; and the new name is
    nobody else's.
    """
    aside = _LEFTOVER + token
    place = f"{ident(namespace)}.{ident(name)}"
    renaming = literal(f"alter index {place} rename to {ident(aside)}")
    invalid = f"select from pg_index where indexrelid = to_regclass({literal(place)}) and not indisvalid"
    body = f"begin if exists ({invalid}) then execute {renaming}; end if; end"
    return [
        Statement("select set_config('lock_timeout', $1, true)", (LOCK_TIMEOUT,)),
        Statement(f"lock table {index.table} in share update exclusive mode"),
        Statement(f"do {literal(body)}"),
    ], aside


def drop_statement(namespace: str, name: str) -> Statement:
    """Return what drops an index that was put aside, and holds nobody up."""
    return Statement(f"drop index concurrently if exists {ident(namespace)}.{ident(name)}")
