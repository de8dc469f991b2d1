"""Enums as Python declares them, and what becomes of their changes."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from sendoka.errors import AnswerMissing, SchemaError, SettingsError
from sendoka.schema import Enum, declare
from sendoka.schema.decisions import answered, read_renames
from sendoka.schema.diff import diff
from sendoka.schema.from_python import model_from_tables
from sendoka.schema.from_snapshot import model_from_snapshot, snapshot_of
from sendoka.schema.kinds.column import Column
from sendoka.schema.model import Id, Model
from sendoka.schema.plan import plan

if TYPE_CHECKING:
    from sendoka.schema.step import Plan


class Mood(enum.Enum):
    """An enum of Python's."""

    SAD = "sad"
    OK = "ok"


def _read(*types: Any, schema: str | None = None, declared: tuple[Any, ...] = ()) -> Model:
    metadata = sa.MetaData(schema=schema)
    declare(metadata, *declared)
    columns = [sa.Column(f"c{number}", each) for number, each in enumerate(types)]
    return model_from_tables([sa.Table("t", metadata, *columns)])


def _of(*labels: str, name: str = "mood", **options: Any) -> Model:
    return _read(sa.Enum(*labels, name=name, **options))


def _types(model: Model) -> list[str]:
    return [column.type for column in model.all(Column)]


# ------------------------------------------------------------------ reading


@pytest.mark.parametrize(
    ("declared", "spelled"),
    [
        (sa.Enum("a", "b", name="mood"), "public.mood"),
        (sa.Enum("a", "b", name="Mood", schema="other"), 'other."Mood"'),
        (pg.ENUM("a", "b", name="mood"), "public.mood"),
        (sa.ARRAY(sa.Enum("a", "b", name="mood")), "public.mood[]"),
        (pg.ARRAY(sa.Enum("a", "b", name="mood"), dimensions=2), "public.mood[]"),
    ],
)
def test_an_enum_s_column_has_its_type_and_the_schema_has_the_enum(declared: Any, spelled: str) -> None:
    model = _read(declared)
    assert _types(model) == [spelled]
    assert [(each.name.lower(), each.values) for each in model.all(Enum)] == [("mood", ("a", "b"))]


def test_an_enum_of_python_has_its_names_as_values_unless_it_says_otherwise() -> None:
    by_value = sa.Enum(Mood, name="by_value", values_callable=lambda of: [each.value for each in of])
    assert {each.name: each.values for each in _read(sa.Enum(Mood), by_value).all(Enum)} == {
        "by_value": ("sad", "ok"),
        "mood": ("SAD", "OK"),
    }


def test_an_enum_stands_in_its_metadata_s_namespace_where_it_says_so() -> None:
    metadata = sa.MetaData(schema="billing")
    mood = sa.Enum("a", name="mood", metadata=metadata)
    model = model_from_tables([sa.Table("t", metadata, sa.Column("m", mood))])
    assert _types(model) == ["billing.mood"]
    assert Id("enum", "billing", "", "mood") in model


def test_one_enum_in_many_columns_is_one_and_a_comment_may_be_declared_besides() -> None:
    mood = sa.Enum("a", name="mood")
    said = Enum(name="mood", values=("a",), comment="how it goes")
    assert _read(mood, mood, declared=(said, sa.Enum("x", name="alone"))).all(Enum) == [
        Enum(name="alone", values=("x",)),
        said,
    ]


@pytest.mark.parametrize(
    ("types", "said"),
    [
        ([sa.Enum("a", name="m"), sa.Enum("b", name="m")], "the enum m is declared with other values elsewhere"),
        ([sa.Enum("a" * 64, name="m")], "64 bytes"),
        ([sa.Enum("a", name="m" * 64)], "64 bytes"),
        ([sa.Enum("a\0", name="m")], "cannot be the name of a value of the enum m"),
    ],
)
def test_an_enum_that_cannot_be_is_refused(types: list[Any], said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        _read(*types)


def test_an_enum_without_a_name_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"an enum needs a name.*\n?.*column t.c0"):
        _read(sa.Enum("a", "b"))


def test_a_snapshot_keeps_it() -> None:
    model = _of("a", "b")
    assert model_from_snapshot(snapshot_of(model), "snapshot") == model


# ------------------------------------------------------------------ changing


