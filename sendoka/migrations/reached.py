"""Where a database stands that was pushed to: perhaps the pending migrations lead to what it is already.

Only loaded where there was a push: it reads the catalog and a snapshot, and with them comes all that knows schemas.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sendoka.errors import MigrationError, MissingMigration
from sendoka.migrations.history import record_statement
from sendoka.migrations.pushed import recording
from sendoka.schema.declared_texts import with_texts
from sendoka.schema.diff import diff
from sendoka.schema.from_catalog import read_catalog
from sendoka.schema.from_snapshot import model_from_snapshot
from sendoka.schema.model import Model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database.seam import Database
    from sendoka.database.statement import Statement
    from sendoka.migrations.files import Migration
    from sendoka.migrations.folder import Folder
    from sendoka.migrations.pushed import PushRow
    from sendoka.schema.diff import Changes

__all__ = ["Recording", "recording_of"]

_META = "meta"
_SHOWN = 3
"""Differences that an error names."""


class Recording:
    """The transaction that ends the time of pushes. `recorded` are the migrations that it notes without running them.

    They are all that are pending, or none, where nothing of the pushes remains and they have to be run.
    """

    def __init__(self, statements: list[Statement], recorded: Sequence[Migration]) -> None:
        self.statements = statements
        self.recorded = tuple(recorded)


async def recording_of(
    database: Database,
    folder: str | Path | Folder,
    files: Sequence[Migration],
    pending: Sequence[Migration],
    row: PushRow,
    by: tuple[str, str, str],
) -> Recording:
    """Return how the `pending` ones of `files` are settled in a database that the push of `row` changed.

    `by` are the token, the operator and the version for the history. Raises MigrationError where the database is
    neither what the newest snapshot says nor what the applied ones left, and MissingMigration without that snapshot.
    """
    catalog = await read_catalog(database)
    told = row.texts if row.digest is not None and row.catalog == catalog.digest else {}
    there = with_texts(catalog.model, told)
    newest = _snapshot(folder, files[-1])
    if newest is None:
        raise MissingMigration(
            f"{_META}/{files[-1].name}.json is missing, so nobody can tell whether this database has it already",
            where=f"the database was pushed to: {_when(row)}",
            todo="restore the snapshot from version control, or deploy the folder whole",
        )
    changes = diff(there, newest)
    if not changes:
        return Recording(recording([record_statement(each, *by) for each in pending], row, catalog.digest), pending)
    before = Model() if len(files) == len(pending) else _snapshot(folder, files[-len(pending) - 1])
    if before is not None and not diff(there, before):
        return Recording(recording([], row, catalog.digest), ())
    raise _astray(pending, row, changes)


def _snapshot(folder: str | Path | Folder, migration: Migration) -> Model | None:
    """Return the schema after a migration, None where its snapshot is not in the folder."""
    place: Folder = Path(folder) if isinstance(folder, str) else folder
    meta = next((each for each in place.iterdir() if each.name == _META and each.is_dir()), None)
    name = f"{migration.name}.json"
    file = next((each for each in meta.iterdir() if each.name == name), None) if meta is not None else None
    if isinstance(file, Path) and not file.is_file():
        return None  # a pipe, perhaps, whose reading would not end
    return None if file is None else model_from_snapshot(file.read_bytes().decode(errors="replace"), name)


def _astray(pending: Sequence[Migration], row: PushRow, changes: Changes) -> MigrationError:
    differing = [*(str(each.new) for each in changes.renamed), *(str(each.new.id) for each in changes.altered)]
    differing += [str(each.id) for each in (*changes.dropped, *changes.created)]
    more = f" and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
    return MigrationError(
        f"{pending[0].name}.sql is not applied: this database was pushed to, and is not what the migrations lead to",
        where=f"{_when(row)}; it differs in {', '.join(differing[:_SHOWN])}{more}",
        todo="generate what is not generated yet and push again, then migrate notes the files as applied; "
        "or begin with an empty database, `sendoka dev --reset`",
    )


def _when(row: PushRow) -> str:
    return f"pushed by {row.by}, {row.at[:19].replace('T', ' ')} UTC"
