"""What a change becomes: renames that were answered, questions that were not, hazards by name, and the order."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
import sqlalchemy as sa

from sendoka.errors import AnswerMissing, SettingsError
from sendoka.schema.decisions import answered, read_renames
from sendoka.schema.diff import diff
from sendoka.schema.from_python import model_from_tables
from sendoka.schema.kind import Renaming
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.namespace import Namespace
from sendoka.schema.kinds.table import Table
from sendoka.schema.model import Id, Model
from sendoka.schema.plan import plan
from sendoka.schema.step import Plan


def _model(**tables: list[Any]) -> Model:
    """Return a schema of tables, each with a key and these parts."""
    metadata = sa.MetaData()
    for name, parts in tables.items():
        sa.Table(name, metadata, sa.Column("id", sa.Text, primary_key=True), *parts)
    return model_from_tables(metadata.tables.values())


def _plan(old: Model, new: Model, *allow: str, renames: tuple[str, ...] = ()) -> Plan:
    changes = diff(old, new, read_renames(renames, old, new))
    return answered(plan(changes), changes, allow)


def _texts(found: Plan) -> list[str]:
    return [step.text.replace('"public".', "").replace('"', "") for step in found.steps]


def _c(name: str, kind: Any = sa.Text, *more: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, *more, **options)


# ------------------------------------------------------------------ renames


def test_a_column_renamed_by_answer_keeps_its_data_and_its_dependants() -> None:
    def messages(body: str) -> list[Any]:
        return [
            _c(body),
            sa.UniqueConstraint(body, name=f"messages_{body}_key"),
            sa.CheckConstraint(f"{body} <> 'body'", name="filled"),
            sa.Index(f"messages_{body}_idx", sa.text(f"lower({body})")),
        ]

    found = _plan(
        _model(messages=messages("body")), _model(messages=messages("text")), renames=("messages.body=messages.text",)
    )
    assert _texts(found) == [
        "ALTER TABLE messages RENAME COLUMN body TO text",
        "ALTER TABLE messages RENAME CONSTRAINT messages_body_key TO messages_text_key",
        "ALTER INDEX messages_body_idx RENAME TO messages_text_idx",
    ]
    assert found.renamed == ("column messages.body -> messages.text",)
    assert found.allowed == ()


def test_a_table_renamed_by_answer_takes_its_parts_and_those_that_point_at_it_along() -> None:
    old = _model(widgets=[_c("a")], parts=[_c("widget_id", sa.Text, sa.ForeignKey("widgets.id"))])
    new = _model(gadgets=[_c("b")], parts=[_c("widget_id", sa.Text, sa.ForeignKey("gadgets.id"))])
    found = _plan(old, new, renames=("widgets=gadgets", "widgets.a=b"))
    assert _texts(found) == [
        "ALTER TABLE widgets RENAME TO gadgets",
        "ALTER TABLE gadgets RENAME COLUMN a TO b",
        "ALTER TABLE gadgets RENAME CONSTRAINT widgets_pkey TO gadgets_pkey",
    ]
    assert found.renamed == ("table widgets -> gadgets", "column gadgets.a -> gadgets.b")
    assert _texts(_plan(old, new, renames=("gadgets.a=gadgets.b", "widgets=gadgets"))) == _texts(found)


def test_two_columns_can_be_renamed_and_one_changed_at_once() -> None:
    old = _model(t=[_c("a"), _c("b", sa.Integer)])
    new = _model(t=[_c("x"), _c("y", sa.BigInteger)])
    assert _texts(_plan(old, new, renames=("t.a=x", "t.b=y"))) == [
        "ALTER TABLE t RENAME COLUMN a TO x",
        "ALTER TABLE t RENAME COLUMN b TO y",
        "ALTER TABLE t ALTER COLUMN y TYPE bigint USING y::bigint",
    ]


def test_a_constraint_of_another_name_alone_is_renamed_without_a_question() -> None:
    old = _model(t=[_c("a"), sa.Index("one", "a"), sa.CheckConstraint("a <> ''", name="c1")])
    new = _model(t=[_c("a"), sa.Index("two", "a"), sa.CheckConstraint("a <> ''", name="c2")])
    assert _texts(_plan(old, new)) == ["ALTER TABLE t RENAME CONSTRAINT c1 TO c2", "ALTER INDEX one RENAME TO two"]


@pytest.mark.parametrize(
    "text",
    ["t.a", "a=b", "t.a=t.gone", "t.gone=t.b", "t.id=t.b", "t.a=u.b", "t=v", "u=t", "t.a=t.b=", ""],
)
def test_a_rename_that_fits_nothing_is_an_error(text: str) -> None:
    old, new = _model(t=[_c("a")], u=[]), _model(t=[_c("b")], u=[_c("b")])
    with pytest.raises(SettingsError, match="fits nothing"):
        read_renames([text], old, new)


def test_one_thing_is_renamed_once() -> None:
    old, new = _model(t=[_c("a"), _c("b")]), _model(t=[_c("x"), _c("y")])
    for texts in (["t.a=x", "t.a=y"], ["t.a=x", "t.b=x"]):
        with pytest.raises(SettingsError, match="renamed already"):
            read_renames(texts, old, new)
    with pytest.raises(SettingsError, match="renamed already"):
        read_renames(["t=v", "u=v"], _model(t=[], u=[]), _model(v=[]))


def test_a_name_with_signs_can_be_answered_for() -> None:
    old, new = _model(t=[_c("a=b.c")]), _model(t=[_c("line\nbreak")])
    found = _plan(old, new, renames=(r't."a=b.c"=t."line\nbreak"',))
    assert found.renamed == (r'column t."a=b.c" -> t."line\nbreak"',)
    assert found.steps[0].text.endswith('RENAME COLUMN "a=b.c" TO "line\nbreak"')


def test_what_is_of_any_kind_is_renamed_by_its_id_in_the_order_of_ranks() -> None:
    def model(namespace: str, table: str, column: str, index: str) -> Model:
        metadata = sa.MetaData()
        owner = sa.Table(table, metadata, _c(column, sa.Text, primary_key=True), schema=namespace)
        sa.Index(index, owner.c[column].desc())
        sa.Table("u", metadata, _c("t_id", sa.Text, sa.ForeignKey(owner.c[column], name="points")), schema=namespace)
        owner.primary_key.name = "key"
        return model_from_tables(metadata.tables.values())

    names = {
        Id("index", "old", "t", "i"): "j",
        Id("column", "old", "t", "a"): "b",
        Id("table", "old", "", "t"): "s",
        Id("namespace", "", "", "old"): "new",
    }
    changes = diff(model("old", "t", "a", "i"), model("new", "s", "b", "j"), Renaming(names))
    found = plan(changes)
    assert _texts(found) == [
        "ALTER SCHEMA old RENAME TO new",
        "ALTER TABLE new.t RENAME TO s",
        "ALTER TABLE new.s RENAME COLUMN a TO b",
        "ALTER INDEX new.i RENAME TO j",
    ]
    assert found.renamed == (
        "namespace old -> new",
        "table new.t -> new.s",
        "column new.s.a -> new.s.b",
        "index new.s.i -> new.s.j",
    )


# ------------------------------------------------------------------ questions


def test_a_column_that_may_be_renamed_asks_and_lists_the_exact_flags() -> None:
    old = _model(messages=[_c("body"), _c("size", sa.Integer)])
    new = _model(messages=[_c("size", sa.Integer), _c("count", sa.Integer), _c("text")])
    with pytest.raises(AnswerMissing) as raised:
        _plan(old, new)
    assert raised.value.exit_code == 4
    assert raised.value.todo == (
        "answer with: --rename messages.body=messages.text"
        ", or both --rename messages.body=messages.count --allow change-type:messages.count"
        ", or --allow drop-column:messages.body"
    )
    assert "the column messages.body is dropped with all its values" in str(raised.value)


def test_a_table_that_may_be_renamed_asks_with_the_likeliest_first() -> None:
    old = _model(widgets=[_c("color"), _c("size")])
    new = _model(aaa=[], gadgets=[_c("color"), _c("size")])
    with pytest.raises(AnswerMissing) as raised:
        _plan(old, new)
    assert raised.value.todo.startswith("answer with: --rename widgets=gadgets, or --rename widgets=aaa, or --allow")


def _asked(old: Model, new: Model, *allow: str) -> AnswerMissing:
    with pytest.raises(AnswerMissing) as raised:
        _plan(old, new, *allow)
    return raised.value


@pytest.mark.parametrize(
    ("old", "new", "todo"),
    [
        (  # no answer is refused again: the new column stays NOT NULL where the old one is not its source
            [_c("a", nullable=False)],
            [_c("b", nullable=False)],
            "answer with: --rename t.a=t.b, or both --allow drop-column:t.a --allow not-null:t.b",
        ),
        (
            [_c("a", nullable=False)],
            [_c("b", nullable=False), _c("x", nullable=False)],
            (
                "answer with: both --rename t.a=t.b --allow not-null:t.x, or both --rename t.a=t.x --allow not-null:t.b"
                ", or all of --allow drop-column:t.a --allow not-null:t.b --allow not-null:t.x"
            ),
        ),
        (  # what two drops may be the source of is a question of its own
            [_c("a", nullable=False), _c("b", nullable=False)],
            [_c("x", nullable=False)],
            (
                "answer with: --rename t.a=t.x, or --allow drop-column:t.a\n"
                "and with: --rename t.b=t.x, or --allow drop-column:t.b\n"
                "and with: --rename t.a=t.x, or --rename t.b=t.x, or --allow not-null:t.x"
            ),
        ),
        ([_c("a b")], [], "answer with: --allow 'drop-column:t.\"a b\"'"),
    ],
)
def test_each_answer_names_every_flag_that_it_needs(old: list[Any], new: list[Any], todo: str) -> None:
    before, after = _model(t=old), _model(t=new)
    error = _asked(before, after)
    assert error.todo == todo
    for answer in error.questions[0]["answers"] if len(error.questions) == 1 else ():
        given = list(zip(answer[::2], answer[1::2], strict=True))
        allow = [value for flag, value in given if flag == "--allow"]
        renames = tuple(value for flag, value in given if flag == "--rename")
        assert _plan(before, after, *allow, renames=renames).steps


def test_questions_are_data_too_and_what_is_allowed_already_is_not_asked() -> None:
    old, new = [_c("a", nullable=False), _c("z")], [_c("b", nullable=False), _c("z", nullable=False)]
    error = _asked(_model(t=old), _model(t=new), "not-null:t.z")
    (question,) = error.questions
    assert question["question"].startswith("the column t.a is dropped with all its values; rows that t may have get no")
    assert question["answers"] == [["--rename", "t.a=t.b"], ["--allow", "drop-column:t.a", "--allow", "not-null:t.b"]]
    assert pickle.loads(pickle.dumps(error)).questions == error.questions


@pytest.mark.parametrize(
    ("old", "new", "flag"),
    [
        ([_c("a")], [], "drop-column:t.a"),
        ([], [_c("a", nullable=False)], "not-null:t.a"),
        ([_c("a")], [_c("a", nullable=False)], "not-null:t.a"),
        ([_c("a")], [_c("a", sa.Integer)], "change-type:t.a"),
        ([_c("a", sa.String(9))], [_c("a", sa.String(5))], "change-type:t.a"),
        ([_c("a"), sa.Index("i", "a")], [_c("a")], "drop-index:t.i"),
        ([_c("a", unique=True)], [_c("a")], "drop-unique:t.t_a_key"),
        ([sa.CheckConstraint("true", name="c")], [], "drop-check:t.c"),
        ([_c("a", sa.Text, sa.ForeignKey("t.id"))], [_c("a")], "drop-foreign-key:t.t_a_fkey"),
    ],
)
def test_what_may_lose_something_asks_by_name_and_the_answer_is_kept(old: list[Any], new: list[Any], flag: str) -> None:
    before, after = _model(t=old), _model(t=new)
    with pytest.raises(AnswerMissing, match=f"--allow {flag}"):
        _plan(before, after)
    found = _plan(before, after, flag)
    assert found.allowed == (flag.replace(":", " ", 1),)
    assert len(found.steps) == 1
    assert "CASCADE" not in found.steps[0].text


def test_not_null_tells_the_ways_that_need_no_allowance() -> None:
    with pytest.raises(AnswerMissing, match="give it a server default, or add it nullable and fill it with a backfill"):
        _plan(_model(t=[]), _model(t=[_c("a", nullable=False)]))


def test_a_new_table_asks_nothing() -> None:
    found = _plan(Model(), _model(t=[_c("a", nullable=False), sa.Index("i", "a"), sa.CheckConstraint("a <> ''")]))
    assert found.hazards == ()


@pytest.mark.parametrize(
    ("old", "new", "flag"),
    [
        ([], [_c("a", server_default=sa.text("gen_random_uuid()"))], "rewrite:t.a"),
        ([_c("a", sa.Integer)], [_c("a", sa.BigInteger)], "rewrite:t.a"),
        ([_c("a")], [_c("a"), sa.Index("i", "a")], "add-index:t.i"),
        ([_c("a")], [_c("a", unique=True)], "add-unique:t.t_a_key"),
        ([_c("a")], [_c("a"), sa.CheckConstraint("a <> ''", name="c")], "add-check:t.c"),
        ([_c("a")], [_c("a", sa.Text, sa.ForeignKey("t.id"))], "add-foreign-key:t.t_a_fkey"),
    ],
)
def test_what_only_locks_or_takes_long_is_named_and_asks_nothing(old: list[Any], new: list[Any], flag: str) -> None:
    assert [hazard.flag for hazard in _plan(_model(t=old), _model(t=new)).hazards] == [flag]


@pytest.mark.parametrize("default", ["5", "now()", "'random()'", "'{}'::jsonb", "current_timestamp", "varchar(9) 'x'"])
def test_a_constant_or_steady_default_is_no_hazard(default: str) -> None:
    new = _model(t=[_c("a", nullable=False, server_default=sa.text(default))])
    assert _plan(_model(t=[]), new).hazards == ()


def test_what_goes_with_a_dropped_table_or_column_needs_no_answer_of_its_own() -> None:
    def parts() -> list[Any]:
        return [_c("a", unique=True), sa.Index("i", "a")]

    pointing = [_c("t_id", sa.Text, sa.ForeignKey("t.id"))]
    found = _plan(_model(t=parts(), u=pointing), _model(u=[_c("t_id")]), "drop-table:t")
    assert _texts(found) == ["ALTER TABLE u DROP CONSTRAINT u_t_id_fkey", "DROP TABLE t"]
    found = _plan(_model(t=parts()), _model(t=[]), "drop-column:t.a")
    assert _texts(found) == ["DROP INDEX i", "ALTER TABLE t DROP CONSTRAINT t_a_key", "ALTER TABLE t DROP COLUMN a"]


def test_an_allowance_that_fits_nothing_is_an_error() -> None:
    with pytest.raises(SettingsError, match=r"fits nothing in this plan\nit asks for: drop-column:t.a"):
        _plan(_model(t=[_c("a")]), _model(t=[]), "drop-column:t.a", "drop-column:t.b")


# ------------------------------------------------------------------ order


def test_tables_that_point_at_each_other_are_made_and_dropped() -> None:
    circle = _model(
        a=[_c("b_id", sa.Text, sa.ForeignKey("b.id"))], b=[_c("a_id", sa.Text, sa.ForeignKey("a.id", use_alter=True))]
    )
    made = _texts(_plan(Model(), circle))
    assert [text.split(" (")[0] for text in made] == [
        "CREATE TABLE a",
        "CREATE TABLE b",
        "ALTER TABLE a ADD CONSTRAINT a_b_id_fkey FOREIGN KEY",
        "ALTER TABLE b ADD CONSTRAINT b_a_id_fkey FOREIGN KEY",
    ]
    dropped = _texts(_plan(circle, Model(), "drop-table:a", "drop-table:b"))
    assert dropped == [
        "ALTER TABLE a DROP CONSTRAINT a_b_id_fkey",
        "ALTER TABLE b DROP CONSTRAINT b_a_id_fkey",
        "DROP TABLE a",
        "DROP TABLE b",
    ]


def test_a_namespace_comes_before_its_tables_and_goes_after_them() -> None:
    model = Model.of([Table(name="t", namespace="s"), Namespace(name="s")])
    assert _texts(_plan(Model(), model)) == ["CREATE SCHEMA s", "CREATE TABLE s.t ()"]
    assert _texts(_plan(model, Model(), "drop-table:s.t", "drop-namespace:s")) == ["DROP TABLE s.t", "DROP SCHEMA s"]


def test_a_default_is_down_while_the_type_changes() -> None:
    old = _model(t=[_c("a", sa.Integer, server_default=sa.text("5"))])
    new = _model(t=[_c("a", sa.Text, server_default="x")])
    assert [text.removeprefix("ALTER TABLE t ALTER COLUMN a ") for text in _texts(_plan(old, new))] == [
        "DROP DEFAULT",
        "TYPE text USING a::text",
        "SET DEFAULT 'x'",
    ]


def test_a_text_too_long_fails_instead_of_being_cut() -> None:
    """An explicit cast to varchar(5) would cut in silence; the assignment after a cast without a length does not."""
    shorter = _plan(_model(t=[_c("a", sa.String(9))]), _model(t=[_c("a", sa.String(5))]), "change-type:t.a")
    from_text = _plan(_model(t=[_c("a")]), _model(t=[_c("a", sa.String(5))]), "change-type:t.a")
    assert _texts(shorter) == ["ALTER TABLE t ALTER COLUMN a TYPE varchar(5)"]
    assert _texts(from_text) == ["ALTER TABLE t ALTER COLUMN a TYPE varchar(5) USING a::varchar"]


def test_a_changed_text_counts_as_a_change_and_the_plan_says_that_nobody_was_asked() -> None:
    old = _model(t=[sa.CheckConstraint("id <> ''", name="c")])
    new = _model(t=[sa.CheckConstraint("id<>''", name="c")])
    found = _plan(old, new)
    assert _texts(found) == ["ALTER TABLE t DROP CONSTRAINT c", "ALTER TABLE t ADD CONSTRAINT c CHECK (id<>'')"]
    assert found.notes == (
        "check t.c: the text of its expression changed; no Postgres was asked whether it means the same",
    )


def test_no_change_is_no_plan() -> None:
    assert _plan(_model(t=[_c("a")]), _model(t=[_c("a")])) == Plan()


@pytest.mark.parametrize(
    ("found", "address"),
    [
        (Id("table", "public", "", "t"), "t"),
        (Id("column", "public", "t", "a"), "t.a"),
        (Id("column", "billing", "t", "a"), "billing.t.a"),
        (Id("column", "public", "T", 'a"b.c\n'), r'"T"."a\"b.c\n"'),
        (Id("namespace", "", "", "billing"), "billing"),
    ],
)
def test_an_address_is_one_line_and_can_be_taken_apart(found: Id, address: str) -> None:
    assert found.address == address


def test_two_models_are_equal_whatever_their_order() -> None:
    one, other = Table(name="t"), Column(name="a", table="t", type="text")
    assert Model.of([one, other]) == Model.of([other, one])
    assert Model.of([one], unmanaged=["view v"]) == Model.of([one])