def _plan(old: Model, new: Model, *allow: str, renames: tuple[str, ...] = ()) -> Plan:
    changes = diff(old, new, read_renames(renames, old, new))
    return answered(plan(changes), changes, allow)


def _texts(found: Plan) -> list[list[str]]:
    return [
        [step.text.replace('"public".', "").replace('"', "") for step in transaction.steps]
        for transaction in found.transactions
    ]


def test_a_new_value_is_committed_before_anything_uses_it() -> None:
    old = _read(sa.Enum("a", name="mood"))
    new = _read(sa.Enum("a", "b", name="mood"), sa.Text)
    assert _texts(_plan(old, new)) == [["ALTER TYPE mood ADD VALUE 'b'"], ["ALTER TABLE t ADD COLUMN c1 text"]]


def test_a_value_that_goes_while_another_comes_is_asked_for() -> None:
    old, new = _of("sad", "ok"), _of("sorry", "ok")
    with pytest.raises(AnswerMissing) as raised:
        _plan(old, new)
    (question,) = raised.value.questions
    assert question["answers"] == [["--rename", "mood.sad=mood.sorry"], ["--allow", "drop-enum-value:mood.sad"]]
    renamed = _plan(old, new, renames=("mood.sad=sorry",))
    assert _texts(renamed) == [["ALTER TYPE mood RENAME VALUE 'sad' TO 'sorry'"]]
    assert renamed.renamed == ("enum-value mood.sad -> mood.sorry",)
    assert renamed.allowed == ()
    dropped = _plan(old, new, "drop-enum-value:mood.sad")
    assert dropped.allowed == ("drop-enum-value mood.sad",)


def test_an_enum_that_goes_while_another_comes_is_asked_for_and_its_column_with_it() -> None:
    old, new = _of("a", "b"), _of("a", "b", name="feeling")
    with pytest.raises(AnswerMissing) as raised:
        _plan(old, new)
    assert ["--rename", "mood=feeling"] in [answer for each in raised.value.questions for answer in each["answers"]]
    renamed = _plan(old, new, renames=("mood=feeling",))
    assert _texts(renamed) == [["ALTER TYPE mood RENAME TO feeling"]]


@pytest.mark.parametrize("answer", ["mood.b=mood.c", "mood.a=mood.b", "mood.a=feeling.c", "mood=t", "t=mood"])
def test_a_rename_that_fits_nothing_is_refused(answer: str) -> None:
    with pytest.raises(SettingsError, match="fits nothing"):
        _plan(_of("a", "b"), _of("c", "b"), renames=(answer,))


def test_a_table_and_an_enum_are_never_one_renamed_into_the_other() -> None:
    metadata = sa.MetaData()
    declare(metadata, Enum(name="other", values=("a",)))
    table = sa.Table("kept", metadata, sa.Column("a", sa.Text))
    old = model_from_tables([sa.Table("gone", sa.MetaData(), sa.Column("a", sa.Text))])
    with pytest.raises(SettingsError, match="fits nothing"):
        read_renames(["gone=other"], old, model_from_tables([table]))


def test_a_column_that_stops_using_a_dropped_enum_keeps_its_values() -> None:
    plan_ = _plan(_of("a"), _read(sa.Text()), "drop-enum:mood", "change-type:t.c0")
    assert _texts(plan_) == [["ALTER TABLE t ALTER COLUMN c0 TYPE text USING c0::text", "DROP TYPE mood"]]


def test_values_that_move_are_no_loss_and_one_that_goes_is_named() -> None:
    moved = _plan(_of("a", "b"), _of("b", "a"))
    assert [hazard.flag for hazard in moved.hazards] == ["rewrite:t.c0"]
    with pytest.raises(AnswerMissing, match="the value 'b' of mood is dropped"):
        _plan(_of("a", "b"), _of("a"))


def test_a_column_that_goes_with_its_enum_asks_for_itself() -> None:
    metadata = sa.MetaData()
    kept = model_from_tables([sa.Table("t", metadata, sa.Column("c1", sa.Text))])
    old = _read(sa.Enum("a", name="mood"), sa.Text())
    with pytest.raises(AnswerMissing) as raised:
        _plan(old, kept, "drop-enum:mood")
    assert "the column t.c0 is dropped with all its values" in str(raised.value)
