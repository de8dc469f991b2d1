"""Drift: what a live database has, against the snapshot of the newest migration that it applied."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from sendoka.errors import MissingMigration, SettingsError
from sendoka.lint import Finding
from sendoka.migrations.checked import Checked
from sendoka.migrations.comparison import State, compare
from sendoka.migrations.differences import Sort, differences
from sendoka.migrations.inquiry import ask_all
from sendoka.migrations.snapshots import SNAPSHOTS
from sendoka.schema.declared_texts import with_texts
from sendoka.schema.from_catalog import read_catalog
from sendoka.schema.from_snapshot import read_snapshot
from sendoka.schema.model import Model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sendoka.database.seam import Database
    from sendoka.migrations.differences import Difference
    from sendoka.migrations.files import Migration
    from sendoka.migrations.history import Entry
    from sendoka.migrations.pushed import PushRow
    from sendoka.schema.diff import Changes

__all__ = ["Spell", "check_drift"]

Spell = Callable[["Model", "Model"], Awaitable["tuple[Changes, str | None]"]]
"""Finds what leads from the schema that is there to the one that is wanted, asking a Postgres where their texts differ;
with it comes why none was asked, where it should have been."""


async def check_drift(database: Database, files: Sequence[Migration], migrations: Path, spell: Spell) -> Checked:
    """Compare `database` with what its applied migrations made; read only. `files` is a whole folder, oldest first.

    What is pending is not expected to be there yet. Raises SettingsError where it cannot be told what is expected: the
    history is not this folder's, or the database is ahead of it; MissingMigration without the snapshot; SchemaError
    for a catalog or snapshot that cannot be read; else what the exchange raises.
    """
    history, pushed, _ = await ask_all(database)
    applied = _applied(files, history or [])
    wanted = _snapshot(migrations, applied[-1]) if applied else Model()
    catalog = await read_catalog(database)
    known = pushed is not None and pushed.digest is not None and pushed.catalog == catalog.digest
    there = with_texts(catalog.model, pushed.texts) if known and pushed is not None else catalog.model
    changes, doubt = await spell(there, wanted)
    found = [_finding(each) for each in differences(changes)]
    against = f"compared with {SNAPSHOTS}/{applied[-1].name}.json" if applied else "nothing is applied yet"
    return Checked.of("drift", found, against, [*_notes(pushed, doubt), *_unmanaged(catalog.model)])


def _applied(files: Sequence[Migration], history: Sequence[Entry]) -> Sequence[Migration]:
    comparison = compare(files, history)
    if comparison.state in {State.APPLIED, State.PENDING}:
        return files[: len(files) - len(comparison.pending)]
    why = {
        State.NEWER: "the database has migrations that the folder has not",
        State.RUNNING: "a migration was begun in the database and is not finished",
    }
    raise SettingsError(
        f"drift cannot be told: {why.get(comparison.state, 'the history of the database is not that of the folder')}",
        where="the snapshot that the database should be equal to is not known",
        todo="`sendoka check --history` says where the two part",
    )


def _snapshot(migrations: Path, newest: Migration) -> Model:
    path = migrations / SNAPSHOTS / f"{newest.name}.json"
    if not path.is_file():
        raise MissingMigration(
            f"drift cannot be told: the newest applied migration, {newest.name}, has no snapshot",
            where=f"{SNAPSHOTS}/{path.name} is not there; of files that were generated together only the last has one",
            todo="apply the files after it with `sendoka migrate`, or restore the snapshot from version control",
        )
    return read_snapshot(path)


def _finding(each: Difference) -> Finding:
    what, instead = _WORDS[each.sort]
    return Finding(f"drift/{each.sort}", each.id.address, f"{each.id} {what.format(how=each.how)}", instead)


_WORDS = {
    Sort.MISSING: (
        "was made by a migration, and the database has it not",
        "make it again by hand, or take it out of the schema and generate",
    ),
    Sort.EXTRA: (
        "is in the database, and no applied migration made it",
        "drop it by hand, or declare it in the schema (`sendoka pull` shows how)",
    ),
    Sort.DIFFERS: (
        "is not what the migrations made: {how}",
        "change it back by hand, or declare it so in the schema",
    ),
}


def _notes(pushed: PushRow | None, doubt: str | None) -> list[str]:
    said = (
        [f"the database was pushed to, by {pushed.by}: what was pushed counts as drift"] if pushed is not None else []
    )
    return [*said, *([doubt] if doubt else [])]


def _unmanaged(model: Model) -> list[str]:
    return [f"not managed, and not looked at: {each}" for each in model.unmanaged]
