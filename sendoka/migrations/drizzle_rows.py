"""What drizzle noted in a database, row by row, beside the folder that it ran."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.database.statement import Statement
from sendoka.database.transaction import READ_ONLY
from sendoka.errors import ForkedHistory, InsufficientPrivilege, MigrationError, UndefinedTable
from sendoka.quoting import ident, qualified

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database.seam import Database
    from sendoka.migrations.drizzle import DrizzleMigration

__all__ = ["TABLE", "DrizzleRow", "head_of", "matched", "read_rows"]

TABLE = ("drizzle", "__drizzle_migrations")
"""Where drizzle notes what it ran, unless its configuration says otherwise: (namespace, name)."""

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class DrizzleRow:
    """One row: its number, the sha256 of the text, the moment that the migration is known by, in milliseconds since
    1970, and its name, which drizzle notes from 1.0 on."""

    id: int
    hash: str
    when: int
    name: str | None = None

    def __str__(self) -> str:
        return f"row {self.id} ({self.name or f'sha256:{self.hash[:12]}…, {self.when}'})"


async def read_rows(database: Database, table: tuple[str, str] = TABLE) -> list[DrizzleRow] | None:
    """Return drizzle's rows in the order in which it made them, None where there is no such table.

    Raises MigrationError for a table of that name that is not drizzle's, and what the database raises.
    """
    question = Statement(f"select to_jsonb(m)::text from {qualified(*table)} m")  # noqa: S608 - two quoted names
    try:
        (result,) = await database.run_all([question], READ_ONLY)
    except UndefinedTable:
        return None
    except InsufficientPrivilege as error:
        raise MigrationError(
            f"the role may not read what drizzle noted: {error.message}",
            todo=f"grant usage on schema {ident(table[0])} and select on {qualified(*table)} to the role, "
            "or use the role that drizzle used",
        ) from error
    try:
        rows = [_row(json.loads(row[0] or "")) for row in result.rows]
    except LookupError as error:
        raise MigrationError(
            f"{'.'.join(table)} is no table of drizzle's: it lacks id, hash or created_at",
            todo="name drizzle's own with --drizzle-table NAMESPACE.TABLE",
        ) from error
    except ValueError as error:
        raise MigrationError(
            f"{'.'.join(table)} has a row that drizzle did not write: its id or created_at is no number",
            todo="look who wrote it, and delete it; or name drizzle's own table with --drizzle-table NAMESPACE.TABLE",
        ) from error
    return sorted(rows, key=lambda row: row.id)


def _row(found: dict[str, object]) -> DrizzleRow:
    name = found.get("name")
    called = None if name is None else str(name)
    return DrizzleRow(int(str(found["id"])), str(found["hash"]), int(str(found["created_at"])), called)


def head_of(rows: Sequence[DrizzleRow]) -> DrizzleRow:
    """Return the row that decides what drizzle does next: the one with the latest moment."""
    return max(rows, key=lambda row: (row.when, row.id))


def matched(files: Sequence[DrizzleMigration], rows: Sequence[DrizzleRow]) -> None:
    """Raise MigrationError unless each row is one of the files, and each file has one row, by name, moment and hash.

    Whatever is missing, doubled or ambiguous is named: nothing that drizzle left open is decided here.
    """
    found: dict[str, list[DrizzleRow]] = {file.name: [] for file in files}
    for row in rows:
        found[_file_of(row, files).name].append(row)
    for name, several in found.items():
        if len(several) > 1:
            raise MigrationError(
                f"drizzle noted {name} {len(several)} times: it may have run twice, and what it seeded be there twice",
                where=f"rows {', '.join(str(row.id) for row in several)}",
                todo="look at what it did, mend the data, and delete the rows that are too many",
            )
    missing = [file for file in files if not found[file.name]]
    if missing:
        raise _not_run(missing, rows)


def _file_of(row: DrizzleRow, files: Sequence[DrizzleMigration]) -> DrizzleMigration:
    named = [file for file in files if file.name == row.name]
    # A row of before 1.0 has no name, and a folder of 1.0 no milliseconds.
    timed = named or [file for file in files if file.when == row.when or file.when == row.when // 1000 * 1000]
    fitting = [file for file in timed if row.hash in file.hashes]
    if len(fitting) == 1:
        return fitting[0]
    if len(fitting) > 1:
        names = " and ".join(file.name for file in fitting)
        raise MigrationError(f"{row} may be {names}: they have one moment and one text", todo="delete one of the files")
    if timed:
        raise MigrationError(
            f"{timed[0].name} was edited after drizzle ran it",
            where=f"{row}; the file: sha256:{timed[0].hashes[0][:12]}…",
            todo="restore the file (git checkout); where it is right as it is, write its hash into the row",
        )
    raise ForkedHistory(
        f"drizzle ran something here that is not in the folder: {row}",
        todo="give the folder of this database, whole; one that was squashed or renamed is restored from Git",
    )


def _not_run(missing: Sequence[DrizzleMigration], rows: Sequence[DrizzleRow]) -> MigrationError:
    names = ", ".join(file.name for file in missing[:_SHOWN])
    more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    newest = head_of(rows).when if rows else -1
    if any(file.when <= newest for file in missing):
        return MigrationError(
            f"drizzle never ran {names}{more} here, and never will: it came after a later one was run",
            todo="run its SQL by hand where it is wanted, with its row, or take it out of the folder",
        )
    return MigrationError(
        f"drizzle has not run {names}{more} here yet", todo="run drizzle's migrator once more, then adopt the database"
    )
