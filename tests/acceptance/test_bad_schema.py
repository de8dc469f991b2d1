"""Every wrong schema in Python: refused with exit status 2 by what reads it, and nothing is written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from sendoka.cli._group import run
from sendoka.schema.from_python import model_from_tables
from sendoka.schema.from_snapshot import snapshot_of

if TYPE_CHECKING:
    from pathlib import Path

INIT = "from sqlalchemy import MetaData\nmetadata = MetaData()\n"
HEAD = "from sqlalchemy import *\nfrom sendoka.schema import *\nfrom . import metadata\n"
GOOD = HEAD + "t = Table('t', metadata, Column('id', Text, primary_key=True))\n"
LOST = """
def lost():
    return {}["key"]

x = lost()
"""

BAD = {
    "a module that fails": (LOST, "bad.py, line 6, cannot be imported: KeyError: 'key'"),
    "a module that is no Python": ("x = (\n", "bad.py, line 4, cannot be imported: SyntaxError"),
    "a module that ends the program": ("raise SystemExit(0)\n", "bad.py, line 4, cannot be imported: SystemExit: 0"),
    "a package that is missing": ("import no_such_package\n", "ModuleNotFoundError: No module named 'no_such_package'"),
    "nothing": ("", "bad.py defines no table"),
    "two tables in a file": ("a = Table('a', metadata)\nb = Table('b', metadata)\n", "bad.py defines 2 tables (a, b)"),
    "two tables of one name": ("b = Table('t', metadata)\n", "bad.py and t.py both declare the table t"),
    "two tables of one name in two MetaData": ("b = Table('t', MetaData())\n", "two of one name: table t"),
    "a view with a table's name twice": ("declare(metadata, view('v', 'select 1'), view('v', 'select 2'))\n", "view v"),
    "a foreign key to nothing": (
        "b = Table('b', metadata, Column('t_id', ForeignKey('tt.id')))\n",
        "b.t_id points at tt.id, which is not declared\nin table b\ndid you mean t.id?",
    ),
    "a foreign key to no column": (
        "b = Table('b', metadata, Column('t_id', ForeignKey('t.key')))\n",
        "b.t_id points at t.key, which is not declared",
    ),
    "a type that Postgres has not": (
        "from sqlalchemy.dialects.mysql import SET\nb = Table('b', metadata, Column('a', SET('x')))\n",
        "cannot be written for Postgres\nin column b.a",
    ),
    "no type": ("b = Table('b', metadata, Column('a'))\n", "cannot be written for Postgres\nin column b.a"),
    "a type that names nothing": ("b = Table('b', metadata, Column('a', sql_type('a b c')))\n", "ValueError: 'a b c'"),
    "a type of an extension that is not declared": (
        "from sqlalchemy.dialects.postgresql import CITEXT\nb = Table('b', metadata, Column('a', CITEXT))\n",
        "the type public.citext is neither built in nor declared\nin column b.a\ndeclare the extension",
    ),
    "a policy on nothing": ("declare(metadata, policy('p', 'tt'))\n", "p stands on public.tt, which is not declared"),
    "a statement that is another": (
        "declare(metadata, function('drop table t'))\n",
        "a statement is not as it must be",
    ),
    "a name that Postgres would cut": ("b = Table('é' * 32, metadata)\n", "has 64 bytes, and Postgres would cut it"),
    "a namespace of Postgres": ("b = Table('b', metadata, schema='pg_temp')\n", "the namespace pg_temp is not yours"),
    "a default that SQL has no value for": (
        "b = Table('b', metadata, Column('a', Text, server_default=FetchedValue()))\n",
        "the default FetchedValue is not managed yet",
    ),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "__init__.py").write_text(INIT)
    (tmp_path / "schema" / "t.py").write_text(GOOD)
    (tmp_path / "empty.json").write_text(snapshot_of(model_from_tables([])))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_schema_is_refused_by_all_that_read_it(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text, said = BAD[name]
    err = ""
    (folder / "schema" / "bad.py").write_text(HEAD + text, encoding="utf-8")
    for command in (
        ["generate"],
        ["diff", "--from", "empty.json", "--to", "schema"],
        ["pull", "--from", "schema", "--to", "again"],
    ):
        assert run(command) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert said in err
    assert run(["generate", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["message"] in err
    assert not (folder / "migrations").exists()
    assert not (folder / "again").exists()


def test_the_modules_own_traceback_comes_first_and_only_its_own(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "schema" / "bad.py").write_text(LOST, encoding="utf-8")
    (folder / "schema" / "a.py").write_text("from .bad import x\n", encoding="utf-8")
    assert run(["generate"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    frames = [line.strip() for line in lines if line.startswith("  File ")]
    schema = folder / "schema"
    assert frames == [
        f'File "{schema}/a.py", line 1, in <module>',
        f'File "{schema}/bad.py", line 5, in <module>',
        f'File "{schema}/bad.py", line 3, in lost',
    ]
    at = lines.index("KeyError: 'key'")
    assert lines[at + 1 :] == ["error: bad.py, line 3, cannot be imported: KeyError: 'key'", f"in {schema}"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace('"snapshot": 1', '"snapshot": 99'), "the snapshot has format 99"),
        (lambda text: text[:-20], "the snapshot is not whole JSON"),
        (lambda text: text.replace('"t"', '"u"'), "the snapshot was edited"),
        (lambda text: "[]", "this is no snapshot of Sendoka"),
    ],
)
def test_a_snapshot_that_cannot_be_used_is_refused(
    folder: Path, change: object, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["generate"]) == 0
    snapshot = next((folder / "migrations" / "meta").glob("*.json"))
    assert callable(change)
    snapshot.write_text(change(snapshot.read_text()))
    capsys.readouterr()
    for command in (["diff", "--from", str(snapshot), "--to", "schema"], ["pull", "--from", str(snapshot)]):
        assert run([*command]) == 2
        assert said in capsys.readouterr().err


def test_an_extension_that_this_machine_lacks_is_said_and_nothing_fails(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`diff`, `generate` and `pull` of a schema with a type that no Postgres here has."""
    (folder / "schema" / "places.py").write_text(
        HEAD + "declare(metadata, extension('no_such_gis'))\n"
        "places = Table('places', metadata, Column('at', sql_type('geometry(Point,4326)')),"
        " CheckConstraint('st_x(at) > 0', name='at'))\n"
    )
    assert run(["generate"]) == 0
    snapshot = str(next((folder / "migrations" / "meta").glob("*.json")))
    assert run(["pull", "--from", snapshot, "--to", "again"]) == 0
    assert 'sql_type("geometry(Point,4326)")' in (folder / "again" / "places.py").read_text()
    capsys.readouterr()
    assert run(["diff", "--from", snapshot, "--to", "again", "--check"]) == 0
    (folder / "schema" / "places.py").write_text(
        (folder / "schema" / "places.py").read_text().replace("st_x(at) > 0", "0 < st_x(at)")
    )
    capsys.readouterr()
    assert run(["diff", "--from", snapshot, "--to", "schema", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert "no Postgres could spell both schemas" in said["notes"][0]
    assert 'extension "no_such_gis" is not available' in said["notes"][0]
    assert any("0 < st_x(at)" in step["statement"] for each in said["transactions"] for step in each)
