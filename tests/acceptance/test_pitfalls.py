"""What everybody runs into once, made as a person makes it: it is refused before harm is done, and says what to do."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import migrate
from sendoka.cli._group import run
from tests.fixtures.shaping import COLUMN, MORE, columns, exists, facts

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from sendoka.http.client import Neon
    from sendoka.local import Endpoint
    from tests.fixtures.shaping import Shaping

    Direct = psycopg.Connection[Any]
    Capture = pytest.CaptureFixture[str]


def said(capsys: Capture) -> str:
    """Return all that a command has printed, in one line."""
    out, err = capsys.readouterr()
    return " ".join((out + err).split())


# ------------------------------------------------------------------ an interactive transaction

SCRIPT = """
import asyncio
import os

from sendoka import neon


async def main():
    async with neon(os.environ["DATABASE_URL"]) as sql:
        {body}


asyncio.run(main())
"""
INTERACTIVE = {
    "a block": "async with sql.transaction() as tx: await tx('select 1')",
    "a coroutine function": "await sql.transaction(work)",
    "begin": "await sql.begin()",
}
WORK = "async def work(tx): await tx('select 1')\n"


@pytest.mark.parametrize("way", INTERACTIVE)
def test_an_interactive_transaction_shows_the_list_form(way: str, unmarked: Shaping, endpoint: Endpoint) -> None:
    (unmarked.folder / "signup.py").write_text(WORK + SCRIPT.format(body=INTERACTIVE[way]))
    done = subprocess.run([sys.executable, "signup.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    last = done.stderr.partition("TypeError: ")[2]
    assert "a transaction over HTTP is one request, so it takes a list:" in last
    assert "await sql.transaction([" in last
    assert "never awaited" not in done.stderr
    assert endpoint.requests == 0


def test_begin_as_a_statement_shows_the_list_form(unmarked: Shaping, endpoint: Endpoint) -> None:
    body = "await sql('begin'); await sql('insert into notes values (1)'); await sql('commit')"
    (unmarked.folder / "signup.py").write_text(SCRIPT.format(body=body))
    done = subprocess.run([sys.executable, "signup.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "sql.transaction([" in done.stderr.rpartition("Error: ")[2]
    assert endpoint.requests == 0


# ------------------------------------------------------------------ a table that is not declared in its own file

TAGS = """
from sqlalchemy import Column, Integer, Table
from . import metadata

{how}Table("tags", metadata, Column("id", Integer, primary_key=True, autoincrement=False))
"""


def test_a_table_is_found_though_nobody_imports_or_lists_it(shaping: Shaping, capsys: Capture) -> None:
    (shaping.file.parent / "tags.py").write_text(TAGS.format(how="tags = "))
    assert run(["generate", "--name", "start"]) == 0
    assert 'CREATE TABLE "public"."tags"' in (shaping.folder / "migrations/0000_start.sql").read_text()


@pytest.mark.parametrize(
    ("file", "how", "imports", "words"),
    [
        ("tags.py", "", "", "tags.py defines no table; give it a name at the top level, `tags = Table(…)`"),
        ("tags.py", "def tags(): return ", "", "tags.py defines no table; give it a name at the top level"),
        ("_tags.py", "tags = ", "from ._tags import tags", "no file of its own defines it; give it one"),
        ("__init__.py", "tags = ", "", "the table tags is declared, and no file of its own defines it; give it one"),
        ("shop/tags.py", "tags = ", "", "shop/ holds modules, and only those right in the folder are read; move its"),
        ("notes.py", "tags = ", "", "notes.py defines 2 tables (notes, tags); put each in a file of its own"),
    ],
)
def test_a_table_without_a_file_of_its_own_is_never_passed_over(
    file: str, how: str, imports: str, words: str, shaping: Shaping, capsys: Capture
) -> None:
    place = shaping.file.parent / file
    place.parent.mkdir(exist_ok=True)
    text = TAGS.format(how=how)
    if file == "__init__.py":
        text = text.replace("from . import metadata\n", "")
    if file == "shop/tags.py":
        text = text.replace("from . ", "from .. ")
    place.write_text((place.read_text() if place.exists() else "") + text)
    if imports:
        shaping.edit("from . import metadata", f"from . import metadata\n{imports}")
    for command in (["generate"], ["check"], ["push"]):
        assert run(command) == 2
        told = said(capsys)
        for part in words.split("; "):
            assert part in told
    assert not (shaping.folder / "migrations").exists()


# ------------------------------------------------------------------ an edited file


async def chained(shaping: Shaping) -> list[Path]:
    """Return two generated migrations, both applied."""
    assert await arun(["generate", "--name", "start"]) == 0
    shaping.edit(COLUMN, MORE)
    assert await arun(["generate", "--name", "more"]) == 0
    assert await arun(["migrate"]) == 0
    return sorted((shaping.folder / "migrations").glob("*.sql"))


async def arun(arguments: list[str]) -> int:
    """Run a command, which has an event loop of its own, beside a test's."""
    return await asyncio.to_thread(run, arguments)


