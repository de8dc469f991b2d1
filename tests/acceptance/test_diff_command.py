"""`sendoka diff`: any two schemas, whatever they are read from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.cli._group import run
from sendoka.schema.from_python import model_from_tables
from sendoka.schema.from_snapshot import snapshot_of
from sendoka.scratch import Scratch
from sendoka.sources import read_model

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.http.client import Neon

pytestmark = pytest.mark.usefixtures("one_scratch")

PYTHON = """
from sqlalchemy import CheckConstraint, Column, Enum, Integer, MetaData, String, Table
from . import metadata

t = Table(
    "t",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("state", String(9)),
    CheckConstraint("state in ('a', 'b')", name="t_state_check"),
)
"""
SQL = """
\\restrict abc
\\set ON_ERROR_STOP on
\\echo it begins
create table t (id int primary key, state varchar(9) check (state in ('a', 'b')));
comment on table t is 'a; semicolon';
create function f() returns int language sql as $$ select 1; $$;
\\unrestrict abc
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "__init__.py").write_text("from sqlalchemy import MetaData\nmetadata = MetaData()\n")
    (tmp_path / "schema" / "t.py").write_text(PYTHON)
    (tmp_path / "dump.sql").write_text(SQL)
    (tmp_path / "empty.sql").write_text("-- nothing\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_check_spelled_by_python_and_by_postgres_is_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", "--from", "schema", "--to", "dump.sql", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    statements = [step["statement"].partition("\n")[0] for step in said["transactions"][0]]
    assert statements == ['COMMENT ON TABLE "public"."t" IS \'a; semicolon\'', "CREATE OR REPLACE FUNCTION public.f()"]
    assert said["notes"] == []
    assert said["scratch_version"] >= 15


def test_what_asks_is_marked_and_check_tells_that_there_is_a_difference(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["diff", "--from", "dump.sql", "--to", "empty.sql", "--check"]) == 1
    out = capsys.readouterr().out
    assert "-- asks: drop-table:t: the table t is dropped with all its rows\nDROP TABLE" in out
    assert "2 statements (schemas were built on Postgres " in out
    assert run(["diff", "--from", "dump.sql", "--to", "dump.sql", "--check"]) == 0
    assert capsys.readouterr().out.startswith("no difference (schemas were built on Postgres ")


def test_the_statements_alone_lead_from_one_to_the_other(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "more.sql").write_text(
        "create type mood as enum ('a', 'b'); create table t (m mood default 'b');"
        "create type r as range (subtype = int4);"
    )
    (folder / "less.sql").write_text("create type mood as enum ('a'); create table t (m mood);")
    assert run(["diff", "--from", "less.sql", "--to", "more.sql", "--sql"]) == 0
    out, err = capsys.readouterr()
    assert err == "-- not managed, and left as it is: range type public.r\n"
    assert out.count("begin;") == out.count("commit;") == 2
    (folder / "changed.sql").write_text((folder / "less.sql").read_text() + out)
    assert run(["diff", "--from", "changed.sql", "--to", "more.sql", "--check"]) == 0


def test_a_rename_is_answered(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "other.sql").write_text(SQL.replace("table t ", "table other ").replace("'a; semicolon'", "null"))
    arguments = ["diff", "--from", "dump.sql", "--to", "other.sql", "--sql"]
    assert run([*arguments, "--rename", "t=other"]) == 0
    out = capsys.readouterr().out
    assert 'ALTER TABLE "public"."t" RENAME TO "other";' in out
    assert "DROP TABLE" not in out
    assert run([*arguments, "--rename", "t=nothing"]) == 2


async def test_a_snapshot_a_folder_of_migrations_and_a_database_are_schemas(folder: Path, sql: Neon) -> None:
    (folder / "schema.json").write_text(snapshot_of(model_from_tables([])))
    assert run(["generate"]) == 0
    await sql("create table only_here (a int)")
    async with Scratch() as scratch:
        assert len(await read_model("schema.json", scratch)) == 0
        assert scratch.version is None
        replayed = await read_model("migrations", scratch)
        here = await read_model(sql.target.connection_string, scratch)
    assert [str(key) for key in replayed.objects if key.kind == "table"] == ["table t"]
    assert [str(key) for key in here.objects if key.kind == "table"] == ["table only_here"]


def test_roles_that_a_dump_speaks_of_are_made_in_a_server_of_our_own(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "roles.sql").write_text(SQL + 'grant select on t to web, "other one"; alter table t owner to boss;')
    assert run(["diff", "--from", "roles.sql", "--to", "dump.sql", "--check"]) == 1
    said = capsys.readouterr().out
    assert said.count("REVOKE SELECT ON") == 2
    assert "left as it is: the owner of table public.t: boss" in said


def test_privileges_that_the_schema_says_nothing_of_are_left_and_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = SQL.partition("comment on")[0]
    (folder / "granted.sql").write_text(table + "grant select on t to web;")
    for sides in (("granted.sql", "schema"), ("schema", "granted.sql")):
        assert run(["diff", "--from", sides[0], "--to", sides[1], "--check"]) == 0
        said = capsys.readouterr().out
        assert "one of the two says nothing of grants, and these are left as they are: t.web" in said
        assert "no Postgres was asked" not in said


def test_what_a_script_makes_and_is_there_anyway_is_passed_over(folder: Path) -> None:
    """Roles belong to the server, which both files are loaded into; indexes cannot be built concurrently there."""
    made = 'create schema public; create role "the app" login; create role web;'
    granted = "grant select on t to q;"
    (folder / "one.sql").write_text(f"{made} create table t (a int); create index concurrently i on t (a); {granted}")
    (folder / "two.sql").write_text(f"{made} begin; create table t (a int); create index i on t (a); {granted}")
    assert run(["diff", "--from", "one.sql", "--to", "two.sql", "--check"]) == 0


@pytest.mark.parametrize(
    ("name", "content", "status", "said"),
    [
        ("gone.sql", None, 2, "there is no 'gone.sql'"),
        ("a.txt", "select 1", 2, "'a.txt' is no schema"),
        ("bad.sql", "create table t (a int);\n\ncreate tabel u ();", 2, "Postgres refuses it: syntax error at or near"),
        ("other.sql", "\\i more.sql", 2, "it may be a command of psql"),
        ("rows.sql", "create table t (a int);\ncopy t (a) from stdin;\n1\n\\.\n", 2, "the file holds rows"),
        ("latin.sql", b"-- \xe9", 2, "the file is not in UTF-8"),
        ("a.json", "{}", 2, "this is no snapshot of Sendoka"),
        ("nothing/a.txt", "", 2, "holds neither migrations nor a schema in Python"),
        ("postgresql://", None, 2, "connection string"),
        ("", None, 2, "a schema was named by nothing: is the variable in it set?"),
        ("mysql://u:secret@h/x", None, 2, "is for 'mysql', not for Postgres"),
        ("postgresql+asyncpg://u:secret@h/x.sql", None, 2, "is for drivers over TCP"),
        ("psql 'postgresql://u:secret@h/x'", None, 2, "leave out what stands before it"),
        ("u:secret@h/x", None, 2, "the connection string is not a URL"),
        ("host=h password=secret", None, 2, "the connection string is not a URL"),
    ],
)
def test_what_is_no_schema_is_told_by_name(
    folder: Path, name: str, content: Any, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / name
    if content is not None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert run(["diff", "--from", "empty.sql", "--to", name.removesuffix("/a.txt")]) == status
    err = capsys.readouterr().err
    assert said in err
    assert "secret" not in err


def test_a_broken_folder_of_migrations_is_no_difference(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "torn").mkdir()
    (folder / "torn" / "0000_a.sql").write_text("-- sendoka: 0000_b\n-- parent: none\n")
    assert run(["diff", "--from", "empty.sql", "--to", "torn", "--check"]) == 2
    assert "0000_a.sql says that it is 0000_b: the file was renamed" in capsys.readouterr().err


def test_the_server_that_refuses_is_named(folder: Path, sendoka_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    place = sendoka_url.rpartition("@")[2]
    assert run(["diff", "--from", f"postgresql://u:secret@{place}", "--to", "empty.sql"]) == 3
    err = capsys.readouterr().err
    assert f"password authentication failed for user 'u'\nat {place.partition('/')[0]}" in err
    assert "secret" not in err


def test_two_forms_at_once_are_refused(folder: Path) -> None:
    assert run(["diff", "--from", "empty.sql", "--to", "empty.sql", "--sql", "--json"]) == 2


def test_a_line_is_named_for_what_postgres_refuses(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bad.sql").write_text("create table t (a int);\n\ncreate tabel u ();")
    assert run(["diff", "--from", "bad.sql", "--to", "empty.sql"]) == 2
    assert "in bad.sql, line 3" in capsys.readouterr().err


def test_a_scratch_server_that_cannot_be_reached_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = "postgresql://u:secret@127.0.0.1:1/x"
    assert run(["diff", "--from", "dump.sql", "--to", "empty.sql", "--scratch", nowhere]) == 2
    err = capsys.readouterr().err
    assert "cannot be used" in err
    assert "secret" not in err
