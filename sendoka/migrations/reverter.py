"""`generate --revert`: a forward fix, the next migration, which undoes an earlier one in today's schema."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sendoka.errors import ForkedHistory, MigrationError
from sendoka.migrations.called import called
from sendoka.migrations.generator import between, described, history_in
from sendoka.migrations.remade import remade, told
from sendoka.migrations.snapshots import newest_model, snapshot_path
from sendoka.schema.answers import Answers
from sendoka.schema.from_python import model_from_folder
from sendoka.schema.kinds import kind_of
from sendoka.schema.plan import plan
from sendoka.schema.uncollected import uncollected

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sendoka.migrations.files import Migration
    from sendoka.migrations.generator import Choices, Compare, Draft
    from sendoka.schema.diff import Changes
    from sendoka.schema.model import Model

__all__ = ["Revert", "revert"]


@dataclass(frozen=True, slots=True)
class Revert:
    """A migration that undoes others, not written yet.

    `reverted` are the names of those that it undoes, and `lost` sentences on what of them it cannot bring back.
    `schema` has a line for each change that schema/ holds beside what the migration leads to: it must be taken back
    there too.
    """

    draft: Draft
    reverted: tuple[str, ...]
    lost: tuple[str, ...]
    schema: tuple[str, ...]


def revert(schema: Path, migrations: Path, which: str, choices: Choices) -> Revert:
    """Return the migration that undoes `which`, called by its name, its number or its words.

    What the migration changed is changed back on top of today's schema; of several files that were generated at once
    only the last has a snapshot, so all of them are undone. Without a name it is called after what it undoes.

    Raises ForkedHistory where later migrations changed the same, MigrationError where nothing can be undone, and what
    `draft` raises.
    """
    history = history_in(migrations)
    which_one = called(history, which, "--revert")
    group, before, after = _around(migrations, history, which_one)
    names = tuple(each.name for each in group)
    with uncollected():
        today = newest_model(migrations, history)
        found = remade(group, after, before, today, back=True)
    if found.conflicts:
        raise ForkedHistory(
            f"{_listed(names)} cannot be undone: later migrations changed the same",
            where="\n".join(map(_since, found.conflicts)),
            todo="undo those first, newest first, or change schema/ by hand and `sendoka generate`",
        )
    own = tuple(_own_sql(group, remade(group, before, after, before).changes))
    chosen = replace(
        choices,
        name=choices.name if choices.name is not None else f"revert_{which_one.name.partition('_')[2]}",
        answers=Answers(told(group, back=True)) + choices.answers,
    )
    drafted = between(migrations, history, (today, found.model), chosen)
    if drafted is None:
        raise MigrationError(
            f"{_listed(names)} changed nothing of the schema that could be undone",
            where="\n".join(own),
            todo="undo SQL of your own by SQL of your own: `sendoka generate --custom`",
        )
    lost = (*_lost(found.changes, group), *own)
    return Revert(drafted, names, lost, _left(schema, today, found.model, choices.compare))


def _around(migrations: Path, history: Sequence[Migration], which: Migration) -> tuple[list[Migration], Model, Model]:
    """Return the migrations between the two snapshots around `which`, and these."""
    kept = [snapshot_path(migrations, each.name).is_file() for each in history]
    at = history.index(which)
    last = next((place for place in range(at, len(history)) if kept[place]), len(history) - 1)
    first = next((place + 1 for place in range(at - 1, -1, -1) if kept[place]), 0)
    group = list(history[first : last + 1])
    root = group[0]
    if root.replaces is not None or root.adopts is not None:
        what = (
            "stands for all migrations before it" if root.replaces else "is what the database was when it was adopted"
        )
        raise MigrationError(
            f"{root.name}.sql {what}, and cannot be undone",
            todo="change schema/ to what it shall be, and `sendoka generate`",
        )
    return group, newest_model(migrations, history[:first]), newest_model(migrations, history[: last + 1])


def _since(conflict: str) -> str:
    """Return a conflict of two branches as one with what came later."""
    return conflict.replace(" here", " by undoing it").replace(" on both sides", " since")


def _left(schema: Path, today: Model, wanted: Model, compare: Compare) -> tuple[str, ...]:
    """Return what schema/ declares beside what the migration leads to; what no migration held before is no matter."""
    declared = replace(model_from_folder(schema), marks=())
    found, before = (described(compare(each.attentive(declared), declared, None)[0]) for each in (wanted, today))
    return tuple(line for line in found if line not in before)


def _own_sql(group: Sequence[Migration], changes: Changes) -> Iterator[str]:
    """Yield the statements that no plan of the change has: a person wrote them."""
    with uncollected():
        plans = [plan(changes, online=online) for online in (False, True)]
    planned = {f"{step.text};" for each in plans for way in each.transactions for step in way.steps}
    for migration in group:
        for number, statement in enumerate(migration.statements, 1):
            if statement not in planned and f"{statement};" not in planned:
                first = next((line for line in statement.split("\n") if not line.startswith("--")), "")[:80]
                yield f"statement {number} of {migration.name}.sql is SQL of your own, and is not undone: {first}"


def _lost(back: Changes, group: Sequence[Migration]) -> Iterator[str]:
    """Yield what the migrations took away, and no other one can bring back."""
    tables = {(each.namespace, each.name) for each in back.created if each.is_relation}
    for each in back.created:
        if kind_of(each).holds_data(each) and kind_of(each).owned_by(each) not in tables:
            yield f"{each.id} comes back without its {'rows' if each.is_relation else 'values'}: they are gone"
    for change in back.altered:
        new = change.new
        if new.kind == "column" and "type" in change.changed:
            yield f"{new.id} has its old type again, not the values that the change cut, rounded or read anew"
        if set(getattr(new, "values", ())) - set(getattr(change.old, "values", ())):
            yield f"{new.id} has its old values again, and rows that had one of them keep what took its place"
    for migration in group:
        for name in migration.requires:
            yield f"the backfill {name}, which {migration.name}.sql requires, is not undone"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"{name}.sql" for name in names)
