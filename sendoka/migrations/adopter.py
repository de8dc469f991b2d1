"""`adopt`: a database that is in use, and the first migration that stands for what it has already."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka import __version__
from sendoka.bookkeeping import operator
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import (
    DatabaseError,
    InsufficientPrivilege,
    MigrationError,
    MissingMigration,
    Outcome,
    SchemaError,
    SettingsError,
    TransportError,
)
from sendoka.migrations.adoption import noting, refuse_another
from sendoka.migrations.differences import differences
from sendoka.migrations.drizzle import is_drizzle_folder, read_drizzle_folder
from sendoka.migrations.drizzle_rows import TABLE, head_of, matched, read_rows
from sendoka.migrations.failure import no_grant
from sendoka.migrations.generator import Choices, Written, draft, history_in, write
from sendoka.migrations.header import Adopted
from sendoka.migrations.inquiry import ask_all
from sendoka.migrations.rivals import is_our_grant
from sendoka.migrations.snapshots import snapshot_path
from sendoka.schema.from_catalog import read_catalog
from sendoka.schema.from_python import model_from_folder
from sendoka.schema.from_snapshot import read_snapshot
from sendoka.schema.model import Model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sendoka.database.seam import Database
    from sendoka.migrations.drizzle_rows import DrizzleRow
    from sendoka.migrations.files import Migration
    from sendoka.migrations.generator import Draft
    from sendoka.schema.diff import Changes

__all__ = ["Adoption", "Found", "adopt"]

Found = Callable[[Model, Model], Awaitable["Changes"]]
"""Finds what lies between what a database has and what is declared."""

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Adoption:
    """What became of an adoption.

    `written` is the first migration where there was none; `noted` are the names of those that the database has now,
    and `pending` of those that come after what it is. `adopted` is the row of drizzle's that the first stands for.
    `unmanaged` names what the database has and no migration holds, and `unasked` are the backfills, by migration, that
    those which were noted require; `already` is true where it had a history.
    """

    noted: tuple[str, ...]
    pending: tuple[str, ...] = ()
    written: Written | None = None
    adopted: Adopted | None = None
    unmanaged: tuple[str, ...] = ()
    unasked: tuple[tuple[str, str], ...] = ()
    already: bool = False


async def adopt(
    database: Database,
    schema: Path,
    migrations: Path,
    found: Found,
    *,
    drizzle: Path | None = None,
    table: tuple[str, str] = TABLE,
    name: str = "baseline",
    dry_run: bool = False,
) -> Adoption:
    """Note what `database` is as applied, and run nothing. Without migrations the first one is written, from `schema`.

    With migrations, those are noted up to the newest whose snapshot the database equals. `drizzle` is the folder that
    drizzle ran, `table` where it noted that: every row must be one of its files, and every file have one row. `dry_run`
    ends before anything is written.

    Raises MigrationError where the database is nothing that is declared, where drizzle's rows and folder do not go
    together, and where the database changes meanwhile; else what the schema, the folder or the exchange raises.
    """
    history, *_ = await ask_all(database)
    if history:
        return Adoption(tuple(entry.name for entry in history), already=True)
    row = await _drizzle_head(database, drizzle, table)
    adopted = None if row is None else Adopted(table, row[1], row[0].hash, row[0].when)
    catalog = await read_catalog(database)
    if not (catalog.model.objects or catalog.model.unmanaged):
        raise MigrationError(
            "this database is empty: there is nothing to adopt",
            todo="`sendoka migrate` makes all that the migrations hold; is it the right database?",
        )
    files: Sequence[Migration] = history_in(migrations)
    drafted: Draft | None = None
    if files:
        if row is not None:
            _refuse_unlike(files[0], row[0])
        count = await _reached(found, catalog.model, migrations, files)
    else:
        await _compare(found, catalog.model, _declared(schema), "what schema/ declares")
        drafted = _first(schema, migrations, Choices(name=name, adopts=adopted))
        files, count = drafted.migrations, len(drafted.migrations)
    written: Written | None = None
    if not dry_run:
        written = None if drafted is None else write(drafted, migrations)
        by = (secrets.token_hex(8), operator(), __version__)
        await _note(database, files[:count], by, catalog.digest, adopted, written)
    names = tuple(file.name for file in files)
    unasked = tuple((file.name, each) for file in files[:count] for each in file.requires)
    return Adoption(names[:count], names[count:], written, adopted, catalog.model.unmanaged, unasked)


def _declared(schema: Path) -> Model:
    if not schema.is_dir():
        raise SchemaError(
            "there is no schema folder", where=str(schema), todo="write it from the database first: sendoka pull"
        )
    return model_from_folder(schema)


def _first(schema: Path, migrations: Path, choices: Choices) -> Draft:
    """Return the migration that makes all of the schema."""
    drafted = draft(schema, migrations, choices)
    if drafted is None:
        raise MigrationError(
            "nothing of this database is managed, and the schema is empty: there is nothing to adopt",
            todo="begin with tables in schema/, and `sendoka generate`",
        )
    return drafted


async def _drizzle_head(
    database: Database, folder: Path | None, table: tuple[str, str]
) -> tuple[DrizzleRow, str] | None:
    """Return drizzle's newest row and its file's name, None where drizzle ran nothing; both are matched before."""
    if folder is not None and not is_drizzle_folder(folder):
        raise SettingsError(
            f"{folder} is no folder of drizzle's",
            where="it has neither meta/_journal.json nor a folder such as 20260102030405_name with a migration.sql",
            todo='give the one that drizzle.config.ts names in "out"',
        )
    rows = await read_rows(database, table)
    if not rows and folder is None:
        return None
    if folder is None:
        raise MigrationError(
            f"drizzle keeps its history in this database: {'.'.join(table)} is there",
            todo="say which folder it ran: sendoka adopt --drizzle FOLDER",
        )
    files = read_drizzle_folder(folder)
    if not rows:
        raise MigrationError(
            f"drizzle ran nothing in this database: {'.'.join(table)} is {'not there' if rows is None else 'empty'}",
            todo="is it the right database? A table of another name is said with --drizzle-table NAMESPACE.TABLE; "
            "without --drizzle the database is adopted as it is",
        )
    matched(files, rows)
    head = head_of(rows)
    return head, next(file.name for file in files if head.hash in file.hashes and file.name == (head.name or file.name))


def _refuse_unlike(root: Migration, head: DrizzleRow) -> None:
    """Raise MigrationError where the first migration stands for nothing, or for something else, of drizzle's."""
    if root.adopts is None:
        raise MigrationError(
            f"{root.name}.sql is there, and stands for nothing that drizzle ran",
            todo="adopt the first database before there is a migration: sendoka adopt --drizzle FOLDER",
        )
    refuse_another(root, root.adopts, head)