async def test_an_edited_file_below_the_newest_is_refused_by_everybody(
    unmarked: Shaping, sql: Neon, direct: Direct, endpoint: Endpoint, capsys: Capture
) -> None:
    first, _ = await chained(unmarked)
    written = first.read_bytes()
    first.write_text(first.read_text().replace("varchar(9)", "varchar(10)") + "-- wider\n")
    said(capsys)
    endpoint.requests = 0
    for command in (["check"], ["generate"], ["migrate"]):
        assert await arun(command) == 1
        told = said(capsys)
        assert "0000_start.sql was edited after 0001_more.sql was made on top of it" in told
        assert "restore the file (git checkout) and put the change into a new migration" in told
    assert endpoint.requests == 0, "a broken folder needs no database to be refused"
    # What the text says to do.
    first.write_bytes(written)
    unmarked.edit("String(9)", "String(10)")
    assert await arun(["generate", "--name", "wider"]) == 0
    assert await arun(["migrate"]) == 0
    assert [each.name for each in (await migrate(sql, unmarked.folder / "migrations")).applied] == []
    assert direct.execute("select count(*) from sendoka.migrations").fetchall() == [(3,)]


async def test_the_newest_file_edited_after_it_was_applied_shows_in_the_database(
    unmarked: Shaping, sql: Neon, direct: Direct, capsys: Capture
) -> None:
    _, second = await chained(unmarked)
    second.write_text(second.read_text() + '--> statement-breakpoint\nALTER TABLE "notes" ADD "later" int;\n')
    said(capsys)
    assert await arun(["migrate"]) == 1
    told = said(capsys)
    assert "0001_more.sql was edited after it was applied" in told
    assert "restore the file (git checkout) and put the change into a new migration" in told
    assert "later" not in columns(direct)


# ------------------------------------------------------------------ push on production


@pytest.mark.parametrize("mark", ["production", None])
async def test_push_on_a_database_that_is_not_marked_dev_sends_nothing_but_the_question(
    mark: str | None, unmarked: Shaping, direct: Direct, endpoint: Endpoint, capsys: Capture
) -> None:
    if mark is not None:
        assert await arun(["mark", mark]) == 0
    said(capsys)
    for arguments in ([], ["--dry-run"], ["--json"], ["--allow", "drop-table:notes"]):
        endpoint.requests = 0
        endpoint.exchanges.clear()
        assert await arun(["push", *arguments]) == 2
        told = said(capsys)
        assert "sendoka generate" in told
        assert ("sendoka mark dev" in told) is (mark is None), "production is not told how to be pushed to"
        (exchange,) = endpoint.exchanges
        assert exchange.batch
        assert [text.partition(" from ")[2] for text in exchange.statements] == ["sendoka.facts"]
    assert not exists(direct)
    if mark is not None:
        assert facts(direct)["mark"] == mark
    # What the text says to do.
    assert await arun(["generate", "--name", "start"]) == 0
    assert await arun(["migrate"]) == 0
    assert exists(direct)


# ------------------------------------------------------------------ push, then migrate


async def test_push_then_migrate_without_generating_says_what_is_missing(
    shaping: Shaping, direct: Direct, capsys: Capture
) -> None:
    assert await arun(["push"]) == 0
    (shaping.folder / "migrations").mkdir()
    said(capsys)
    assert await arun(["migrate"]) == 0
    assert "has no migration yet; `sendoka generate` writes one from schema/" in said(capsys)
    assert await arun(["generate", "--name", "start"]) == 0
    assert await arun(["migrate"]) == 0
    assert "recorded 0000_start: a push had brought the database there, so none of it was run" in said(capsys)


async def test_push_after_generate_then_migrate_stops_and_the_way_out_works(
    shaping: Shaping, direct: Direct, capsys: Capture
) -> None:
    assert await arun(["generate", "--name", "start"]) == 0
    shaping.edit(COLUMN, MORE)
    assert await arun(["push"]) == 0
    direct.execute("insert into notes values (1, 'a', 'kept')")
    said(capsys)
    assert await arun(["migrate"]) == 1
    told = said(capsys)
    assert "0000_start.sql is not applied: this database was pushed to" in told
    assert "notes.body" in told
    assert "generate what is not generated yet and push again, then migrate notes the files as applied" in told
    assert "or begin with an empty database, `sendoka dev --reset`" in told
    assert await arun(["generate", "--name", "body"]) == 0
    assert await arun(["push"]) == 0
    assert await arun(["migrate"]) == 0
    assert direct.execute("select body from notes").fetchall() == [("kept",)]
    assert direct.execute("select name from sendoka.migrations order by seq").fetchall() == [
        ("0000_start",),
        ("0001_body",),
    ]


async def test_a_colleague_who_did_not_push_runs_the_same_files(
    shaping: Shaping, direct: Direct, postgres: Any, databases: Any, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await arun(["push"]) == 0
    assert await arun(["generate", "--name", "start"]) == 0
    assert await arun(["migrate"]) == 0
    other = databases.take()
    try:
        monkeypatch.setenv("DATABASE_URL", server.connection_string(other))
        copied = shaping.folder.parent / f"{shaping.folder.name}-colleague"
        shutil.copytree(shaping.folder, copied)
        monkeypatch.chdir(copied)
        assert await arun(["migrate"]) == 0
        with postgres.databases.admin.to(other).connect() as connection:
            assert columns(connection) == columns(direct)
    finally:
        databases.give_back(other)
