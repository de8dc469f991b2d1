"""Reading a schema from a folder of files: all are found, and one that cannot be used is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendoka.discover import forget
from sendoka.errors import SchemaError
from sendoka.schema.from_python import load_tables, model_from_folder
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.foreign_key import ForeignKey

if TYPE_CHECKING:
    from pathlib import Path

INIT = "from sqlalchemy import *\nmetadata = MetaData()\n"
TABLE = "from sqlalchemy import *\nfrom . import metadata\n{0} = Table('{0}', metadata, Column('a', Integer))\n"


def _folder(folder: Path, **files: str) -> Path:
    for name, text in {"__init__": INIT, **files}.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return folder


def test_a_file_dropped_into_the_folder_is_seen(tmp_path: Path) -> None:
    _folder(tmp_path, one=TABLE.format("one"))
    assert [table.name for table in load_tables(tmp_path)] == ["one"]
    _folder(tmp_path, two=TABLE.format("two"))
    assert [table.name for table in load_tables(tmp_path)] == ["one", "two"]


def test_a_table_may_point_at_one_in_a_file_that_comes_later(tmp_path: Path) -> None:
    child = (
        "from sqlalchemy import *\nfrom . import metadata\n"
        "a = Table('a', metadata, Column('b_id', Text, ForeignKey('b.id')))"
    )
    parent = (
        "from sqlalchemy import *\nfrom . import metadata\n"
        "b = Table('b', metadata, Column('id', Text, primary_key=True))"
    )
    assert model_from_folder(_folder(tmp_path, a=child, b=parent)).all(ForeignKey)[0].target == "b"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "bad.py defines no table"),
        ("from .good import good\n", "bad.py defines no table"),
        (TABLE.format("x") + "y = Table('y', metadata, Column('a', Integer))\n", "bad.py defines 2 tables (x, y)"),
        ("\n1 / 0\n", "bad.py, line 2, cannot be imported: ZeroDivisionError: division by zero"),
        ("\n<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> main\n", "bad.py, line 2 holds a merge conflict of Git"),
        ("x = (\n", "bad.py, line 1, cannot be imported: SyntaxError"),
        ("from . import nothing\n", "bad.py, line 1, cannot be imported: ImportError"),
        (TABLE.format("good"), "a_good.py and bad.py both declare the table good"),
    ],
)
def test_a_bad_module_is_named_with_its_own_exception(tmp_path: Path, text: str, what: str) -> None:
    _folder(tmp_path, a_good=TABLE.format("good"), good=TABLE.format("other").replace("other =", "good ="), bad=text)
    with pytest.raises(SchemaError) as raised:
        load_tables(tmp_path)
    assert what in str(raised.value)
    assert raised.value.__cause__ is not None


def test_the_file_that_fails_is_named_though_another_imports_it(tmp_path: Path) -> None:
    _folder(tmp_path, a="from .b import b", b="\n\nint('x')")
    with pytest.raises(SchemaError, match=r"b.py, line 3, cannot be imported: ValueError") as raised:
        load_tables(tmp_path)
    assert isinstance(raised.value.__cause__, ValueError)
    assert raised.value.__cause__.__traceback__ is not None


def test_a_failing_init_and_a_missing_folder_say_so(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"__init__\.py, line 1, cannot be imported: ZeroDivisionError"):
        load_tables(_folder(tmp_path, __init__="1 / 0"))
    with pytest.raises(SchemaError, match="there is no schema folder"):
        load_tables(tmp_path / "gone")


IMPORT = "from sqlalchemy import *\nfrom sqlalchemy.orm import *\nfrom . import metadata\n"
BASE = INIT + "from sqlalchemy.orm import DeclarativeBase\nclass Base(DeclarativeBase):\n    metadata = metadata\n"
ANIMALS = """
from . import Base
class Named:
    name: Mapped[str] = mapped_column(Text)
class Animal(Named, Base):
    __tablename__ = "animals"
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, server_default="dog")
    keeper_id: Mapped[str | None] = mapped_column(ForeignKey("keepers.id"))
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}
"""
DOG = """
from .animals import Animal
class Dog(Animal):
    __mapper_args__ = {"polymorphic_identity": "dog"}
"""
KEEPERS = """
from . import Base
class Keeper(Base):
    __table__ = Table("keepers", Base.metadata, Column("id", Text, primary_key=True))
