"""Every wrong input of the command line: a clear message, the right exit status, nothing changed, no password shown."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.canned import canned

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import psycopg

    from sendoka.local import Endpoint
    from tests.fixtures.project import Project

    Direct = psycopg.Connection[Any]

SECRET = "hunter2"


def refused(project: Project, command: str, status: int, *says: str) -> None:
    """Run a command twice, for a person and with --json, and check what it says."""
    done = project.attempt(command)
    printed = done.stdout + done.stderr
    assert done.returncode == status, printed
    assert printed.startswith("error: ") or "\nerror: " in printed, printed
    for text in says:
        assert text in printed, printed
    assert SECRET not in printed
    assert "Traceback" not in printed
    as_json = project.attempt(f"{command} --json")
    assert as_json.returncode == status
    assert json.loads(as_json.stdout)["error"]["exit_code"] == status
    assert SECRET not in as_json.stdout + as_json.stderr


URLS = [
    ("hello", 2, "not a URL"),
    ("postgresql://u:hunter2@host", 2, "names no database"),
    ("mysql://root:hunter2@localhost/db", 2, "'mysql'"),
    ("postgresql+asyncpg://u:hunter2@localhost/db", 2, "drivers over TCP"),
    ("postgresql://u:hunter2@10.0.0.1/db", 2, "is an address"),
    ("postgresql://u:hunter2@no-such-host.invalid/db", 3, "cannot be found"),
    ("postgresql://u:hunter2@localhost:1/db", 3, "sendoka dev"),
]


@pytest.mark.parametrize(("url", "status", "says"), URLS, ids=[url[:24] for url, _, _ in URLS])
def test_a_database_url_that_cannot_be_used(project: Project, url: str, status: int, says: str) -> None:
    project.url = url
    refused(project, "sendoka migrate", status, says)


@pytest.mark.parametrize("command", ["status", "backfill run message_tenants", "backfill status"])
def test_the_other_commands_read_the_same_url(project: Project, command: str) -> None:
    refused(project, f"sendoka {command}", 2, "DATABASE_URL is not set", ".env.local")
    project.url = f"mysql://root:{SECRET}@localhost/db"
    refused(project, f"sendoka {command}", 2, "'mysql'")


def test_a_wrong_password(project: Project, database_url: str, direct: Direct) -> None:
    user, _, rest = database_url.partition("@")
    project.url = user.rpartition(":")[0] + f":{SECRET}@" + rest
    refused(project, "sendoka migrate", 3, "password authentication failed")
    assert direct.execute("select count(*) from pg_namespace where nspname = 'sendoka'").fetchall() == [(0,)]


@pytest.mark.parametrize("password", ["p@ss", "p#s/s?", "péss%", "p@ss/w?o#r%d"])
def test_a_password_with_special_characters_reaches_the_endpoint_whole(
    project: Project, database_url: str, direct: Direct, password: str
) -> None:
    """Escaped or not: the endpoint checks it against the role's real one."""
    name = direct.info.dbname
    role = f"r{abs(hash(password)) % 10**8}"
    direct.execute(f"create role {role} login password '{password}'")
    direct.execute(f'grant create on database "{name}" to {role}')
    direct.execute(f"grant create on schema public to {role}")
    try:
        place = database_url.partition("@")[2]
        project.url = f"postgresql://{role}:{password}@{place}"
        assert "done: the database is at" in project.run("sendoka migrate")
    finally:
        direct.execute(f"drop owned by {role} cascade")
        direct.execute(f"drop role {role}")


def test_a_role_that_may_not_read_what_is_ours_is_told_what_it_needs(
    project: Project, database_url: str, direct: Direct
) -> None:
    project.url = database_url
    project.run("sendoka mark dev")
    direct.execute(f"create role reader login password '{SECRET}'")
    try:
        project.url = f"postgresql://reader:{SECRET}@{database_url.partition('@')[2]}"
        needs = "grant the role usage on schema sendoka"
        for command in ("mark", "mark dev", "backfill status", "ledger show k"):
            refused(project, f"sendoka {command}", 3, "permission denied for schema sendoka", needs)
            assert "sendoka.facts" not in project.attempt(f"sendoka {command}").stderr
        refused(project, "sendoka push", 2, "may not read the mark", "nothing was changed", needs)
    finally:
        direct.execute("drop role reader")


async def test_an_endpoint_that_answers_html(project: Project) -> None:
    page = b"<html><h1>It works!</h1> postgresql://u:hunter2@h/db</html>"
    reply = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(page), page)
    async with canned(reply) as server:
        project.url = f"postgresql://u:{SECRET}@127.0.0.1:{server.port}/db"
        import asyncio

        await asyncio.to_thread(refused, project, "sendoka migrate", 3, "not JSON", "<html>")


def edited(project: Project) -> None:
    file = project.folder / "migrations" / first(project)
    file.write_text(file.read_text() + "-- a word more\n")


