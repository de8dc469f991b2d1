"""How many rows a table has by the planner's statistics, on a real Postgres, and in the review of `generate`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from sendoka.cli._group import run
from sendoka.migrations.estimates import estimated_rows

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg
    import pytest

    from sendoka.http.client import Neon

    Direct = psycopg.Connection[Any]

TABLES = '''
create table counted (id int);
insert into counted select generate_series(1, 5000);
analyze counted;
insert into counted select generate_series(1, 5000);
create table uncounted (id int, name text) with (autovacuum_enabled = false);
insert into uncounted select g, repeat('x', 28) from generate_series(1, 1000) g;
create table empty (id int);
create table days (id int) partition by list (id);
create table day_1 partition of days for values in (1);
insert into days select 1 from generate_series(1, 3000);
analyze days;
create schema "it's";
create table "it's"."a ""b""" (id int)
'''


async def test_rows_are_what_the_planner_would_guess(sql: Neon, direct: Direct) -> None:
    for text in TABLES.split(";\n"):
        direct.execute(text.encode())
    names = ("counted", "uncounted", "empty", "days", "nowhere")
    asked = [*(("public", name) for name in names), ("it's", 'a "b"')]
    rows = await estimated_rows(sql, asked, deadline=10)
    assert {name for _, name in rows} == {"counted", "uncounted", "empty", "days", 'a "b"'}
    assert 9_000 < rows["public", "counted"] < 11_000
    assert 500 < rows["public", "uncounted"] < 2_000
    assert rows["public", "days"] == 3_000
    assert rows["public", "empty"] == rows["it's", 'a "b"'] == 0


def test_a_review_says_how_many_there_are_and_lives_without(
    direct: Direct,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "schema").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.sendoka]\n", encoding="utf-8")
    (tmp_path / "schema" / "__init__.py").write_text("from sqlalchemy import *\nmetadata = MetaData()\n")
    table = "from sqlalchemy import *\nfrom . import metadata\nt = Table('t', metadata, Column('id', Integer{}))\n"
    (tmp_path / "schema" / "t.py").write_text(table.format(""))
    assert run(["generate"]) == 0
    (tmp_path / "schema" / "t.py").write_text(table.format(", index=True"))
    direct.execute("create table t (id int)")
    direct.execute("insert into t select generate_series(1, 1500)")
    direct.execute("analyze t")
    capsys.readouterr()

    monkeypatch.setenv("DATABASE_URL", database_url)
    assert run(["generate", "--dry-run", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["database"] == "rows by the planner of DATABASE_URL from the environment"
    assert said["hazards"][0]["lock"]["tables"] == [{"name": "t", "rows": 1500}]
    assert run(["generate", "--dry-run"]) == 0
    assert "lock: SHARE on t (about 1,500 rows): writes wait" in capsys.readouterr().out

    secret = "hunter2"
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:{secret}@127.0.0.1:9/x")
    assert run(["generate"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"review: 1 hazard; no database asked: .*127\.0\.0\.1", said)
    assert secret not in said