"""


def test_declarative_classes_are_read_one_table_a_file(tmp_path: Path) -> None:
    model = model_from_folder(
        _folder(tmp_path, __init__=BASE, animals=IMPORT + ANIMALS, dog=IMPORT + DOG, keepers=IMPORT + KEEPERS)
    )
    columns = [(each.table, each.name, each.not_null) for each in model.all(Column)]
    assert columns == [
        ("animals", "id", True),
        ("animals", "kind", True),
        ("animals", "keeper_id", False),
        ("animals", "name", True),
        ("keepers", "id", True),
    ]
    assert model.all(ForeignKey)[0].target == "keepers"


def test_a_class_and_a_table_in_one_file_are_two(tmp_path: Path) -> None:
    more = "x = Table('x', metadata, Column('a', Integer))\n"
    _folder(tmp_path, __init__=BASE, keepers=IMPORT + more + KEEPERS)
    with pytest.raises(SchemaError, match=r"keepers.py defines 2 tables \(Keeper, x\); put each in a file of its own"):
        load_tables(tmp_path)


TYPED = """
class t_columns(TypedColumns):
    id = Column(Integer, primary_key=True, autoincrement=False)
    name = Column(Text, nullable=False)
t = Table("t", metadata, t_columns)
"""


def test_typed_columns_are_columns(tmp_path: Path) -> None:
    model = model_from_folder(_folder(tmp_path, t=IMPORT + TYPED))
    assert [(each.name, each.type, each.not_null) for each in model.all(Column)] == [
        ("id", "integer", True),
        ("name", "text", True),
    ]


def test_several_metadata_make_one_schema(tmp_path: Path) -> None:
    other = (
        "from sqlalchemy import *\nfrom sendoka.schema import *\nother = MetaData(schema='billing')\n"
        "declare(other, view('v', 'select 1', namespace='billing'))\n"
        "bills = Table('bills', other, Column('a', Text, primary_key=True))\n"
    )
    pays = (
        "from sqlalchemy import *\nfrom . import metadata\nfrom .bills import bills\n"
        "pays = Table('pays', metadata, Column('bill', Text, ForeignKey(bills.c.a)))\n"
    )
    model = model_from_folder(_folder(tmp_path, bills=other, pays=pays, one=TABLE.format("one")))
    places = [(each.namespace, each.name) for each in model if each.kind in {"table", "view"}]
    assert places == [("billing", "bills"), ("public", "one"), ("public", "pays"), ("billing", "v")]
    (key,) = model.all(ForeignKey)
    assert (key.target_namespace, key.target) == ("billing", "bills")


def test_a_file_may_declare_other_things_than_a_table(tmp_path: Path) -> None:
    moods = "from sqlalchemy import Enum\nmood = Enum('a', 'b', name='mood')\n"
    views = (
        "from sendoka.schema import declare, view\nfrom . import metadata\ndeclare(metadata, view('v', 'select 1'))\n"
    )
    table = TABLE.format("t").replace("Integer)", "mood)").replace("\nt =", "\nfrom .moods import mood\nt =")
    model = model_from_folder(_folder(tmp_path, moods=moods, views=views, t=table))
    assert [str(key) for key in model.objects] == ["enum mood", "table t", "column t.a", "view v"]


@pytest.mark.parametrize("name", ["__init__", "_more"])
def test_a_table_that_no_file_of_its_own_defines_is_not_passed_over(tmp_path: Path, name: str) -> None:
    hidden = "lost = Table('lost', metadata, Column('a', Integer))\n"
    files = {"t": TABLE.format("t")}
    files[name] = INIT + hidden if name == "__init__" else "from sqlalchemy import *\nfrom . import metadata\n" + hidden
    files["t"] += "" if name == "__init__" else "from ._more import lost as _lost\n"
    with pytest.raises(SchemaError, match=r"the table lost is declared, and no file of its own defines it"):
        model_from_folder(_folder(tmp_path, **files))


def test_a_class_mapped_to_the_files_own_table_is_no_harm(tmp_path: Path) -> None:
    table = "x = Table('x', metadata, Column('a', Integer, primary_key=True))\n"
    mapped = "class Base(DeclarativeBase):\n    metadata = metadata\nclass X(Base):\n    __table__ = x\n"
    assert [each.name for each in load_tables(_folder(tmp_path, x=IMPORT + table + mapped))] == ["x"]


def test_an_absolute_import_of_the_folder_is_told_how_to_be_relative(tmp_path: Path) -> None:
    folder = tmp_path / "a_schema"
    folder.mkdir()
    _folder(folder, t="from a_schema import metadata\n")
    with pytest.raises(SchemaError, match=r"t.py, line 1, cannot be imported: ModuleNotFoundError") as raised:
        load_tables(folder)
    assert raised.value.todo == "files of the folder import each other relatively: from . import metadata"


def test_a_table_declared_twice_names_both_files_whichever_comes_first(tmp_path: Path) -> None:
    _folder(tmp_path, a=TABLE.format("t").replace("t = ", "a = "), b="x = 1\n" + TABLE.format("t"))
    with pytest.raises(SchemaError, match=r"^a.py and b.py both declare the table t\n") as raised:
        load_tables(tmp_path)
    assert "extend_existing" not in str(raised.value)
    (tmp_path / "b.py").unlink()
    _folder(tmp_path, a=TABLE.format("t") * 2)
    forget(tmp_path)
    with pytest.raises(SchemaError, match=r"^a.py declares twice the table t\n"):
        load_tables(tmp_path)
