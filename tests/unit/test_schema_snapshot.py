"""Snapshots: the same model gives the same text, and a text that is not whole is an error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.errors import SchemaError
from sendoka.schema.from_python import model_from_folder
from sendoka.schema.from_snapshot import FORMAT, model_from_snapshot, read_snapshot, snapshot_of
from sendoka.schema.kind import Renaming
from sendoka.schema.kinds.check import Check
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.index import Index, IndexKey
from sendoka.schema.kinds.table import Table
from sendoka.schema.model import Expression, Id, Model
from sendoka.schema.rewording import renamed_in
from sendoka.schema.spelling import differences, mentions, remember, respelled, same

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMA = Path(__file__).parent.parent.parent / "schema"

SMALL = Model.of(
    silent=["grant"],
    objects=[
        Table(name="t"),
        Column(name="b", table="t", type="text", default=Expression(declared="'x'", canonical="'x'::text")),
        Column(name="a", table="t", type="integer", not_null=True),
        Index(name="i", table="t", keys=(IndexKey(column="a"), IndexKey(expression=Expression(canonical="lower(b)")))),
    ],
)


def test_a_snapshot_holds_one_object_a_line_columns_in_their_own_order() -> None:
    assert snapshot_of(SMALL).splitlines()[4:-2] == [
        '    {"kind": "table", "name": "t"},',
        (
            '    {"kind": "column", "name": "b", "table": "t", "type": "text",'
            ' "default": {"declared": "\'x\'", "canonical": "\'x\'::text"}},'
        ),
        '    {"kind": "column", "name": "a", "table": "t", "type": "integer", "not_null": true},',
        (
            '    {"kind": "index", "name": "i", "table": "t",'
            ' "keys": [{"column": "a"}, {"expression": {"canonical": "lower(b)"}}]}'
        ),
    ]


@pytest.mark.parametrize("model", [Model(), SMALL, model_from_folder(SCHEMA)], ids=["empty", "small", "application"])
def test_a_round_trip_changes_nothing(model: Model) -> None:
    text = snapshot_of(model)
    again = model_from_snapshot(text, "x.json")
    assert again == model
    assert snapshot_of(again) == text


def test_the_order_in_which_tables_were_read_does_not_show() -> None:
    model = model_from_folder(SCHEMA)
    columns = [each for each in model if each.kind == "column"]
    rest = [each for each in model if each.kind != "column"]
    assert snapshot_of(Model.of([*reversed(rest), *columns], silent=model.silent)) == snapshot_of(model)


def _edited(change: Callable[[dict[str, Any]], Any]) -> str:
    document = json.loads(snapshot_of(SMALL))
    change(document)
    return json.dumps(document)


def _signed(objects: list[Any]) -> str:
    """Return a snapshot with these objects that is whole as far as its digest goes."""
    import hashlib

    lines = [json.dumps(each, ensure_ascii=False) for each in objects]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return json.dumps({"snapshot": FORMAT, "sha256": digest, "objects": objects})


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "not whole JSON"),
        (snapshot_of(SMALL)[:-20], "not whole JSON"),
        (snapshot_of(SMALL).replace("integer", "bigint"), "was edited"),
        (snapshot_of(SMALL).replace('"sha256": "', '"sha256": "0'), "was edited"),
        (_edited(lambda document: document["objects"].pop()), "was edited"),
        (_edited(lambda document: document.pop("sha256")), "was edited"),
        (_edited(lambda document: document.update(snapshot=FORMAT + 1)), "has format 2, and this Sendoka knows 1"),
        ("[" * 100_000, "not whole JSON"),
        (_edited(lambda document: document.update(snapshot=0)), "no snapshot of Sendoka"),
        (_edited(lambda document: document.update(snapshot="1")), "no snapshot of Sendoka"),
        (_edited(lambda document: document.pop("objects")), "no snapshot of Sendoka"),
        ("[]", "no snapshot of Sendoka"),
        ("7", "no snapshot of Sendoka"),
        (_signed([7]), "a kind of object unknown here: None"),
        (_signed([{"kind": "hologram", "name": "x"}]), "a kind of object unknown here: 'hologram'"),
        (_signed([{"kind": ["x"]}]), "a kind of object unknown here"),
        (_signed([{"kind": "table"}]), "a table cannot be read: name: Field required"),
        (_signed([{"kind": "table", "name": "t", "color": "red"}]), "a table cannot be read: color"),
        (_signed([{"kind": "column", "name": "a", "table": "t", "type": 5}]), "a column cannot be read: type"),
        (_signed([{"kind": "table", "name": "t"}] * 2), "two of one name: table t"),
    ],
)
def test_a_text_that_is_not_whole_is_an_error(text: str, what: str) -> None:
    with pytest.raises(SchemaError) as raised:
        model_from_snapshot(text, "0007_x.json")
    assert what in str(raised.value)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize("content", [b"\xff", None])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "0007_x.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SchemaError, match=r"cannot be read(.|\n)*0007_x\.json"):
        read_snapshot(file)


# ------------------------------------------------------------------ spelling


def _check(declared: str | None, canonical: str | None = None) -> Check:
    return Check(name="c", table="t", expression=Expression(declared, canonical))


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (_check("a > 0"), _check("a > 0"), True),
        (_check("a > 0", "(a > 0)"), _check(None, "(a > 0)"), True),
        (_check("a>0", "(a > 0)"), _check("a > 0", "(a > 0)"), True),
        (_check("(a > 0)"), _check(None, "(a > 0)"), True),
        (_check("a > 0"), _check(None, "(a > 0)"), False),
        (_check("a > 0"), _check("a > 1"), False),
    ],
)
def test_expressions_are_equal_if_any_of_their_texts_are(one: Check, other: Check, equal: bool) -> None:
    assert same(one, other) == equal
    assert (differences(one, other) == frozenset()) == equal
    assert respelled(one, other) == (() if equal else ("expression",))


def test_only_a_text_is_a_matter_of_spelling() -> None:
    by_column = Index(name="i", table="t", keys=(IndexKey(column="a"),))
    by_text = Index(name="i", table="t", keys=(IndexKey(expression=Expression("lower(a)")),))
    other_text = Index(name="i", table="t", keys=(IndexKey(expression=Expression("lower(b)")),))
    assert respelled(by_text, other_text) == ("keys",)
    assert respelled(by_column, by_text) == ()
    assert respelled(by_text, Index(name="i", table="t", keys=(*by_text.keys, *by_text.keys))) == ()


def test_a_canonical_text_once_known_is_kept_with_its_declared_one() -> None:
    known = Model.of([*SMALL, _check("a > 0", "(a > 0)")])
    declared = Model.of([Table(name="t"), _check("a > 0"), *[each for each in SMALL if each.kind == "index"]])
    assert remember(known, declared).all(Check) == [_check("a > 0", "(a > 0)")]
    assert remember(known, Model.of([_check("a > 1")])).all(Check) == [_check("a > 1")]


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        ("status = 'x'", "status", True),
        ("STATUS = 'x'", "status", True),
        ('"Status" = 1', "Status", True),
        ('"Status" = 1', "status", False),
        ("'status' = x", "status", False),
        ("status_id = 1", "status", False),
        ("größe > 1", "größe", True),
        ("'it''s status' = x", "status", False),
    ],
)
def test_a_column_is_found_in_a_text_and_not_in_its_literals(text: str, name: str, found: bool) -> None:
    assert mentions(Expression(text), name) == found


@pytest.mark.parametrize(
    ("text", "names", "renamed"),
    [
        ("body <> ''", {"body": "text"}, "text <> ''"),
        ("lower(body) || 'body'", {"body": "text"}, "lower(text) || 'body'"),
        ('"Body" = body', {"Body": "x"}, "x = body"),
        ("body = 1", {"body": "Text"}, '"Text" = 1'),
        ("a = b", {"a": "b", "b": "a"}, "b = a"),
    ],
)
def test_a_renamed_column_is_renamed_in_texts(text: str, names: dict[str, str], renamed: str) -> None:
    renaming = Renaming({Id("column", "public", "t", old): new for old, new in names.items()})
    found = renamed_in(Expression(text, f"({text})"), renaming, "public", "t")
    assert found == Expression(renamed, f"({renamed})")


@pytest.mark.parametrize(
    ("text", "renamed"),
    [
        ("(m <> 'sad'::public.mood)", "(m <> 'sorry'::public.feeling)"),
        ("('{sad}'::public.mood[])", "('{sad}'::public.feeling[])"),
        ("(m <> 'sad'::public.other)", "(m <> 'sad'::public.other)"),
        ("((m)::public.mood <> 'sad'::text)", "((m)::public.feeling <> 'sad'::text)"),
        ("'it''s'::public.mood", "'it''s it'::public.feeling"),
        ("mood.a = 1", "mood.a = 1"),
    ],
)
def test_a_renamed_type_and_its_values_are_renamed_in_texts(text: str, renamed: str) -> None:
    names = {
        Id("enum", "public", "", "mood"): "feeling",
        Id("enum-value", "public", "mood", "sad"): "sorry",
        Id("enum-value", "public", "mood", "it's"): "it's it",
    }
    assert renamed_in(Expression(canonical=text), Renaming(names), "public", "t") == Expression(canonical=renamed)
