"""The snapshots beside the migrations: the schema after each of them, for whoever has no database to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.errors import MissingMigration
from sendoka.schema.from_snapshot import read_snapshot
from sendoka.schema.kinds import all_kinds
from sendoka.schema.model import Model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sendoka.migrations.files import Migration

__all__ = ["SNAPSHOTS", "newest_model", "refuse_orphans", "snapshot_path"]

SNAPSHOTS = "meta"
"""The folder, inside that of the migrations, of the schema after each of them."""


def snapshot_path(migrations: Path, name: str) -> Path:
    """Return where the schema after a migration stands."""
    return migrations / SNAPSHOTS / f"{name}.json"


def newest_model(migrations: Path, history: Sequence[Migration]) -> Model:
    """Return the schema after the newest migration, from its snapshot; without any one that holds and says nothing.

    Raises MissingMigration where the newest has no snapshot, and SchemaError for a snapshot that cannot be read.
    """
    if not history:
        return Model(silent=frozenset(kind.name for kind in all_kinds() if kind.may_be_silent))
    path = snapshot_path(migrations, history[-1].name)
    if not path.is_file():
        raise MissingMigration(
            f"{path.parent.name}/{path.name} is missing: the schema after the newest migration is not known",
            where=str(path),
            todo="restore it from version control; for a file written by hand, copy the snapshot before it",
        )
    return read_snapshot(path)


def refuse_orphans(migrations: Path, history: Sequence[Migration], name: str, text: str) -> None:
    """Raise MissingMigration for a snapshot newer than the history: its migration was deleted, and may be applied.

    The one of the next migration, `name`, may be there if it has this `text`: a crash has left it.
    """
    newest = history[-1].number if history else -1
    ours = snapshot_path(migrations, name)
    for path in sorted((migrations / SNAPSHOTS).glob("[0-9]*_*.json")):
        number = path.stem.partition("_")[0]
        if not number.isdecimal() or int(number) <= newest:
            continue
        if path != ours or path.read_bytes() != text.encode():
            raise MissingMigration(
                f"{SNAPSHOTS}/{path.name} is there, and its migration {path.stem}.sql is not",
                where=f"in {migrations}",
                todo=f"restore {path.stem}.sql from version control; if no database ever ran it, delete {path.name}",
            )
