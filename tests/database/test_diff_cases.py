"""Every pair of schemas in `tests/cases`, changed into each other on a real Postgres, forwards and backwards."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendoka import neon
from sendoka.database import Statement
from sendoka.discover import forget
from sendoka.schema.decisions import answered, read_renames
from sendoka.schema.diff import diff
from sendoka.schema.from_catalog import model_from_catalog
from sendoka.schema.from_python import model_from_folder
from sendoka.schema.from_snapshot import model_from_snapshot, snapshot_of
from sendoka.schema.kinds import all_kinds, kind_of
from sendoka.schema.kinds.check import Check
from sendoka.schema.model import Model
from sendoka.schema.plan import plan
from sendoka.schema.to_python import source_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sendoka.database import Database
    from sendoka.local.server import Server
    from sendoka.schema.step import Plan, Step
    from tests.fixtures.postgres import Supply

CASES = Path(__file__).parent.parent / "cases"
FOLDERS = sorted(path.parent for path in CASES.glob("*/*/new.sql"))


@pytest.fixture
async def two(server: Server, databases: Supply, database: str) -> AsyncIterator[tuple[Database, Database]]:
    """Two empty databases."""
    second = databases.take()
    async with neon(server.connection_string(database)) as left, neon(server.connection_string(second)) as right:
        yield left, right
    databases.give_back(second)


@pytest.mark.parametrize("case", FOLDERS, ids=lambda path: f"{path.parent.name}/{path.name}")
async def test_the_plan_leads_from_one_schema_to_the_other_and_back(
    case: Path, two: tuple[Database, Database], tmp_path: Path
) -> None:
    one, other = two
    before, after = ((case / name).read_text(encoding="utf-8") for name in ("old.sql", "new.sql"))
    old, new = await asyncio.gather(_built(one, before), _built(other, after))
    assert (old.unmanaged, new.unmanaged) == ((), ())

    assert read_back(old, tmp_path / "old") == ()
    assert read_back(new, tmp_path / "new") == ()

    renames = _renames(case)
    back = ["=".join(reversed(each.split("="))) for each in renames]
    await asyncio.gather(_change(one, old, new, renames), _change(other, new, old, back))
    _compare_with_file(case / "plan.sql", _plan(old, new, renames))


def read_back(model: Model, folder: Path) -> tuple[Step, ...]:
    """Write a schema as Python, read that again and return what leads back: nothing, and no Postgres is asked."""
    folder.mkdir()
    for name, text in source_of(model).files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    try:
        return plan(diff(model_from_folder(folder), model)).steps
    finally:
        forget(folder)


def _renames(case: Path) -> list[str]:
    """Return the answers that a case gives, one a line: `old=new`."""
    file = case / "renames"
    return file.read_text(encoding="utf-8").split("\n")[:-1] if file.exists() else []


async def _change(database: Database, old: Model, new: Model, renames: Sequence[str]) -> None:
    """Change a database from `old` to `new`; what comes out is the same as what was built so, and has no plan left."""
    transactions = _plan(old, new, renames).transactions
    assert transactions, "the change was not seen"
    for transaction in transactions:
        await database.run_all([Statement(step.text) for step in transaction.steps])
    after = await model_from_catalog(database)
    if after != new:
        new = await _respelled(database, after, new)
    assert after == new
    assert _plan(after, new).steps == ()
    assert model_from_snapshot(snapshot_of(after), "snapshot") == after


async def _respelled(database: Database, after: Model, new: Model) -> Model:
    """Return `new` with each check spelled as Postgres spells it once it has read its own spelling.

    That is not always a fixed point: `in ('x', 'y')` on a varchar is spelled in one way when it is first read and in
    another when that is read again.
    """
    (check,) = (check for check in new.all(Check) if after.objects.get(check.id) != check)
    kind, again = kind_of(check), replace(check, name="again")
    await database.run_all([Statement(step.text) for step in kind.create(again, ())])
    read = await model_from_catalog(database)
    await database.run(Statement(kind.drop(again)))
    (spelled,) = (each.expression for each in read.all(Check) if each.name == "again")
    return Model.of(replace(check, expression=spelled) if each is check else each for each in new)


def test_every_kind_has_cases() -> None:
    assert {folder.parent.name for folder in FOLDERS} == {kind.name for kind in all_kinds()}


async def _built(database: Database, text: str) -> Model:
    statements = [part for part in text.split(";\n") if part.strip()]
    await database.run_all([Statement(part) for part in statements])
    return await model_from_catalog(database)


def _plan(old: Model, new: Model, renames: Sequence[str] = ()) -> Plan:
    """Plan with every answer given: cases are about what happens then."""
    changes = diff(old, new, read_renames(renames, old, new))
    steps = plan(changes)
    return answered(steps, changes, {hazard.flag for hazard in steps.hazards if hazard.asks})


def _compare_with_file(file: Path, found: Plan) -> None:
    """Compare statements and hazards with what was reviewed; `SENDOKA_ACCEPT=1` writes what there is now."""
    text = "\n-- the next transaction\n\n".join(_written(transaction.steps) for transaction in found.transactions)
    if os.environ.get("SENDOKA_ACCEPT") == "1":
        file.write_text(text, encoding="utf-8", newline="\n")
    assert file.read_text(encoding="utf-8") == text


def _written(steps: Sequence[Step]) -> str:
    return "\n".join(
        "".join(f"-- {'asks' if each.asks else 'hazard'}: {each.flag}\n" for each in step.hazards) + step.text + ";\n"
        for step in steps
    )
