"""`generate`: the schema in Python against the newest snapshot, and what lies between as the next migration file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.errors import InvalidMigration, MissingMigration
from sendoka.migrations.files import Migration, parse, read_folder, render
from sendoka.migrations.names import file_name, two_words
from sendoka.schema.answers import answered, read_renames
from sendoka.schema.diff import diff
from sendoka.schema.from_python import model_from_folder
from sendoka.schema.from_snapshot import read_snapshot, snapshot_of
from sendoka.schema.kinds.table import Table
from sendoka.schema.model import Member, Model
from sendoka.schema.plan import plan

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from sendoka.schema.diff import Changes
    from sendoka.schema.model import Object
    from sendoka.schema.step import Plan

__all__ = ["SNAPSHOTS", "Draft", "Written", "draft", "generate", "newest_model", "ungenerated"]

SNAPSHOTS = "meta"
"""The folder, inside that of the migrations, of the schema after each of them."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The next migrations, not written yet: usually one, and several where the plan needs several transactions."""

    migrations: tuple[Migration, ...]
    plan: Plan
    snapshot: str

    @property
    def newest(self) -> Migration:
        """The migration that the snapshot belongs to."""
        return self.migrations[-1]


@dataclass(frozen=True, slots=True)
class Written:
    """What `generate` wrote: the files of the migrations, and the snapshot of the newest."""

    migrations: tuple[Migration, ...]
    plan: Plan
    paths: tuple[Path, ...]


def generate(
    schema: Path,
    migrations: Path,
    *,
    name: str | None = None,
    allow: Collection[str] = (),
    renames: Sequence[str] = (),
) -> Written | None:
    """Write the next migration and its snapshot; None, and nothing written, where the schema has not changed.

    `name` replaces the two words; `allow` and `renames` are answers, `drop-column:messages.legacy` and
    `messages.body=messages.text`. The same schema and folder always give the same files. Raises SchemaError for the
    schema or the snapshot, a MigrationError for a folder whose chain is broken, AnswerMissing for a question that
    needs a person, and SettingsError for an answer that fits nothing.
    """
    found = draft(schema, migrations, name=name, allow=allow, renames=renames)
    return None if found is None else _write(found, migrations)


def draft(
    schema: Path,
    migrations: Path,
    *,
    name: str | None = None,
    allow: Collection[str] = (),
    renames: Sequence[str] = (),
) -> Draft | None:
    """Return what `generate` would write, and write nothing. Raises what `generate` raises."""
    history = _history(migrations)
    old, new = newest_model(migrations, history), model_from_folder(schema)
    changes = diff(old, new, read_renames(renames, old, new))
    steps = answered(plan(changes), changes, allow)
    if not steps.transactions:
        return None
    return Draft(_files(history, steps, name), steps, snapshot_of(changes.new))


def ungenerated(schema: Path, migrations: Path) -> tuple[str, ...]:
    """Return a line for each change of the schema that no migration holds; nothing is asked and nothing written.

    Raises SchemaError and MigrationError as `generate` does.
    """
    return _described(diff(newest_model(migrations, _history(migrations)), model_from_folder(schema)))


def newest_model(migrations: Path, history: Sequence[Migration]) -> Model:
    """Return the schema after the newest migration, from its snapshot; an empty one without any migration.

    Raises MissingMigration where the newest has no snapshot, and SchemaError for a snapshot that cannot be read.
    """
    if not history:
        return Model()
    path = _snapshot_path(migrations, history[-1].name)
    if not path.is_file():
        raise MissingMigration(
            f"{path.parent.name}/{path.name} is missing: the schema after the newest migration is not known",
            where=str(path),
            todo="restore it from version control; for a file written by hand, copy the snapshot before it",
        )
    return read_snapshot(path)


def _history(migrations: Path) -> list[Migration]:
    return read_folder(migrations) if migrations.is_dir() else []


def _snapshot_path(migrations: Path, name: str) -> Path:
    return migrations / SNAPSHOTS / f"{name}.json"


def _files(history: Sequence[Migration], steps: Plan, name: str | None) -> tuple[Migration, ...]:
    answers = [("renamed", each) for each in steps.renamed] + [("allowed", each) for each in steps.allowed]
    parent = history[-1] if history else None
    files = []
    for transaction in steps.transactions:
        statements = [f"{step.text};" for step in transaction.steps]
        parent = _file(parent, statements, answers, name)
        files.append(parent)
    return tuple(files)


def _file(
    parent: Migration | None, statements: list[str], answers: list[tuple[str, str]], name: str | None
) -> Migration:
    words = name if name is not None else two_words("\n".join([parent.checksum if parent else "", *statements]))
    full = file_name(parent.number + 1 if parent else 0, words)
    migration = parse(full, render(full, parent, statements, answers))
    if migration.statements != statements:
        raise InvalidMigration(
            "a statement holds a carriage return or a line that reads as a breakpoint, which a file cannot keep",
            where=next((one for one in statements if one not in migration.statements), "")[:200],
            todo="write the text in the schema without it, for instance with chr(13)",
        )
    return migration


def _write(found: Draft, migrations: Path) -> Written:
    """Write the snapshot first: without its migration it counts for nothing, so a crash in between does no harm."""
    snapshot = _snapshot_path(migrations, found.newest.name)
    snapshot.parent.mkdir(parents=True, exist_ok=True)
    snapshot.write_text(found.snapshot, encoding="utf-8", newline="\n")
    paths = []
    for migration in found.migrations:
        path = migrations / f"{migration.name}.sql"
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(migration.text)
        paths.append(path)
    return Written(found.migrations, found.plan, (*paths, snapshot))


def _described(changes: Changes) -> tuple[str, ...]:
    return (
        *(f"{each.old.id} is called {each.new.id.address} now" for each in changes.renamed),
        *(f"{each.id} is not declared any more" for each in _outer(changes.dropped)),
        *(f"{each.new.id} has another {', '.join(sorted(each.changed))}" for each in changes.altered),
        *(f"{each.id} is new" for each in _outer(changes.created)),
    )


def _outer(objects: Sequence[Object]) -> list[Object]:
    """Return `objects` without the columns and constraints of tables that come or go as a whole."""
    tables = {(each.namespace, each.name) for each in objects if isinstance(each, Table)}
    return [each for each in objects if not (isinstance(each, Member) and (each.namespace, each.table) in tables)]
