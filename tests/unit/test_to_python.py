"""A schema written as Python: layout, names, SQL in texts, and objects of kinds that nobody has words for."""

from __future__ import annotations

import ast
import itertools
import random
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from sendoka.pull import pulled, write
from sendoka.schema.declared import text_of, type_of
from sendoka.schema.diff import diff
from sendoka.schema.from_python import model_from_folder
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.foreign_key import ForeignKey
from sendoka.schema.kinds.namespace import Namespace
from sendoka.schema.kinds.primary_key import PrimaryKey
from sendoka.schema.kinds.table import Table
from sendoka.schema.model import Expression, Model, Object
from sendoka.schema.to_python import source_of
from sendoka.schema.to_python.circles import late_keys
from sendoka.schema.to_python.code import Block, Name, Text, call, laid_out, listed, mapping, tupled
from sendoka.schema.to_python.imports import Imports
from sendoka.schema.to_python.naming import Names, identifier, noun_of, variable
from sendoka.schema.to_python.objects import object_code
from sendoka.schema.to_python.sql import bindless
from sendoka.schema.to_python.types import Types

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.schema.to_python.code import Code

SIGNS = ["a", "x1", " ", ":", "::", "\\", "\\:", "'", '"', "%", "$", "_", "ü", "\n", "1:2", ";"]


def test_nothing_in_a_text_is_taken_for_a_parameter() -> None:
    chance = random.Random(7)
    for _ in range(5000):
        sql = "x" + "".join(chance.choices(SIGNS, k=chance.randrange(8))) + "x"
        assert text_of(text(bindless(sql)), "here") == sql


WORDS = Text("word " * 60)
LAYOUTS: list[Code] = [
    call("f", Text("a"), Name("None"), name=Text("b"), more=None),
    call("f", Text("a" * 60), Text("b" * 60)),
    call("f", Text("a" * 100), Text("b" * 100)),
    call("f", WORDS),
    call("f", Text("a"), comment=WORDS),
    call("f", Block("select 1\nfrom t")),
    call("f", Text("a"), Block('a\\b\n"""\n"c"')),
    call("f", Text("x" * 130)),
    call("f", Text("😀" * 56)),
    listed([Text("a" * 60), call("g", WORDS)]),
    tupled([Text("a" * 117)]),
    mapping([("a'b", Name("1")), ('c"d', Text("it's \x00\u200b\t\r"))]),
]


def test_code_means_what_it_says_and_is_laid_out_as_ruff_does(tmp_path: Path) -> None:
    lines = [laid_out(code, f"v{number} = ") for number, code in enumerate(LAYOUTS)]
    values: dict[str, object] = {name: lambda *a, **k: (a, k) for name in "fg"}
    exec("\n".join(lines), values)  # noqa: S102 - our own lines: what they mean is what is tested
    assert values["v3"] == ((WORDS.value,), {})
    assert values["v4"] == (("a",), {"comment": WORDS.value})
    assert values["v5"] == (("select 1\nfrom t",), {})
    assert values["v6"] == (("a", 'a\\b\n"""\n"c"'), {})
    assert values["v11"] == {"a'b": 1, 'c"d': "it's \x00\u200b\t\r"}
    file = tmp_path / "layouts.py"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "120", "--diff", str(file)]
    done = subprocess.run(ruff, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_text_of_several_lines_is_read_as_it_was_written() -> None:
    for length in range(6):
        for signs in itertools.product('"\\a', repeat=length):
            value = "\n" + "".join(signs)
            assert ast.literal_eval(laid_out(Block(value))) == value


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("orgs", "orgs"),
        ("_prisma", "prisma"),
        ("__init__", "init"),
        ("My Table", "my_table"),
        ("1st", "n_1st"),
        ("😀", "unnamed"),
        ("naïve", "naïve"),
        ("", "unnamed"),
    ],
)
def test_any_name_becomes_an_identifier(name: str, found: str) -> None:
    assert identifier(name) == found


def test_a_variable_hides_nothing() -> None:
    assert [variable(name, {"Table", "mood"}) for name in ("mood", "list", "class", "t")] == [
        "mood_",
        "list_",
        "class_",
        "t",
    ]


def test_every_file_has_a_name_of_its_own() -> None:
    names = Names()
    given = [names.file(name) for name in ("orgs", "Orgs", "metadata", "views", "class")]
    assert given == ["orgs", "orgs_2", "metadata_2", "views", "class_"]
    assert [names.file("orgs", "billing"), names.noun("view"), names.noun("policy")] == [
        "billing_orgs",
        "declared_views",
        "policies",
    ]


def test_nouns_have_their_plurals() -> None:
    assert [noun_of(kind) for kind in ("foreign-key", "index", "policy", "statistics", "materialized-view")] == [
        "foreign_keys",
        "indexes",
        "policies",
        "statistics",
        "materialized_views",
    ]


