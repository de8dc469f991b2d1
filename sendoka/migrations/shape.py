"""The form of our history table, and of its rows: what somebody altered by hand, and how it is put back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.database.home import Ours
from sendoka.database.transaction import READ_ONLY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sendoka.database.seam import Database
    from sendoka.database.statement import Cells
    from sendoka.migrations.files import Migration

__all__ = ["Problem", "read_shape", "row_problems"]

COLUMNS = {
    "seq": "integer",
    "name": "text",
    "checksum": "text",
    "parent": "text",
    "digest": "text",
    "state": "text",
    "token": "text",
    "applied_at": "timestamp with time zone",
    "duration": "interval",
    "applied_by": "text",
    "version": "text",
}

_COLUMNS_OF = Ours(
    "select a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull::text from pg_attribute a "
    "where a.attrelid = to_regclass('sendoka.migrations') and a.attnum > 0 and not a.attisdropped"
)
_KEYS_OF = Ours(
    "select coalesce(string_agg(a.attname, ',' order by k.place), 'true'), pg_get_expr(i.indpred, i.indrelid) "
    "from pg_index i cross join unnest(i.indkey::int2[]) with ordinality k(number, place) "
    "left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number "
    "where i.indrelid = to_regclass('sendoka.migrations') and i.indisunique and i.indisvalid "
    "group by i.indexrelid, i.indpred, i.indrelid"
)
_REFERENCES_OF = Ours(
    "select conname from pg_constraint where contype = 'f' and convalidated "
    "and conrelid = to_regclass('sendoka.migrations') and confrelid = conrelid"
)
_FORMAT_OF = Ours("select to_regclass('sendoka.facts')::text, to_regclass('sendoka.migrations')::text")

_KEYS = {
    ("seq", None): "alter table {table} add primary key (seq)",
    ("checksum", None): "alter table {table} add unique (checksum)",
    ("parent", None): "alter table {table} add unique (parent)",
    ("true", "(parent IS NULL)"): "create unique index migrations_one_root on {table} ((true)) where parent is null",
}
_REFERENCE = "alter table {table} add foreign key (parent) references {table} (checksum)"

_ROWS = Ours("select seq::text, name, checksum, parent, state from sendoka.migrations order by seq")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `migration` is what it is about, `command` the repair for it, None where there is none.

    `id` is stable: `folder/…`, `history/…`, `rows/…`, `table/…`.
    """

    id: str
    migration: str
    what: str
    todo: str
    command: str | None = None


async def read_shape(database: Database) -> list[Problem]:
    """Return what is wrong with the table of the history; one request. Nothing is wrong where there is none."""
    columns, keys, references, places = (
        result.rows for result in await database.run_all([_COLUMNS_OF, _KEYS_OF, _REFERENCES_OF, _FORMAT_OF], READ_ONLY)
    )
    if places[0][1] is None:
        return []
    table = f"{database.namespace}.migrations"
    wrong = list(_columns({name: kind for name, kind, _ in columns if name is not None}, table))
    wrong += [_unfilled(name, table) for name, _, filled in columns if name in _FILLED and filled != "true"]
    have = {(key, predicate) for key, predicate in keys}
    missing = [text for key, text in _KEYS.items() if key not in have]
    missing += [] if references else [_REFERENCE]
    wrong += [_unguarded(text.format(table=table), table) for text in missing]
    if places[0][0] is None:
        facts = f"{database.namespace}.facts"
        wrong.append(
            Problem("table/facts", facts, f"{facts} is gone: the format of our tables is not known", _AS_IT_WAS)
        )
    return wrong


def _columns(found: Mapping[str, str | None], table: str) -> Iterator[Problem]:
    for name, kind in COLUMNS.items():
        if name not in found:
            yield Problem("table/column", table, f"{table} has no column {name}", _AS_IT_WAS)
        elif found[name] != kind:
            what = f"{table} has a column {name} of type {found[name]}, which was {kind}"
            yield Problem("table/column", table, what, f"alter table {table} alter column {name} type {kind}")


_FILLED = frozenset(COLUMNS) - {"parent", "applied_at", "duration"}


def _unfilled(column: str, table: str) -> Problem:
    what = f"{table} takes rows without {column}, by which a row is refused whose condition does not hold"
    return Problem("table/not-null", table, what, f"alter table {table} alter column {column} set not null")


_AS_IT_WAS = (
    "somebody altered it: put it back from a backup, or as it is in a Neon branch of a time before; where it is "
    'another application\'s, set `namespace = "acme_sendoka"` in [tool.sendoka]'
)


def _unguarded(text: str, table: str) -> Problem:
    what = f"{table} has lost a key, by which two runners are kept from applying one file twice"
    return Problem("table/key", table, what, text)


# ------------------------------------------------------------------ the rows


async def row_problems(database: Database, files: Sequence[Migration]) -> list[Problem]:
    """Return what is wrong with the rows among themselves, and which of `files` have lost theirs; one request."""
    (result,) = await database.run_all([_ROWS], READ_ONLY)
    return [*_links(result.rows), *_lost(result.rows, files)]


def _links(rows: Sequence[Cells]) -> Iterator[Problem]:
    checksums = [row[2] for row in rows]
    before: Cells | None = None
    for row in rows:
        seq, name, checksum, parent, state = row
        label = name or f"seq {seq}"
        if state not in {"running", "applied"}:
            yield _row("state", label, f"its row has the state {state!r}, which is none", _SEE)
        if checksums.count(checksum) > 1:
            yield _row("twice", label, "the history has it twice", f"delete the row that was added by hand; {_SEE}")
        elif parent is not None and parent not in checksums:
            what = "its row follows one that is not there"
            yield _row("parent", label, what, f"put the row back that it follows, sha256:{parent[:12]}…; {_SEE}")
        elif parent != (None if before is None else before[2]):
            after = "is not the first, and follows none" if parent is None else f"does not follow {_name(before)}"
            yield _row("order", label, f"its row {after}", _SEE)
        before = row


def _lost(rows: Sequence[Cells], files: Sequence[Migration]) -> Iterator[Problem]:
    """Yield the files without a row of which a later one has its row."""
    known = {row[2] for row in rows}
    latest = max((at for at, file in enumerate(files) if file.checksum in known), default=0)
    first = next((at for at, file in enumerate(files) if file.checksum in known), 0)
    for file in files[first:latest]:
        if file.checksum not in known:
            parent = "null" if file.parent is None else f"'{file.parent.checksum}'"
            cells = f"seq {file.number}, name '{file.name}', checksum '{file.checksum}', parent {parent}"
            yield _row("lost", file.name, "its row is gone, and what follows it is applied", f"put it back: {cells}")


def _name(row: Cells | None) -> str:
    return "the one before it" if row is None else row[1] or "the one before it"


def _row(kind: str, name: str, what: str, todo: str) -> Problem:
    return Problem(f"rows/{kind}", name, f"{name}: {what}", todo)


_SEE = (
    "somebody changed the rows by hand, and what was meant is not guessed: "
    "a backup, or a Neon branch of a time before, has them as they were"
)
