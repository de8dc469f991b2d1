"""Renames of every kind by answer: what is offered, what an answer does, and every way it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from sendoka.errors import AnswerMissing, SchemaError, SettingsError
from sendoka.schema import Namespace, Sequence, declare, function, view
from sendoka.schema.decisions import answered, read_renames
from sendoka.schema.declarations import Declarations
from sendoka.schema.diff import diff
from sendoka.schema.from_python import model_from
from sendoka.schema.model import Model
from sendoka.schema.plan import plan

if TYPE_CHECKING:
    from sendoka.schema.step import Plan


def _model(*declared: Any, renamed: dict[str, str] | None = None, **tables: list[Any]) -> Model:
    """Return a schema of tables, `a__t` being t in the namespace a, and of what is declared beside them."""
    metadata = sa.MetaData()
    for name, parts in tables.items():
        namespace, _, table = name.rpartition("__")
        sa.Table(table, metadata, *parts, schema=namespace or None)
    declare(metadata, *declared, renamed=renamed)
    return model_from(Declarations.of(metadata.tables.values(), [metadata]))


def _c(name: str, kind: Any = sa.Text, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, **options)


def _plan(old: Model, new: Model, *allow: str, renames: tuple[str, ...] = (), creates: tuple[str, ...] = ()) -> Plan:
    changes = diff(old, new, read_renames(renames, old, new, creates))
    return answered(plan(changes), changes, allow, creates)


def _texts(found: Plan) -> list[str]:
    return [step.text.replace('"public".', "").replace('"', "") for step in found.steps]


def _answers(old: Model, new: Model, *allow: str, creates: tuple[str, ...] = ()) -> list[list[list[str]]]:
    """Return the answers of each question."""
    with pytest.raises(AnswerMissing) as raised:
        _plan(old, new, *allow, creates=creates)
    return [each["answers"] for each in raised.value.questions]


F = "create function f(a int) returns int language sql immutable as 'select a'"
G = F.replace(" f(", " g(")

# ------------------------------------------------------------------ what is offered


def test_a_namespace_is_one_question_with_all_that_is_lost_with_it() -> None:
    old, new = _model(a__t=[_c("x")], a__u=[_c("y")]), _model(b__t=[_c("x")], b__u=[_c("y")])
    ((rename, loss),) = _answers(old, new)
    assert rename == ["--rename", "a=b"]
    assert set(loss[1::2]) == {"drop-namespace:a", "drop-table:a.t", "drop-table:a.u"}
    assert _texts(_plan(old, new, renames=("a=b",))) == ["ALTER SCHEMA a RENAME TO b"]


def test_a_table_that_comes_up_in_another_namespace_is_offered() -> None:
    old = _model(Namespace(name="other"), t=[_c("x"), _c("y", sa.Integer)])
    new = _model(other__t=[_c("x"), _c("y", sa.Integer)], other__v=[_c("z")])
    (answers,) = _answers(old, new)
    assert answers == [["--rename", "t=other.t"], ["--allow", "drop-table:t"]]
    found = _plan(old, new, renames=("t=other.t",))
    assert _texts(found)[0] == "ALTER TABLE t SET SCHEMA other"
    assert found.renamed == ("table t -> other.t",)
    assert found.steps[0].hazards[0].flag == "move-table:t"


def test_content_counts_for_more_than_the_name() -> None:
    columns = [("a", sa.Integer), ("b", sa.Text), ("c", sa.Uuid)]
    old = _model(users=[_c(name, kind) for name, kind in columns])
    new = _model(users2=[_c("z", sa.Date)], people=[_c(name, kind) for name, kind in columns])
    assert [each[1] for each in _answers(old, new)[0][:2]] == ["users=people", "users=users2"]


def test_columns_of_the_same_types_under_new_names_count_too() -> None:
    old = _model(users=[_c("a", sa.Integer), _c("b", sa.Uuid)])
    new = _model(aaa=[_c("x", sa.Date)], zzz=[_c("y", sa.Integer), _c("z", sa.Uuid)])
    assert _answers(old, new)[0][0] == ["--rename", "users=zzz"]


def test_a_function_is_offered_where_its_arguments_are_the_same() -> None:
    other = function(G.replace("a int", "a text"))
    old, new = _model(function(F)), _model(function(G), other)
    (answers,) = _answers(old, new)
    assert answers == [["--rename", '"f(integer)"="g(integer)"'], ["--allow", 'drop-function:"f(integer)"']]
    assert _texts(_plan(old, new, renames=("f(integer)=g(integer)",)))[0] == "ALTER FUNCTION f(integer) RENAME TO g"


def test_an_index_is_offered_only_where_the_rest_can_be_changed_in_place() -> None:
    old = _model(t=[_c("a"), _c("b"), sa.Index("i", "a", postgresql_with={"fillfactor": 70})])
    changed = _model(t=[_c("a"), _c("b"), sa.Index("j", "a", postgresql_with={"fillfactor": 80})])
    other = _model(t=[_c("a"), _c("b"), sa.Index("j", "b")])
    assert _answers(old, changed) == [[["--rename", "t.i=t.j"], ["--allow", "drop-index:t.i"]]]
    assert _texts(_plan(old, changed, renames=("t.i=t.j",))) == [
        "ALTER INDEX i RENAME TO j",
        "ALTER INDEX j SET (fillfactor=80)",
    ]
    assert _answers(old, other) == [[["--allow", "drop-index:t.i"]]]
    with pytest.raises(SettingsError, match="cannot be changed into the other in place, so index i is made anew"):
        _plan(old, other, renames=("t.i=t.j",))


def test_what_is_new_is_not_offered_and_the_drop_still_asks() -> None:
    old, new = _model(t=[_c("a"), _c("k")]), _model(t=[_c("b"), _c("k"), _c("c")])
    assert _answers(old, new, creates=("t.b",)) == [
        [["--rename", "t.a=t.c"], ["--allow", "drop-column:t.a"]],
    ]
    assert _answers(old, new, creates=("t.b", "column t.c")) == [[["--allow", "drop-column:t.a"]]]
    found = _plan(old, new, "drop-column:t.a", creates=("t.b", "t.c"))
    assert (found.created, found.allowed) == (("column t.b", "column t.c"), ("drop-column t.a",))


def test_a_value_of_an_enum_can_be_new_too() -> None:
    def moods(*values: str) -> Model:
        return _model(t=[_c("m", sa.Enum(*values, name="mood"))])

    (answers,) = _answers(moods("a", "b"), moods("a", "c"), creates=("mood.c",))
    assert answers == [["--allow", "drop-enum-value:mood.b"]]


def test_a_name_that_is_still_taken_is_neither_offered_nor_accepted() -> None:
    old, new = _model(view("v", "select 1 as a"), t=[_c("a")]), _model(v=[_c("a")])
    assert ["--rename", "t=v"] not in [answer for question in _answers(old, new) for answer in question]
    with pytest.raises(SettingsError, match="view v still has that name: let it go in a migration before this one"):
        _plan(old, new, renames=("t=v",))


# ------------------------------------------------------------------ what follows by itself


def test_a_serial_column_keeps_its_sequence_under_the_name_that_is_declared() -> None:
    key = sa.Integer
    old, new = _model(t=[_c("id", key, primary_key=True)]), _model(u=[_c("id", key, primary_key=True)])
    found = _plan(old, new, renames=("t=u",))
    assert _texts(found) == [
        "ALTER TABLE t RENAME TO u",
        "ALTER SEQUENCE t_id_seq RENAME TO u_id_seq",
        "ALTER TABLE u RENAME CONSTRAINT t_pkey TO u_pkey",
    ]
    assert found.renamed == ("table t -> u",)


def test_a_call_follows_only_where_all_routines_of_its_name_do() -> None:
    text = F.replace("a int", "a text").replace("select a", "select 1")

    def table(name: str) -> list[Any]:
        return [_c("a", sa.Integer), sa.CheckConstraint(f"{name}(a) > 0", name="c")]

    one = _plan(
        _model(function(F), t=table("f")),
        _model(function(G), t=table("g")),
        renames=("f(integer)=g(integer)",),
    )
    assert _texts(one) == ["ALTER FUNCTION f(integer) RENAME TO g"]
    two = _plan(
        _model(function(F), function(text), t=table("f")),
        _model(function(G), function(text), t=table("g")),
        renames=("f(integer)=g(integer)",),
    )
    assert "ALTER TABLE t DROP CONSTRAINT c" in _texts(two)


def test_a_sequence_moves_with_its_table_and_not_alone() -> None:
    def owned(namespace: str) -> Model:
        sequence = Sequence(name="s", namespace=namespace, owner=("t", "a"))
        if namespace == "public":
            return _model(sequence, Namespace(name="other"), t=[_c("a")])
        return _model(sequence, Namespace(name="other"), other__t=[_c("a")])

    assert _texts(_plan(owned("public"), owned("other"), renames=("t=other.t",))) == ["ALTER TABLE t SET SCHEMA other"]
    with pytest.raises(SettingsError, match="a sequence that goes with a column moves with its table"):
        _plan(owned("public"), owned("other"), renames=("s=other.s",))


# ------------------------------------------------------------------ answers that do not fit


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("t=gone", "nothing of that name went while the other came"),
        ("kept=v", "kept is still there"),
        ("t=kept", "kept was there before"),
        ("view t=u", "nothing of that name went"),
        ("index t=u", "nothing of that name went"),
        ("t", "nothing of that name went"),
    ],
)
def test_a_wrong_answer_says_why(answer: str, said: str) -> None:
    old, new = _model(t=[_c("a")], kept=[_c("a")]), _model(u=[_c("a")], v=[_c("b")], kept=[_c("a")])
    with pytest.raises(SettingsError, match=said) as raised:
        _plan(old, new, renames=(answer,))
    assert raised.value.exit_code == 2


def test_what_fits_two_kinds_must_say_which_and_the_flag_that_is_offered_does() -> None:
    old, new = _model(a__t=[_c("x")], a=[_c("x")]), _model(b__t=[_c("x")], b=[_c("x")])
    with pytest.raises(SettingsError, match="fits more than one thing\nsay which: 'namespace a=b' or 'table a=b'"):
        _plan(old, new, renames=("a=b",))
    offered = [question[0][1] for question in _answers(old, new)]
    assert offered == ["namespace a=b", "table a=b"]
    assert _texts(_plan(old, new, renames=tuple(offered))) == [
        "ALTER SCHEMA a RENAME TO b",
        "ALTER TABLE a RENAME TO b",
    ]


@pytest.mark.parametrize("name", ["t.a", "t.z", "z", "index t.b"])
def test_what_is_not_new_cannot_be_called_so(name: str) -> None:
    with pytest.raises(SettingsError, match="fits nothing: nothing new is called so"):
        _plan(_model(t=[_c("a")]), _model(t=[_c("a"), _c("b")]), creates=(name,))


def test_what_is_renamed_is_not_new() -> None:
    with pytest.raises(SettingsError, match="nothing new is called so"):
        _plan(_model(t=[_c("a")]), _model(t=[_c("b")]), renames=("t.a=t.b",), creates=("t.b",))


# ------------------------------------------------------------------ marks in the schema


def test_marks_answer_and_are_kept_as_answers_are() -> None:
    old = _model(view("v", "select 1 as a"), widgets=[_c("body")], s__things=[_c("a")])
    table = sa.Table(
        "gadgets", sa.MetaData(), _c("text", info={"renamed_from": "body"}), info={"renamed_from": "widgets"}
    )
    other = sa.Table("items", table.metadata, _c("a"), schema="s", info={"renamed_from": "things"})
    declare(table.metadata, view("w", "select 1 as a"), renamed={"v": "w"})
    new = model_from(Declarations.of([table, other]))
    found = _plan(old, new)
    assert set(found.renamed) == {
        "table widgets -> gadgets",
        "column gadgets.body -> gadgets.text",
        "table s.things -> s.items",
        "view v -> w",
    }
    assert len(found.steps) == 4
    assert not diff(new, new, read_renames((), new, new)), "a mark stays in the code, and says nothing once it is done"


def test_an_answer_goes_before_a_mark() -> None:
    old, new = _model(t=[_c("a"), _c("k")]), _model(t=[_c("b", info={"renamed_from": "a"}), _c("c"), _c("k")])
    assert _plan(old, new).renamed == ("column t.a -> t.b",)
    assert _plan(old, new, renames=("t.a=t.c",)).renamed == ("column t.a -> t.c",)
    assert _plan(old, new, "drop-column:t.a", creates=("t.b",)).renamed == ()


def test_a_mark_that_cannot_be_done_says_nothing() -> None:
    old, new = _model(t=[_c("a"), sa.Index("i", "a")]), _model(t=[_c("a"), sa.Index("j", "a", unique=True)])
    marked = Model.of(new, marks=("t.i=t.j", "nonsense", "x=y=z"))
    assert _texts(_plan(old, marked, "drop-index:t.i"))[0] == "DROP INDEX i"


@pytest.mark.parametrize("value", [5, "", None])
def test_a_mark_that_is_no_name_is_refused(value: object) -> None:
    with pytest.raises(SchemaError, match=r"is no name\nin column t\.b"):
        _model(t=[_c("b", info={"renamed_from": value})])
