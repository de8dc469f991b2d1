"""`generate`: the schema in Python against the newest snapshot, and what lies between as the next migration file."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sendoka.errors import SchemaError
from sendoka.migrations.differences import differences
from sendoka.migrations.files import Migration, parse, render
from sendoka.migrations.folder import read_folder
from sendoka.migrations.inspection import refuse_planned
from sendoka.migrations.names import file_name, two_words
from sendoka.migrations.snapshots import newest_model, refuse_orphans, snapshot_path
from sendoka.schema.answers import Answers
from sendoka.schema.decisions import answered, read_renames
from sendoka.schema.diff import diff
from sendoka.schema.from_python import model_from_folder
from sendoka.schema.from_snapshot import snapshot_of
from sendoka.schema.plan import plan
from sendoka.schema.spelling import respelled
from sendoka.schema.step import Plan
from sendoka.schema.uncollected import uncollected
from sendoka.script import BREAKPOINT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sendoka.migrations.header import Adopted
    from sendoka.schema.diff import Changes
    from sendoka.schema.kind import Renaming
    from sendoka.schema.model import Model

__all__ = [
    "Choices",
    "Compare",
    "Draft",
    "Written",
    "as_written",
    "between",
    "custom",
    "described",
    "draft",
    "history_in",
    "ungenerated",
    "write",
]

Compare = Callable[["Model", "Model", "Renaming | None"], "tuple[Changes, str | None]"]
"""Finds what leads from one schema to another; with it comes why texts were compared as they are, where they were."""

_PLACE = f"-- Your SQL here: one transaction. Between two statements goes this line, alone: {BREAKPOINT}\n"


def as_written(old: Model, new: Model, renaming: Renaming | None) -> tuple[Changes, str | None]:
    """Return the changes between two schemas, their texts compared as they are, and a word of doubt if texts differ."""
    changes = diff(old, new, renaming)
    doubtful = any(respelled(each.old, each.new) for each in changes.altered)
    return changes, "no Postgres was asked: a text that is spelled in another way counts as a change" * doubtful or None


@dataclass(frozen=True, slots=True)
class Choices:
    """How the next migration is to be made.

    `name` replaces the two words; `answers` are a person's; `online` takes the ways that hold nobody up, in files of
    their own. `compare` finds the changes; by default texts of SQL are compared as they are, and the plan's notes say
    so. `adopts` is what of drizzle's the first migration of all stands for.
    """

    name: str | None = None
    answers: Answers = field(default_factory=Answers)
    online: bool = False
    compare: Compare = as_written
    adopts: Adopted | None = None


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
    """What was written: the files of the migrations, and the snapshot of the newest.

    `made` is the migrations folder where there was none before.
    """

    migrations: tuple[Migration, ...]
    plan: Plan
    paths: tuple[Path, ...]
    made: Path | None = None

    def take_back(self) -> None:
        """Remove the files again, as far as that goes; the folder stays."""
        for path in self.paths:
            with suppress(OSError):
                path.unlink()


def custom(migrations: Path, *, name: str | None = None) -> Draft:
    """Return a migration without a statement, for SQL of a person's own, with a copy of the snapshot before it.

    Raises what `draft` raises for the folder and the name.
    """
    history = history_in(migrations)
    parent = history[-1] if history else None
    found = Draft((_file(parent, [], [], name, body=_PLACE),), Plan(), snapshot_of(newest_model(migrations, history)))
    refuse_orphans(migrations, history, found.newest.name, found.snapshot)
    return found


def draft(schema: Path, migrations: Path, choices: Choices) -> Draft | None:
    """Return what leads from the newest migration to the declared schema; None where that has not changed.

    The same schema, folder and choices always give the same files. Raises SchemaError for the schema or the snapshot, a
    MigrationError for a folder whose chain is broken, AnswerMissing for a question that needs a person, and
    SettingsError for an answer that fits nothing and a name that is none.
    """
    history = history_in(migrations)
    with uncollected():
        both = _both(schema, migrations, history)
    return between(migrations, history, both, choices)


def between(
    migrations: Path, history: Sequence[Migration], both: tuple[Model, Model], choices: Choices
) -> Draft | None:
    """Return what leads from one schema to another as the migrations after `history`; None where nothing does."""
    old, new = both
    answers = choices.answers
    changes, doubt = choices.compare(old, new, read_renames(answers.renames, old, new, answers.creates))
    with uncollected():
        steps = answered(plan(changes, online=choices.online), changes, answers.allow, answers.creates)
        if not steps.transactions:
            return None
        steps = replace(steps, notes=(doubt, *steps.notes) if doubt else steps.notes)
        found = Draft(_files(history, steps, choices), steps, snapshot_of(changes.wanted))
    refuse_orphans(migrations, history, found.newest.name, found.snapshot)
    return found


def ungenerated(schema: Path, migrations: Path, compare: Compare = as_written) -> tuple[str, ...]:
    """Return a line for each change of the schema that no migration holds; nothing is asked and nothing written.

    Raises SchemaError and MigrationError as `draft` does.
    """
    with uncollected():
        old, new = _both(schema, migrations, history_in(migrations))
    changes, _ = compare(old, new, read_renames((), old, new))
    return described(changes)


def _both(schema: Path, migrations: Path, history: Sequence[Migration]) -> tuple[Model, Model]:
    """Return the schema after the newest migration, and the declared one.

    What no migration ever spoke of, such as privileges, none has made: the first that is declared is new.
    """
    new = model_from_folder(schema)
    return newest_model(migrations, history).attentive(new), new


def history_in(migrations: Path) -> list[Migration]:
    """Return the migrations of a folder, none where it is not there. Raises what `read_folder` does."""
    return read_folder(migrations) if migrations.is_dir() else []


def _files(history: Sequence[Migration], steps: Plan, choices: Choices) -> tuple[Migration, ...]:
    kept = {"renamed": steps.renamed, "created": steps.created, "allowed": steps.allowed}
    answers = [(directive, each) for directive, texts in kept.items() for each in texts]
    parent = history[-1] if history else None
    files = []
    for transaction in steps.transactions:
        statements = [f"{step.text};" for step in transaction.steps]
        root = choices.adopts if parent is None else None
        parent = _file(parent, statements, answers, choices.name, done_when=transaction.done_when, adopts=root)
        files.append(parent)
    return tuple(files)


def _file(
    parent: Migration | None,
    statements: list[str],
    answers: list[tuple[str, str]],
    name: str | None,
    *,
    body: str = "",
    done_when: str | None = None,
    adopts: Adopted | None = None,
) -> Migration:
    words = name if name is not None else two_words("\n".join([parent.checksum if parent else "", *statements]))
    full = file_name(parent.number + 1 if parent else 0, words)
    migration = parse(full, render(full, parent, statements, answers, done_when, adopts=adopts) + body)
    if migration.done_when != done_when:
        what = "the name of an index holds a line end, and cannot stand in the header of a file without a transaction"
        raise SchemaError(what, where=statements[0][:200], todo="rename it, or generate it without --online")
    if migration.statements != statements:
        raise SchemaError(
            "a statement holds a carriage return or a line that reads as a breakpoint, which a file cannot keep",
            where=next((one for one in statements if one not in migration.statements), "")[:200],
            todo="write the text in the schema without it, for instance with chr(13)",
        )
    refuse_planned(migration)
    return migration


def write(found: Draft, migrations: Path) -> Written:
    """Write what was drafted, making the folder where there is none. Raises OSError where it cannot.

    The snapshot comes first: without its migration it counts for nothing, so a crash in between does no harm. Where a
    file cannot be written, on a full disk, those that were are taken away again.
    """
    made = None if migrations.is_dir() else migrations
    snapshot = snapshot_path(migrations, found.newest.name)
    snapshot.parent.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    try:
        snapshot.write_text(found.snapshot, encoding="utf-8", newline="\n")
        for migration in found.migrations:
            path = migrations / f"{migration.name}.sql"
            with path.open("x", encoding="utf-8", newline="\n") as file:
                paths.append(path)
                file.write(migration.text)
    except OSError:
        for path in [*paths, snapshot]:
            with suppress(OSError):
                path.unlink()
        raise
    return Written(found.migrations, found.plan, (*paths, snapshot), made)


def described(changes: Changes) -> tuple[str, ...]:
    """Return a line for each change, as one of the schema."""
    return tuple(each.as_change for each in differences(changes))
