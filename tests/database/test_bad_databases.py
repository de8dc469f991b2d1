"""Databases that are not as they should be: each command says what is wrong and what to do, and nothing is changed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from psycopg.sql import SQL, Identifier

from sendoka.cli._group import run
from sendoka.errors import ForkedHistory
from sendoka.migrations import migrate
from tests.database.test_namespace import fill

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from sendoka import Neon
    from tests.fixtures.checked import CheckedProject

    Direct = psycopg.Connection[Any]

COMMANDS = ("migrate", "status", "check --history", "push")

OWNED = "".join(f"alter {what} owner to postgres;" for what in ("schema sendoka", "table sendoka.migrations"))
OWNED += "alter table sendoka.facts owner to postgres;"
READ = f"{OWNED} grant usage on schema sendoka to public; grant select on all tables in schema sendoka to public;"
WRITE = f"{OWNED} grant all on schema sendoka to public; grant all on all tables in schema sendoka to public;"
NOT_THERE = "alter schema public owner to postgres; revoke create on schema public from public"
UNTIED = "alter table sendoka.migrations drop constraint migrations_parent_fkey;"
FORMAT = "update sendoka.facts set value = '{}' where name = 'format'"
ALTER = "alter table sendoka.migrations {}"
EXTRA = "insert into sendoka.migrations select 9, 'by_hand', 'x', checksum, 'x', 'applied', '', now(), null, '', '' "
EXTRA += "from sendoka.migrations where seq = 2"
ANEW = "drop schema sendoka cascade; create schema sendoka;"
THEIRS = f"{ANEW} drop table apples; create table sendoka.{{}}; grant all on schema sendoka to public; "
THEIRS += "grant all on all tables in schema sendoka to public"

GRANT = "may not keep its history: permission denied for {}"
UNREAD = "the role may not read the history: permission denied for schema sendoka"
UNKNOWN = "the format of Sendoka's tables in this database is not known"
NOT_AS_MADE = "not as Sendoka makes them: {}"
NAMESPACE = 'namespace = "acme_sendoka" in [tool.sendoka]'
BY_HAND = "if a row was deleted or added by hand, `sendoka repair` says which"


class Case(NamedTuple):
    """What was done to a database, the exit status of each of COMMANDS, and what migrate says.

    Where push is to write, a table is declared, which `check` then finds.
    """

    done: str
    statuses: tuple[int, int, int, int]
    says: tuple[str, ...]


CASES = {
    "a role that only reads": Case(READ, (3, 0, 1, 3), (GRANT.format("table migrations"), "select, insert, update")),
    "a role without create": Case(
        f"{WRITE} {NOT_THERE}",
        (3, 0, 1, 3),
        ("0003_last.sql failed: permission denied for schema public", "remains", "grant the role what it lacks"),
    ),
    "a role without any right": Case(OWNED, (3, 3, 3, 2), (UNREAD, "grant usage on schema sendoka and select on")),
    "a new database and no right to create": Case(
        "drop schema sendoka cascade; {nobodys}", (3, 0, 0, 2), (GRANT.format("database"), "grant create on database")
    ),
    "a replica": Case("{replica}", (3, 0, 1, 3), ("0003_last.sql cannot be applied: this database is read only",)),
    "a column dropped": Case(
        ALTER.format("drop column digest"), (1, 1, 2, 0), (NOT_AS_MADE.format("column m.digest"), "`sendoka repair`")
    ),
    "a column renamed": Case(
        ALTER.format("rename column checksum to hash"), (1, 1, 2, 0), (NOT_AS_MADE.format("column m.checksum"),)
    ),
    "a duration of text": Case(
        ALTER.format("alter column duration type text"), (1, 1, 2, 0), (NOT_AS_MADE.format("function"),)
    ),
    "a moment of text": Case(
        ALTER.format("alter column applied_at type text"), (1, 1, 2, 0), (NOT_AS_MADE.format("function"),)
    ),
    "a number of text": Case(
        ALTER.format("alter column seq type text using 'x' || seq"), (1, 1, 2, 0), ("no number: 'x0'", "altered it")
    ),
    "a row without a name": Case(
        ALTER.format("alter column name drop not null; update sendoka.migrations set name = null where seq = 0"),
        (1, 1, 2, 0),
        ("the history holds a row without seq, name", "`sendoka repair`"),
    ),
    "a checksum that is another one": Case(
        "update sendoka.migrations set checksum = 'x' where seq = 2",
        (1, 1, 1, 0),
        ("the row of 0002_two in the history was altered", "`sendoka repair` says how the row was"),
    ),
    "all rows deleted": Case(
        "delete from sendoka.migrations",
        (3, 0, 0, 0),
        ('0000_apples.sql failed: relation "apples" already exists', "by hand: sendoka repair --applied 0000_apples"),
    ),
    "a row deleted": Case(f"{UNTIED} delete from sendoka.migrations where seq = 1", (1, 1, 1, 0), (BY_HAND,)),
    "a row added": Case(EXTRA, (1, 1, 1, 0), ("it has by_hand where the folder has 0003_last", BY_HAND)),
    "a format that is none": Case(FORMAT.format("x"), (1, 1, 2, 1), (UNKNOWN, "says 'x'")),
    "a format that is gone": Case(
        "delete from sendoka.facts where name = 'format'", (1, 1, 2, 1), (UNKNOWN, "is gone")
    ),
    "facts that are gone": Case("drop table sendoka.facts", (1, 1, 2, 2), (NOT_AS_MADE.format("relation"),)),
    "a newer Sendoka": Case(FORMAT.format("2"), (1, 1, 2, 1), ("have format 2, and this Sendoka knows up to 1",)),
    "somebody else's namespace": Case(f"{ANEW} create table sendoka.other ()", (3, 3, 3, 2), (UNREAD, NAMESPACE)),
    "other facts in the namespace": Case(
        THEIRS.format("facts (id int)"), (1, 0, 0, 1), (NOT_AS_MADE.format('column "name" of relation'), NAMESPACE)
    ),
    "another history in the namespace": Case(
        THEIRS.format("migrations (id int, version text)"), (1, 1, 2, 2), (NOT_AS_MADE.format("column"), NAMESPACE)
    ),
}

SETTINGS = {
    "nobodys": "alter database {} owner to postgres; grant all on schema public to public",
    "replica": "alter database {} set default_transaction_read_only = on; select pg_terminate_backend(pid) "
    "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
}


def content(direct: Direct) -> list[tuple[Any, ...]]:
    """Return every table of the database, and every row of ours."""
    tables = direct.execute(
        "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        "where c.relkind = 'r' and n.nspname in ('public', 'sendoka') order by 1, 2"
    ).fetchall()
    found: list[tuple[Any, ...]] = list(tables)
    for place in tables:
        found += direct.execute(SQL("select t::text from {} t order by 1").format(Identifier(*place))).fetchall()
    return found


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_said_and_nothing_is_changed(
    checked: CheckedProject, database_url: str, monkeypatch: pytest.MonkeyPatch, direct: Direct, name: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    for word in ("one", "two"):
        checked.own(word, "select 1")
    checked("migrate")
    checked("mark", "dev")
    checked.own("last", "create table q ()")
    case = CASES[name]
    if case.statuses[3] == 3:
        checked.table("pears")  # so that a push has something to write
    ready = {key: text.format(f'"{direct.info.dbname}"') for key, text in SETTINGS.items()}
    direct.execute(case.done.format(**ready) if case.done.count("{") else case.done)
    if name == "a replica":
        direct.execute("set default_transaction_read_only = off")
    before = content(direct)
    told = []
    for command, status in zip(COMMANDS, case.statuses, strict=True):
        found = run([*command.split(), *(["--deadline", "5"] if command == "migrate" else [])])
        told.append("".join(checked.capsys.readouterr()))
        assert found == status, (command, told[-1])
    assert "waiting" not in told[0]  # nothing of it passes by itself
    for words in case.says:
        assert words in told[0]
    if case.statuses[3] == 3:
        assert ("this database is read only" if name == "a replica" else "permission denied for") in told[3]
    password = urlsplit(database_url).password
    assert password
    assert not any(password in said or "Traceback" in said for said in told)
    assert content(direct) == before


def test_a_role_that_may_create_nothing_is_told_so_by_mark(
    checked: CheckedProject, database_url: str, monkeypatch: pytest.MonkeyPatch, direct: Direct
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    direct.execute(SETTINGS["nobodys"].format(f'"{direct.info.dbname}"'))
    said = checked("mark", "dev", status=3)
    assert "permission denied for database" in said
    assert "let the owner of the database grant the role create on it" in said
    assert content(direct) == []


def test_no_clock_decides_anything(
    checked: CheckedProject, database_url: str, monkeypatch: pytest.MonkeyPatch, direct: Direct
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    done = "select exists (select from pg_index where indexrelid = to_regclass('public.pips') and indisvalid)"
    name = checked.own("build", "create index concurrently pips on apples (pip)", done_when=done)
    checked("migrate")
    real = time.time
    for hours in (1, -1):
        monkeypatch.setattr(time, "time", lambda hours=hours: real() + hours * 3600)
        direct.execute("update sendoka.migrations set applied_at = now() - make_interval(hours => %s)", [hours])
        assert "nothing to do" in checked("migrate")
        assert "up to date" in checked("status")
        checked("check", "--history")
        direct.execute("update sendoka.migrations set state = 'running' where name = %s", [name])
        checked("migrate" if hours > 0 else "repair", *([] if hours > 0 else ["--settle", name, "--yes"]))
        assert direct.execute("select distinct state from sendoka.migrations").fetchall() == [("applied",)]
    checked.own("more", "select 1")
    checked("migrate")


def test_a_second_application_is_told_whose_history_it_is_and_how_to_keep_its_own(
    checked: CheckedProject, database_url: str, monkeypatch: pytest.MonkeyPatch, direct: Direct, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    checked("migrate")
    other = fill(tmp_path / "other", "create table other ()")
    settings = tmp_path / "pyproject.toml"
    settings.write_text('[tool.sendoka]\nmigrations = "other"\n', encoding="utf-8")
    before = content(direct)
    for command in ("migrate", "status"):
        said = checked(command, status=1)
        assert "the history in this database is another one's: it begins with 0000_apples" in said
        assert NAMESPACE in said
    checked("check", "--history", status=1)
    assert content(direct) == before
    settings.write_text('[tool.sendoka]\nmigrations = "other"\nnamespace = "acme_sendoka"\n', encoding="utf-8")
    checked("migrate")
    assert "up to date" in checked("status")
    assert "nothing is wrong" in checked("repair")
    assert {row[0] for row in direct.execute("select name from sendoka.migrations").fetchall()} == {"0000_apples"}
    assert (other / "0000_step.sql").is_file()


async def test_code_is_told_too(sql: Neon, tmp_path: Path) -> None:
    one, two = fill(tmp_path / "one", "create table a ()"), fill(tmp_path / "two", "create table b ()")
    (two / "0000_step.sql").rename(two / "0000_other.sql")
    text = (two / "0000_other.sql").read_text(encoding="utf-8")
    (two / "0000_other.sql").write_text(text.replace("0000_step", "0000_other"), encoding="utf-8")
    await migrate(sql, one)
    with pytest.raises(ForkedHistory, match=r"another one's: it begins with 0000_step, the folder with 0000_other"):
        await migrate(sql, two)
