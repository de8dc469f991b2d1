"""`sendoka pull`: the files of a schema that is there, which read again are that schema."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.cli._group import run
from sendoka.schema.from_python import model_from_folder
from sendoka.schema.from_snapshot import read_snapshot, snapshot_of
from tests.documents import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    Direct = psycopg.Connection[Any]

pytestmark = pytest.mark.usefixtures("one_scratch")

EVERYTHING = ROOT / "tests" / "fixtures" / "everything.sql"
T = """\
from sqlalchemy import Column, String, Table, text

from . import metadata

t = Table(
    "t",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("state", String(9), nullable=False, server_default=text("'a'::character varying")),
)
"""
SQL = "create table t (id varchar(32) primary key, state varchar(9) not null default 'a')"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "t.sql").write_text(SQL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def loaded(direct: Direct, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Direct:
    """A connection to the database that DATABASE_URL names, with one table."""
    direct.execute(SQL)
    owner = direct.execute(
        "select quote_ident(pg_get_userbyid(datdba)) from pg_database where datname = current_database()"
    )
    direct.execute(f"alter table t owner to {(owner.fetchone() or ('',))[0]}")
    monkeypatch.setenv("DATABASE_URL", database_url)
    return direct


def test_a_schema_with_everything_in_it_reads_back_and_is_formatted_as_ruff_does(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["pull", "--from", str(EVERYTHING), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["notes"] == []
    assert said["unmanaged"] == ["range type public.r"]
    assert {"users.py", "orgs.py", "orgs_2.py", "class_.py", "metadata_2.py", "billing_invoices.py"} <= set(said["new"])
    assert {"enums.py", "declared_enums.py", "foreign_keys.py", "policies.py", "statistics.py"} <= set(said["new"])
    assert 'Table(\n    "orgs"' in (folder / "schema" / "orgs.py").read_text()
    (folder / "ruff.toml").write_text('line-length = 120\nlint.isort.known-first-party = ["sendoka"]\n')
    ruff = [sys.executable, "-m", "ruff"]
    rules = "--select=A,B,E,F,I,ISC,PIE,PLE,Q,RUF,SIM,UP,W"
    for arguments in (["format", "--check", "schema"], ["check", rules, "schema"]):
        done = subprocess.run([*ruff, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_check_of_a_varchar_that_postgres_spells_anew_is_the_same_after_a_pull(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "t.sql").write_text("create table t (s varchar(9) check (s in ('a', 'b')), check (s not in ('x', 'y')))")
    assert run(["pull", "--from", "t.sql"]) == 0
    capsys.readouterr()
    assert run(["diff", "--from", "schema", "--to", "t.sql", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["transactions"] == []


def test_the_database_of_the_environment_is_pulled_into_the_projects_folder(
    folder: Path, loaded: Direct, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "pyproject.toml").write_text('[tool.sendoka]\nschema = "tables"\n')
    assert run(["pull", "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "+ tables/__init__.py",
        "+ tables/t.py",
        "2 files would be written",
    ]
    assert not (folder / "tables").exists()
    loaded.execute("create type c as range (subtype = float8)")
    assert run(["pull"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "+ tables/__init__.py",
        "+ tables/t.py",
        "not managed, and left as it is: range type public.c",
        "2 files written",
    ]
    assert (folder / "tables" / "t.py").read_text() == T
    template = ROOT / "sendoka" / "cli" / "_template" / "schema" / "__init__.py"
    assert (folder / "tables" / "__init__.py").read_text() == template.read_text()


def test_what_is_there_is_overwritten_with_force_alone(
    folder: Path, loaded: Direct, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["pull"]) == 0
    assert run(["pull"]) == 0
    assert capsys.readouterr().out.endswith("= schema/t.py (as it was)\n0 files written\n")
    other = folder / "schema" / "other.py"
    other.write_text(T.replace('"t"', '"other"').replace("t = ", "other = "))
    assert run(["pull"]) == 2
    assert "other.py is of another schema, and would be read with it" in capsys.readouterr().err
    loaded.execute("alter table t add n int; create table u ()")
    assert run(["pull"]) == 2
    assert "t.py is there already, and not what the database has\nin " in capsys.readouterr().err
    assert (folder / "schema" / "t.py").read_text() == T
    assert not (folder / "schema" / "u.py").exists()
    assert run(["pull", "--force"]) == 0
    out, err = capsys.readouterr()
    assert [line for line in out.splitlines() if line[0] in "+~"] == ["+ schema/u.py", "~ schema/t.py"]
    assert err == "mind: schema/other.py is no part of it, and is read as well\n"
    assert 'Column("n", Integer)' in (folder / "schema" / "t.py").read_text()
    assert other.exists()


def test_a_snapshot_and_migrations_are_pulled_too(folder: Path) -> None:
    assert run(["pull", "--from", "t.sql", "--to", "schema"]) == 0
    assert run(["generate"]) == 0
    snapshot = next((folder / "migrations" / "meta").glob("*.json"))
    assert run(["pull", "--from", str(snapshot), "--to", "one"]) == 0
    assert run(["pull", "--from", "migrations", "--to", "two"]) == 0
    assert (folder / "one" / "t.py").read_text() == (folder / "two" / "t.py").read_text() == T
    assert snapshot_of(model_from_folder(folder / "one")) == snapshot_of(read_snapshot(snapshot))


def test_an_index_that_a_failed_build_left_is_declared_as_it_was_meant(
    folder: Path, loaded: Direct, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded.execute("create index i on t (state)")
    loaded.execute("update pg_index set indisvalid = false where indexrelid = 'i'::regclass")
    assert run(["pull"]) == 1
    assert capsys.readouterr().err == "mind: index t.i is invalid: it is declared as it was meant to be\n"
    assert 'Index("i", "state")' in (folder / "schema" / "t.py").read_text()


def test_a_role_reads_the_whole_of_a_database_whose_namespaces_it_may_not_use(
    folder: Path, loaded: Direct, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded.execute(
        "create schema hidden; create table hidden.u (a int); create view hidden.v as select * from hidden.u"
    )
    role, url = _role(loaded)
    try:
        assert run(["pull", "--from", url]) == 0
        assert {"hidden_u.py", "views.py"} <= {path.name for path in (folder / "schema").iterdir()}
        capsys.readouterr()
        loaded.execute("revoke select on pg_policy from public")
        assert run(["pull", "--from", url, "--to", "other"]) == 3
        err = capsys.readouterr().err
        assert "permission denied for table pg_policy" in err
        assert "this role may read only a part of the database" in err
        assert "secret" not in err
        assert not (folder / "other").exists()
    finally:
        loaded.execute("grant select on pg_policy to public")
        loaded.execute(f"drop owned by {role} cascade; drop role {role}")


def _role(direct: Direct) -> tuple[str, str]:
    """Make a role that may do nothing, and return its name and its connection string."""
    import os
    import secrets

    role = f"r{secrets.token_hex(4)}"
    direct.execute(f"create role {role} login password 'secret'")
    return role, f"postgresql://{role}:secret@{os.environ['DATABASE_URL'].rpartition('@')[2]}"


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--from", "gone.sql"], 2, "there is no 'gone.sql'"),
        (["--from", "t.sql", "--to", "t.sql"], 2, "t.sql is a file"),
        (["--from", "t.sql", "--env-file", ".env"], 2, "leave one out"),
        (["--from", "postgresql://u:secret@localhost:1/x"], 3, "localhost"),
        (
            ["--from", "absent.sql"],
            2,
            'extension "no_such_thing" is not available\nin absent.sql\nname a server',
        ),
        ([], 2, "DATABASE_URL is not set"),
    ],
)
def test_what_cannot_be_pulled_says_why(
    folder: Path,
    arguments: list[str],
    status: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (folder / "absent.sql").write_text("create extension no_such_thing;")
    assert run(["pull", *arguments]) == status
    err = capsys.readouterr().err
    assert said in err
    assert "secret" not in err
    assert not (folder / "schema").exists()