def renamed(project: Project) -> None:
    folder = project.folder / "migrations"
    (folder / first(project)).rename(folder / "0000_other_name.sql")


def doubled(project: Project) -> None:
    folder = project.folder / "migrations"
    (folder / "0000_other_name.sql").write_text((folder / first(project)).read_text())


def with_directive(project: Project) -> None:
    file = project.folder / "migrations" / first(project)
    file.write_text(file.read_text().replace("\n\n", "\n-- transactoin: none\n\n", 1))


def first(project: Project) -> str:
    return min(path.name for path in (project.folder / "migrations").glob("*.sql"))


FOLDERS: list[tuple[Callable[[Project], None], str]] = [
    (edited, "was edited after it was applied"),
    (renamed, "was renamed"),
    (doubled, "two migrations have the number 0000"),
    (with_directive, "unknown directive 'transactoin'"),
]


@pytest.mark.parametrize(("change", "says"), FOLDERS)
def test_a_folder_that_is_not_what_was_applied(
    project: Project, database_url: str, direct: Direct, change: Callable[[Project], None], says: str
) -> None:
    project.url = database_url
    project.run("sendoka migrate")
    change(project)
    before = direct.execute("select * from sendoka.migrations").fetchall()
    refused(project, "sendoka migrate", 1, says, first(project).removesuffix(".sql")[:4])
    assert direct.execute("select * from sendoka.migrations").fetchall() == before


def test_generate_with_an_edited_older_file(project: Project) -> None:
    (project.folder / "schema" / "gadgets.py").write_text(
        "from sqlalchemy import Table\nfrom sendoka.schema import primary_key\nfrom . import metadata\n"
        'gadgets = Table("gadgets", metadata, primary_key("gad"))\n'
    )
    project.run("sendoka generate")
    edited(project)
    files = sorted((project.folder / "migrations").rglob("*"))
    refused(project, "sendoka generate", 1, "was edited after", "restore the file")
    assert sorted((project.folder / "migrations").rglob("*")) == files
    printed = project.run("sendoka check", status=1)
    assert "was edited after" in printed


def test_a_migration_whose_second_statement_fails(project: Project, database_url: str, direct: Direct) -> None:
    from sendoka.migrations.files import render
    from sendoka.migrations.folder import read_folder

    folder = project.folder / "migrations"
    head = read_folder(folder)[-1]
    name = f"{head.number + 1:04d}_bad_idea"
    (folder / f"{name}.sql").write_text(render(name, head, ["create table u ()", "alter table nowhere add x int"], []))
    project.url = database_url
    refused(
        project, "sendoka migrate", 3, f"{name}.sql failed", "statement 2 of 2: alter table nowhere", "nothing of it"
    )
    assert direct.execute("select to_regclass('u')").fetchall() == [(None,)]
    assert direct.execute("select count(*) from sendoka.migrations").fetchall() == [(head.number + 1,)]


def test_a_pending_file_that_ends_its_transaction_sets_a_role_or_touches_what_is_ours(
    project: Project, database_url: str, direct: Direct
) -> None:
    from sendoka.migrations.files import Migration, parse, render
    from sendoka.migrations.folder import read_folder

    folder = project.folder / "migrations"

    def add(words: str, parent: Migration, statement: str) -> Migration:
        name = f"{parent.number + 1:04d}_{words}"
        text = render(name, parent, ["create table u ()", statement], [])
        (folder / f"{name}.sql").write_text(text)
        return parse(name, text)

    good = add("good", read_folder(folder)[-1], "select 1")
    project.url = database_url
    for statement, says in [
        ("select 1; commit", "2 commands as statement 2"),
        ("set role postgres", "SET LOCAL ROLE"),
        ("set search_path = x", "SET LOCAL search_path"),
        ("delete from sendoka.migrations", "touches the namespace sendoka"),
    ]:
        add("bad", good, statement)
        refused(project, "sendoka migrate", 1, f"{good.number + 1:04d}_bad.sql", says)
    assert direct.execute("select to_regclass('u'), to_regclass('sendoka.migrations')").fetchall() == [(None, None)]


@pytest.mark.parametrize("command", ["sendoka migrate", "sendoka status"])
def test_a_migrations_folder_that_is_not_there(project: Project, database_url: str, command: str) -> None:
    project.url = database_url
    (project.folder / "pyproject.toml").write_text('[tool.sendoka]\nmigrations = "migratoins"\n')
    refused(project, command, 2, "there is no migrations folder 'migratoins'", "[tool.sendoka]")
    printed = project.run("sendoka check", status=1)
    assert "there is no migrations folder" in printed
    assert "1 found" in printed


def test_a_database_that_does_not_exist(project: Project, database_url: str) -> None:
    project.url = f"{database_url}_not"
    for command in ("migrate", "status"):
        refused(project, f"sendoka {command}", 3, "does not exist", "check the database's name in DATABASE_URL")
        assert "select" not in project.attempt(f"sendoka {command}").stderr


