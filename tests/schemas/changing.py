"""The change of a database to another schema: planned, run, read again, and compared with what should come out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from psycopg import errors

from sendoka.schema.decisions import answered, read_renames
from sendoka.schema.diff import diff
from sendoka.schema.from_catalog import model_from_catalog
from sendoka.schema.from_snapshot import model_from_snapshot, snapshot_of
from sendoka.schema.model import Model
from sendoka.schema.plan import plan
from tests.schemas.values import columns_of, empty, kept, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from sendoka.schema.diff import Changes
    from sendoka.schema.kinds.table import Table
    from sendoka.schema.renaming import Renaming
    from sendoka.schema.step import Plan
    from tests.schemas.session import Session

__all__ = ["Way", "built", "changed", "sql_of", "way"]

OF_ROWS: dict[type[psycopg.Error], tuple[str, ...]] = {
    errors.NotNullViolation: ("not-null", "constrain-domain", "add-primary-key"),
    errors.UniqueViolation: ("add-unique", "add-primary-key", "add-index", "change-type"),
    errors.CheckViolation: ("add-check", "validate", "constrain-domain", "attach", "change-type"),
    errors.ForeignKeyViolation: ("add-foreign-key", "validate", "drop-table"),
    errors.ExclusionViolation: ("add-exclusion",),
    errors.DataError: ("change-type", "drop-enum-value", "not-null"),
}
"""What rows can make fail, and the hazards of which one must have said so."""


class Way(NamedTuple):
    """What leads from one schema to another, every answer given."""

    renaming: Renaming
    changes: Changes
    plan: Plan


def sql_of(plan: Plan) -> str:
    """Return the statements of a plan, to be read by a person."""
    return "\n".join("".join(f"-- {each.flag}\n" for each in step.hazards) + f"{step.text};" for step in plan.steps)


def is_foretold(error: psycopg.Error, plan: Plan) -> bool:
    """Tell whether a hazard of the plan said that rows may make it fail so."""
    names = {name for kind, names in OF_ROWS.items() if isinstance(error, kind) for name in names}
    return any(hazard.name in names for hazard in plan.hazards)


def way(old: Model, new: Model, answers: Sequence[str] = ()) -> Way:
    """Return the way between two schemas; `answers` are its renames, `old=new`."""
    renaming = read_renames(answers, old, new)
    changes = diff(old, new, renaming)
    steps = plan(changes)
    return Way(renaming, changes, answered(steps, changes, {hazard.flag for hazard in steps.hazards if hazard.asks}))


async def built(beside: Session, model: Model) -> Model:
    """Return a schema as an empty database reads it once it was built there; nothing stays."""
    with beside.undone():
        for transaction in plan(diff(Model(), model)).transactions:
            for step in transaction.steps:
                beside.execute(step.text)
        return await model_from_catalog(beside)


async def at_rest(beside: Session, model: Model) -> Model:
    """Return a schema as Postgres spells it once it has read its own spelling."""
    for _ in range(5):
        again = await built(beside, model)
        if again == model:
            return model
        model = again
    return model


async def changed(here: Session, beside: Session, old: Model, new: Model, answers: Sequence[str]) -> tuple[Model, bool]:
    """Change a database that has the schema `old` and rows; return the schema it has then, and whether rows forbade it.

    If they do, which a hazard must have said, it is done without them. `beside` is empty, and is empty again. Raises
    AssertionError, or what Postgres says, with the plan as a note, where what comes out is not what should.
    """
    found = way(old, new, answers)
    try:
        try:
            return await _change(here, beside, old, new, found), False
        except tuple(OF_ROWS) as error:
            if not is_foretold(error, found.plan):
                raise
        empty(here, old)
        # Whatever was committed meanwhile is there.
        now = await model_from_catalog(here)
        found = found if now == old else way(now, new)
        return await _change(here, beside, now, new, found), True
    except Exception as error:
        error.add_note(sql_of(found.plan))
        raise


async def _change(here: Session, beside: Session, old: Model, new: Model, found: Way) -> Model:
    columns, rows = kept(here, old, new, found.renaming, found.plan)
    here.apply(found.plan)
    after = await model_from_catalog(here)
    await _same_schema(beside, after, new)
    for key, before in rows.items():
        table: Table = after.objects[key]  # type: ignore[assignment]
        listed = dict.fromkeys(columns.get(key, ()), "")
        assert {each.name for each in columns_of(table, after)} >= listed.keys()
        assert rows_of(here, table, listed, {}) == before, f"the rows of {key} are others"
    return after


async def _same_schema(beside: Session, after: Model, new: Model) -> None:
    """Fail where two schemas differ once they are spelled alike, or a plan is left, or the snapshot is another."""
    if after != new:
        one, other = await at_rest(beside, after), await at_rest(beside, new)
        others = [
            f"{each} in place of {other.objects.get(each.id)}" for each in one if other.objects.get(each.id) != each
        ]
        lacking = [str(each.id) for each in other if each.id not in one]
        assert (others, lacking) == ([], []), f"it comes out otherwise: {others}, without {lacking}"
        assert way(one, other).plan.steps == ()
    assert way(after, after).plan.steps == ()
    assert model_from_snapshot(snapshot_of(after), "snapshot") == after