async def _compare(found: Found, there: Model, wanted: Model, what: str) -> None:
    """Raise MigrationError where the two differ."""
    changes = await found(there, wanted)
    if changes:
        differing = [each.as_state for each in differences(changes)]
        more = f" and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
        raise MigrationError(
            f"this database is not {what}: {'; '.join(differing[:_SHOWN])}{more}",
            where="nothing was noted and nothing written",
            todo='bring them together first: `sendoka diff --from "$DATABASE_URL" --to schema` shows it all, '
            "`sendoka pull` writes schema/ from the database",
        )


async def _reached(found: Found, there: Model, migrations: Path, files: Sequence[Migration]) -> int:
    """Return how many of the files a database has: up to the newest whose snapshot it equals."""
    for count in range(len(files), 0, -1):
        path = snapshot_path(migrations, files[count - 1].name)
        if path.is_file() and not await found(there, read_snapshot(path)):
            return count
    newest = snapshot_path(migrations, files[-1].name)
    if not newest.is_file():
        raise MissingMigration(
            f"{newest.parent.name}/{newest.name} is missing, so nobody can tell what this database has",
            todo="restore it from version control",
        )
    await _compare(found, there, read_snapshot(newest), "what any of the migrations leads to")
    raise AssertionError("it was found different before")


async def _note(
    database: Database,
    files: Sequence[Migration],
    by: tuple[str, str, str],
    catalog: str,
    adopted: Adopted | None,
    written: Written | None,
) -> None:
    """Note the files; where that is refused, what was `written` goes again, for it may be right no more."""
    try:
        await _send(database, files, by, catalog, adopted)
    except (DatabaseError, MigrationError, TransportError) as error:
        if written is not None and getattr(error, "outcome", None) is not Outcome.UNKNOWN:
            written.take_back()
        raise


async def _send(
    database: Database, files: Sequence[Migration], by: tuple[str, str, str], catalog: str, adopted: Adopted | None
) -> None:
    """Note the files; where the answer is lost, or another sending of it came first, the history tells."""
    statements = noting(files, by, catalog=catalog, adopted=adopted)
    try:
        await database.run_all(statements, TransactionOptions())
    except (DatabaseError, TransportError) as error:
        met = isinstance(error, DatabaseError) and error.sqlstate in {"23502", "23505"}
        if (met or error.outcome is Outcome.UNKNOWN) and await _is_noted(database, by[0]):
            return
        if isinstance(error, InsufficientPrivilege) and await is_our_grant(database, error, new=True):
            raise no_grant(error, database.namespace) from error
        if met:
            raise MigrationError(
                "this database changed while it was compared, or somebody else adopted it",
                where="nothing was noted, and nothing written",
                todo="give the command again: it sees what is there",
            ) from error
        raise


async def _is_noted(database: Database, token: str) -> bool:
    """Tell whether the history bears `token`; where it cannot be asked, nobody knows."""
    try:
        history, *_ = await ask_all(database)
    except (DatabaseError, TransportError) as error:
        error.outcome = Outcome.UNKNOWN
        raise
    return any(entry.token == token for entry in history or ())