def test_imports_are_sorted_and_a_name_that_is_taken_gets_another() -> None:
    imports = Imports()
    uses = [(".", "metadata"), ("sqlalchemy", "text"), ("sqlalchemy", "Enum"), ("sqlalchemy", "REAL")]
    assert [imports.use(*each) for each in [*uses, ("sendoka.schema", "Enum"), ("sqlalchemy", "Enum")]] == [
        "metadata",
        "text",
        "Enum",
        "REAL",
        "EnumObject",
        "Enum",
    ]
    assert imports.lines() == (
        "from sqlalchemy import REAL, Enum, text\n\nfrom sendoka.schema import Enum as EnumObject\n\n"
        "from . import metadata"
    )


TYPES = [
    "bigint",
    "boolean",
    "bytea",
    "date",
    "integer",
    "json",
    "real",
    "smallint",
    "text",
    "uuid",
    "jsonb",
    "inet",
    "cidr",
    "macaddr",
    "macaddr8",
    "money",
    "oid",
    "tsvector",
    "tsquery",
    "int4range",
    "tstzmultirange",
    "regclass",
    "jsonpath",
    "point",
    "xml",
    "pg_lsn",
    "name",
    "bit(1)",
    "numeric",
    "numeric(5,0)",
    "numeric(10,2)[]",
    "interval",
    "interval(3)",
    "character(3)",
    "public.citext",
    "billing.thing(3)[]",
    "public.text",
    'public."Odd"[]',
    '"char"',
    "text[]",
]


@pytest.mark.parametrize("collation", [None, "C"])
def test_every_type_is_written_so_that_it_is_read_again(collation: str | None) -> None:
    for each in TYPES:
        imports = Imports()
        code = laid_out(Types(Model(), {}).code(each, collation, imports))
        values: dict[str, object] = {}
        exec(f"from sqlalchemy.types import TypeEngine\n{imports.lines()}\nfound = {code}", values)  # noqa: S102 - ours
        found = values["found"]
        assert type_of(found() if isinstance(found, type) else found, "here") == (each, collation)  # type: ignore[arg-type]  # what exec makes has no type


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant(Object):
    """An object of a kind that does not exist yet."""

    kind = "grant"
    to: tuple[str, ...] = ()
    options: tuple[tuple[str, int], ...] = ()
    when: Expression | None = None


def test_an_object_of_a_kind_nobody_has_words_for_is_written_as_it_is() -> None:
    imports = Imports()
    grant = Grant(name="g", comment='"x"', to=("web",), options=(("a", 1),), when=Expression(canonical="a > ':b'"))
    code = laid_out(object_code(grant, imports))
    assert code == ("""Grant(name="g", comment='"x"', to=("web",), options=(("a", 1),), when=Expression("a > ':b'"))""")
    values: dict[str, object] = {}
    exec(imports.lines().replace(f"from {__name__} import Grant\n", ""), values)  # noqa: S102 - our own lines
    assert eval(code, {**values, "Grant": Grant}) == Grant(  # noqa: S307 - our own line
        name="g", comment='"x"', to=("web",), options=(("a", 1),), when=Expression("a > ':b'")
    )


def _key(table: str, target: str) -> ForeignKey:
    return ForeignKey(name=f"{table}_{target}", table=table, columns=("a",), target=target, target_columns=("a",))


def test_a_circle_of_tables_is_opened_in_one_place() -> None:
    keys = [_key(*pair) for pair in ("ab", "bc", "ca", "aa", "cd", "dc")]
    assert {key.name for key in late_keys(keys)} == {"c_a", "d_c"}


def test_tables_that_point_at_each_other_are_read_again(tmp_path: Path) -> None:
    objects: list[Object] = [Namespace(name="x")]
    for name in "ab":
        objects += [
            Table(name=name),
            Column(name="a", table=name, type="integer", not_null=True),
            PrimaryKey(name=f"{name}_pkey", table=name, columns=("a",)),
        ]
    model = Model.of([*objects, _key("a", "b"), _key("b", "a")], ["operator +"])
    assert "use_alter=True" in source_of(model).files["b.py"]
    found = pulled(model, tmp_path)
    assert (found.notes, found.unmanaged) == ((), ("operator +",))
    write(found)
    assert not diff(model_from_folder(tmp_path), model)


def test_what_reads_otherwise_is_named_and_not_passed_over(tmp_path: Path) -> None:
    model = Model.of([Table(name="t", options=("fillfactor=ON",)), Table(name="u", options=("a=1",))])
    assert pulled(model, tmp_path).notes == ()
    broken = Model.of([Table(name="t"), Column(name="a", table="t", type="no such type")])
    assert pulled(broken, tmp_path).notes != ()