def test_status_in_a_pipe_shows_the_whole_name_and_the_endpoint(project: Project, database_url: str) -> None:
    project.url = database_url
    name = lengthen(project)
    assert project.run("sendoka migrate")
    printed = project.run("sendoka status")
    assert f"\n{name}  applied" in printed
    assert re.search(r"\d\d:\d\d:\d\d UTC ", printed)
    place = database_url.rpartition("@")[2].partition("/")[0]
    assert f" at {place} " in printed
    data = json.loads(project.run("sendoka status --json"))
    assert data["host"] == place
    assert data["migrations"][-1]["applied_at"].endswith("Z")


def lengthen(project: Project) -> str:
    """Add a migration with a long name, and return it."""
    from sendoka.migrations.files import render
    from sendoka.migrations.folder import read_folder

    folder = project.folder / "migrations"
    head = read_folder(folder)[-1]
    name = f"{head.number + 1:04d}_{'_'.join(['otter'] * 25)}"
    (folder / f"{name}.sql").write_text(render(name, head, ["select 1"], []))
    return name


@pytest.mark.parametrize("option", ["", " --json"])
def test_ctrl_c_says_what_is_known(project: Project, database_url: str, direct: Direct, option: str) -> None:
    from sendoka.migrations.files import render
    from sendoka.migrations.folder import read_folder

    project.url = database_url
    folder = project.folder / "migrations"
    head = read_folder(folder)[-1]
    project.run("sendoka migrate")
    name = f"{head.number + 1:04d}_slow_owl"
    (folder / f"{name}.sql").write_text(render(name, head, ["select pg_sleep(5)"], []))
    process = project.start(f"sendoka migrate{option}")
    sleeps = "select count(*) from pg_stat_activity where datname = current_database() and query ~ '^select pg_sleep'"
    wait_until(lambda: direct.execute(sleeps).fetchall() == [(1,)])
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=30)[1]
    assert process.returncode == 130, errors
    assert errors.splitlines() == [
        f"interrupted: {name} was sent and may still be applied",
        "run `sendoka status` to see, or `sendoka migrate` to go on; nothing is applied twice",
    ]


def wait_until(done: Callable[[], bool]) -> None:
    """Wait for what another process does, at most 20 s."""
    for _ in range(400):
        if done():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come about")


def test_a_backfill_whose_table_is_missing(project: Project, database_url: str, direct: Direct) -> None:
    project.url = database_url
    refused(project, "sendoka backfill run message_tenants", 3, "messages")
    assert direct.execute("select to_regclass('messages')").fetchall() == [(None,)]


def test_a_backfill_that_does_not_exist(project: Project, database_url: str) -> None:
    project.url = database_url
    refused(project, "sendoka backfill run message_tenant", 2, "message_tenants")


def test_a_port_that_is_taken(project: Project) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused(project, f"sendoka dev --temporary --port {taken.getsockname()[1]}", 2, "port")


NO_POSTGRES = """
import os, sys
os.environ["PATH"] = ""
os.environ.pop("SENDOKA_POSTGRES", None)
import sendoka.local.programs as programs
programs._VERSIONED, programs._in_wheel = (), lambda: iter(())
from sendoka.cli import main
sys.argv = ["sendoka", "dev", "--temporary", "--port", "0"]
main()
"""


def test_no_postgres_to_be_found(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_POSTGRES], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert "SENDOKA_POSTGRES" in done.stderr
    assert 'pip install "sendoka[local]"' in done.stderr


SETTINGS = [
    ('[tool.sendoka]\nmigratoins = "x"\n', "did you mean", "migrations"),
    ("[tool.sendoka]\nschema = 7\n", "schema", "path in quotes"),
    ("[tool.sendoka\n", "not valid TOML", "pyproject.toml"),
]


@pytest.mark.parametrize(("text", "says", "also"), SETTINGS)
def test_settings_that_cannot_be_used(project: Project, text: str, says: str, also: str) -> None:
    (project.folder / "pyproject.toml").write_text(text)
    refused(project, "sendoka check", 2, says, also)


def test_rivals_as_processes_apply_a_migration_once(
    project: Project, database_url: str, direct: Direct, endpoint: Endpoint
) -> None:
    """Five at once, from a database without anything of ours: one applies, four see it applied."""
    project.url = database_url
    processes = [project.start("sendoka migrate --json") for _ in range(5)]
    reports = [json.loads(process.communicate(timeout=60)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0] * 5
    ours = [applied["by_us"] for report in reports for applied in report["applied"]]
    assert sum(ours) == 1
    assert {report["head"] for report in reports} == {first(project).removesuffix(".sql")}
    assert direct.execute("select count(*) from sendoka.migrations").fetchall() == [(1,)]
