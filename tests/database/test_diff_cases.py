"""Every pair of schemas in `tests/cases`, changed into each other on a real Postgres, forwards and backwards.

Tables have rows, those of the case's `rows.sql` and some made from the types of their columns, and whatever values no
hazard of the plan names are there afterwards. A case that needs a newer Postgres says so in a file `since`: `18`. One
with a file `one-way`, which says why, is not changed back.
"""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendoka.discover import forget
from sendoka.schema.diff import diff
from sendoka.schema.from_python import model_from_folder
from sendoka.schema.kinds import all_kinds
from sendoka.schema.kinds.collation import Collation
from sendoka.schema.kinds.index import Index
from sendoka.schema.kinds.table import Table
from sendoka.schema.model import Model
from sendoka.schema.plan import plan
from sendoka.schema.spelling import differences
from sendoka.schema.to_python import source_of
from tests.schemas.beside import goes_beside
from tests.schemas.changing import way

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.schema.step import Plan, Step
    from tests.schemas.bench import Bench

CASES = Path(__file__).parent.parent / "cases"
FOLDERS = sorted(path.parent for path in CASES.glob("*/*/new.sql"))
ALONE: dict[Path, set[tuple[str, str]]] = {}
"""The properties, (kind, name), that the cases which ran change alone in some object."""


NAMES: set[object] = {"name", "namespace", "table", ("grant", "on"), ("grant", "target"), ("grant", "column")}
"""What an object is told from others by: with another one it is another object. A grant has no comment either."""
NAMES |= {("grant", "comment")}
NAMES |= {("collation", "rules")}  # only a Postgres from 16 that was built with ICU knows them


@pytest.fixture
def bench_for(request: pytest.FixtureRequest, bench: Bench, case: Path) -> Bench:
    """The run's PostgreSQL, or the newest for a case that needs it."""
    return _able(bench, case, request)


def _able(bench: Bench, case: Path, request: pytest.FixtureRequest) -> Bench:
    since = case / "since"
    if not since.exists() or int(since.read_text(encoding="utf-8")) <= bench.server.version:
        return bench
    newest: Bench = request.getfixturevalue("newest_bench")
    return newest


@pytest.mark.parametrize("case", FOLDERS, ids=lambda path: f"{path.parent.name}/{path.name}")
async def test_the_plan_leads_from_one_schema_to_the_other_and_back(
    case: Path, bench_for: Bench, tmp_path: Path
) -> None:
    before, after = _texts(case)
    old, new = await bench_for.read(before), await bench_for.read(after)
    assert (old.unmanaged, new.unmanaged) == ((), ())

    both_ways = not (case / "one-way").exists()
    for model, name in ((old, "old"), (new, "new")):
        if not any(each.invalid for each in model.all(Index)):  # nobody declares one
            assert read_back(model, tmp_path / name) == ()

    renames = _renames(case)
    back = ["=".join(reversed(each.split("="))) for each in renames]
    ALONE[case] = _alone(old, new)
    assert way(old, new, renames).plan.transactions, "the change was not seen"
    goes_beside(old, new, renames)
    await _change(bench_for, case, before, old, new, renames)
    if both_ways:
        goes_beside(new, old, back)
        assert way(new, old, back).plan.transactions, "the change back was not seen"
        await _change(bench_for, case, after, new, old, back)
    _compare_with_file(case / "plan.sql", way(old, new, renames).plan)


async def _change(bench: Bench, case: Path, sql: str, old: Model, new: Model, renames: Sequence[str]) -> None:
    file = case / "rows.sql"
    rows = file.read_text(encoding="utf-8") if file.exists() else ""
    filled = await bench.change(sql, old, new, renames, rows)
    assert rows or filled or not _fillable(old), "no table took a row; write some in rows.sql"


def _texts(case: Path) -> list[str]:
    return [(case / name).read_text(encoding="utf-8") for name in ("old.sql", "new.sql")]


def _fillable(model: Model) -> list[Table]:
    """Return the tables that can have rows: a partition has those of its table."""
    return [each for each in model.all(Table) if each.partition_of is None]


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


def _alone(old: Model, new: Model) -> set[tuple[str, str]]:
    """Return what of an object a case changes alone. That the change is planned shows what comes out of the plan."""
    pairs = ((each, new.objects[key]) for key, each in old.objects.items() if key in new)
    found = ((one.kind, differences(one, other)) for one, other in pairs)
    bare = ((kind, changed - _part_of(changed)) for kind, changed in found)
    return {(kind, *changed) for kind, changed in bare if len(changed) == 1}  # type: ignore[misc]


def _part_of(changed: frozenset[str]) -> frozenset[str]:
    """Return what changes with another property that is a part of it: a routine's definition holds its header."""
    return frozenset({"definition"}) if "header" in changed else frozenset()


def test_every_kind_has_cases() -> None:
    assert {folder.parent.name for folder in FOLDERS} == {kind.name for kind in all_kinds()}


async def test_every_property_of_every_kind_is_changed_alone_by_a_case(
    bench: Bench, request: pytest.FixtureRequest
) -> None:
    for case in FOLDERS:
        if case not in ALONE:
            able = _able(bench, case, request)
            old, new = [await able.read(text) for text in _texts(case)]
            ALONE[case] = _alone(old, new)
    properties = {
        (kind.name, each.name)
        for kind in all_kinds()
        for each in fields(kind.holds)
        if each.compare
        if not {each.name, (kind.name, each.name)} & NAMES
    }
    assert sorted(properties - {each for found in ALONE.values() for each in found}) == []


def test_the_rules_of_a_collation_change() -> None:
    old, new = (Collation(name="c", provider="icu", locale="und", rules=each) for each in ("&V < w", "&V << w"))
    found = way(Model.of([old]), Model.of([new]))
    assert [each.changed for each in found.changes.altered] == [{"rules"}]
    assert any("rules = '&V << w'" in step.text for step in found.plan.steps)
    assert way(Model.of([old]), Model.of([old])).plan.steps == ()


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
