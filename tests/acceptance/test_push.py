"""`sendoka push` and `sendoka mark`: which databases are changed, how, and what is told."""

from __future__ import annotations

import asyncio
import io
import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import migrate
from sendoka.bookkeeping import set_mark
from sendoka.cli._group import run
from sendoka.cli._plan import Branch, as_tree
from sendoka.errors import PushRefused, SettingsError
from sendoka.migrations.pusher import push
from sendoka.schema.model import Model
from tests.fixtures.shaping import COLUMN, MORE, columns, exists, facts

if TYPE_CHECKING:
    import psycopg

    from sendoka.http.client import Neon
    from sendoka.local import Endpoint
    from tests.fixtures.shaping import Shaping

    Direct = psycopg.Connection[Any]
    Capture = pytest.CaptureFixture[str]


async def arun(arguments: list[str]) -> int:
    """Run a command, which has an event loop of its own, beside a test's."""
    return await asyncio.to_thread(run, arguments)


async def never(old: Model, new: Model, renaming: Any) -> Any:
    """Compare nothing."""
    raise AssertionError((old, new, renaming))


def test_a_change_is_shown_as_a_tree_and_applied_in_one_transaction(
    shaping: Shaping, direct: Direct, endpoint: Endpoint, capsys: Capture
) -> None:
    assert run(["push"]) == 0
    assert "+ table notes\npushed: 1 statement in " in capsys.readouterr().out
    direct.execute("insert into notes values (1, 'a')")
    shaping.edit(COLUMN, MORE)
    endpoint.requests = 0
    assert run(["push"]) == 0
    said = capsys.readouterr().out
    assert "\ntable notes\n  + column body text\n  + index ix_notes_body\n    mind: add-index:notes." in said
    assert "pushed: 2 statements in " in said
    assert endpoint.requests == 3, "the mark, the catalog, and one transaction"
    assert columns(direct) == ["id", "state", "body"]
    assert direct.execute("select state from notes").fetchall() == [("a",)]
    pushed = json.loads(facts(direct)["pushed"])
    assert len(pushed["digest"]) == 64
    assert pushed["by"].startswith("neondb_owner, ")


def test_with_nothing_to_do_nothing_is_written_and_no_postgres_is_started(
    shaping: Shaping, direct: Direct, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert run(["push"]) == 0
    before = direct.execute("select value, at from sendoka.facts order by name").fetchall()
    # Postgres spells the check its own way, and nobody is asked what that means.
    monkeypatch.setattr("sendoka.local.own_postgres", None)
    endpoint.requests = 0
    assert run(["push"]) == 0
    assert "nothing to push: the database has the whole schema" in capsys.readouterr().out
    assert endpoint.requests == 2
    assert direct.execute("select value, at from sendoka.facts order by name").fetchall() == before


def test_without_any_postgres_changed_text_counts_as_a_change_and_that_is_said(
    shaping: Shaping, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def none() -> None:
        raise SettingsError("there is no PostgreSQL here")

    assert run(["push"]) == 0
    shaping.edit("state in ('a', 'b')", "state = 'a' or state = 'b'")
    monkeypatch.setattr("sendoka.local.own_postgres", none)
    capsys.readouterr()
    assert run(["push"]) == 0
    said = capsys.readouterr().out
    assert "  ~ check notes_state_check: expression" in said
    assert "note: no Postgres could spell both schemas, so their texts are compared as they are: there is no" in said
    assert run(["push"]) == 0
    assert "nothing to push" in capsys.readouterr().out
    # A server that was named and cannot be used is an error, not a doubt.
    shaping.edit("state = 'a' or", "state = 'c' or")
    assert run(["push", "--scratch", "postgresql://u:secret@127.0.0.1:1/x"]) == 2
    assert "cannot be used" in capsys.readouterr().err


def test_a_dry_run_shows_the_plan_and_writes_nothing(shaping: Shaping, direct: Direct, capsys: Capture) -> None:
    assert run(["push", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "+ table notes" in said
    assert "nothing was done: 1 statement would be sent" in said
    assert not exists(direct)
    assert "pushed" not in facts(direct)


def test_json_is_one_object_with_the_same_facts(shaping: Shaping, database: str, capsys: Capture) -> None:
    assert run(["push", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["database"], said["applied"], said["source"]) == (database, 1, "the environment")
    assert said["transactions"][0][0]["statement"].startswith('CREATE TABLE "public"."notes"')
    assert run(["push", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["applied"], said["transactions"]) == (0, [])


def test_what_may_lose_data_waits_for_an_answer(shaping: Shaping, direct: Direct, capsys: Capture) -> None:
    assert run(["push"]) == 0
    shaping.edit(COLUMN, MORE)
    assert run(["push"]) == 0
    shaping.edit('"body"', '"text"')
    assert run(["push"]) == 4
    assert "--rename notes.body=notes.text" in capsys.readouterr().err
    assert columns(direct) == ["id", "state", "body"]
    direct.execute("insert into notes values (1, 'a', 'kept')")
    assert run(["push", "--rename", "notes.body=notes.text"]) == 0
    said = capsys.readouterr().out
    assert "> column text, called body so far" in said
    assert direct.execute("select text from notes").fetchall() == [("kept",)]
    shaping.edit(MORE.replace("body", "text"), COLUMN)
    assert run(["push", "--allow", "drop-column:notes.text"]) == 0
    assert "- column text\n    allowed: drop-column:notes.text" in capsys.readouterr().out
    assert columns(direct) == ["id", "state"]


def test_a_person_at_a_terminal_is_asked(
    shaping: Shaping, direct: Direct, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert run(["push"]) == 0
    shaping.edit('"state"', '"status"')
    shaping.edit("state in", "status in")
    monkeypatch.setattr("sendoka.cli._answers.is_attended", lambda: True)
    monkeypatch.setattr("click.prompt", lambda *_, **__: 1)
    assert run(["push"]) == 0
    out, err = capsys.readouterr()
    assert "it is renamed: notes.state is called notes.status now" in err
    assert "> column status, called state so far" in out
    assert out.count("DATABASE_URL from the environment") == 2, "once a push"
    assert columns(direct) == ["id", "status"]


def test_several_transactions_are_announced(shaping: Shaping, direct: Direct, capsys: Capture) -> None:
    shaping.edit("Column, ", "Column, Enum, ")
    shaping.edit("String(9)", 'Enum("a", "b", name="state")')
    shaping.edit("    CheckConstraint(\"state in ('a', 'b')\", name=\"notes_state_check\"),\n", "")
    assert run(["push"]) == 0
    shaping.edit('"b", name="state")', '"b", "c", name="state"), server_default="c"')
    capsys.readouterr()
    assert run(["push"]) == 0
    said = capsys.readouterr().out
    assert "this takes 2 transactions: " in said
    one, two = (
        said.index("transaction 1 of 2\n  ~ enum state: values\n"),
        said.index("transaction 2 of 2\n  table notes\n"),
    )
    assert one < said.index("add-enum-value") < two < said.index("    ~ column state: default")
    assert run(["push"]) == 0
    assert "nothing to push" in capsys.readouterr().out


def test_what_the_database_holds_and_nobody_manages_is_named_and_left(
    shaping: Shaping, direct: Direct, capsys: Capture
) -> None:
    direct.execute("create type r as range (subtype = int4)")
    assert run(["push"]) == 0
    assert "note: not managed, and left as it is: range type public.r" in capsys.readouterr().out


def test_a_tree_on_a_terminal_has_lines_and_colors() -> None:
    from rich.console import Console

    console = Console(record=True, force_terminal=True, width=60, file=io.StringIO())
    console.print(as_tree(Branch("table notes", "bold", [Branch("+ column [body]", "green"), Branch("- x", "red")])))
    assert console.export_text(clear=False) == "table notes\n├── + column [body]\n└── - x\n"
    assert "\x1b[32m+ column [body]" in console.export_text(styles=True)


# ------------------------------------------------------------------ who may be pushed to


def test_a_database_without_a_mark_is_refused_with_the_ways_out(
    unmarked: Shaping, direct: Direct, endpoint: Endpoint, capsys: Capture
) -> None:
    endpoint.requests = 0
    assert run(["push"]) == 2
    said = capsys.readouterr().err
    assert "error: this database is not marked dev" in said
    assert "sendoka mark dev" in said
    assert "sendoka generate" in said
    assert endpoint.requests == 1, "the mark was read, and nothing else"
    assert not exists(direct, "sendoka.facts")


async def test_a_production_database_is_refused_harder(
    unmarked: Shaping, direct: Direct, sql: Neon, endpoint: Endpoint
) -> None:
    await set_mark(sql, "production")
    endpoint.requests = 0
    with pytest.raises(PushRefused, match="marked production, and push never touches one") as caught:
        await push(sql, Model(), never)
    assert "mark dev" not in str(caught.value)
    assert endpoint.requests == 1
    assert not exists(direct)


def test_a_mark_is_set_shown_and_taken_back_only_deliberately(
    unmarked: Shaping, direct: Direct, database: str, capsys: Capture
) -> None:
    assert run(["mark"]) == 0
    assert "is not marked: `sendoka mark dev` lets push change it" in capsys.readouterr().out
    assert not exists(direct, "sendoka.facts")
    assert run(["mark", "dev"]) == 0
    assert run(["mark", "production"]) == 0
    assert run(["mark", "production"]) == 0
    assert run(["mark"]) == 0
    assert f"{database} at localhost" in capsys.readouterr().out
    assert run(["mark", "dev"]) == 4
    assert "sendoka mark dev --no-longer-production" in capsys.readouterr().err
    assert facts(direct)["mark"] == "production"
    assert run(["mark", "dev", "--no-longer-production", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["mark"], said["database"], facts(direct)["mark"]) == ("dev", database, "dev")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["push", "--allow", "drop-table:notes"], 2, "--allow drop-table:notes fits nothing in this plan"),
        (["push", "--rename", "notes=gone"], 2, "--rename notes=gone fits nothing"),
        (["push", "--watch", "--json"], 2, "leave out --json"),
        (["push", "--watch", "--dry-run"], 2, "leave out --dry-run"),
        (["push", "--env-file", "gone"], 2, "gone cannot be read"),
        (["mark", "test"], 2, "'test' is not one of"),
        (["mark", "production", "--no-longer-production"], 2, "goes with: sendoka mark dev"),
    ],
)
def test_wrong_words_are_told_and_nothing_is_changed(
    shaping: Shaping, direct: Direct, arguments: list[str], status: int, said: str, capsys: Capture
) -> None:
    assert run(arguments) == status
    out, err = capsys.readouterr()
    assert said in out + err
    assert not exists(direct)
    assert facts(direct) == {"format": "1", "mark": "dev"}


def test_a_schema_that_cannot_be_loaded_is_told_and_nothing_is_asked(
    shaping: Shaping, endpoint: Endpoint, capsys: Capture
) -> None:
    shaping.edit("from . import metadata", "from . import nothing")
    endpoint.requests = 0
    assert run(["push"]) == 2
    assert "notes.py, line 3, cannot be imported" in capsys.readouterr().err
    assert endpoint.requests == 0


# ------------------------------------------------------------------ with migrations


async def test_push_edit_push_generate_and_migrate_on_one_database(
    shaping: Shaping, direct: Direct, sql: Neon, endpoint: Endpoint, capsys: Capture
) -> None:
    assert await arun(["push"]) == 0
    shaping.edit(COLUMN, MORE)
    assert await arun(["push"]) == 0
    direct.execute("insert into notes values (1, 'a', 'kept')")
    assert await arun(["generate", "--name", "add_notes"]) == 0
    capsys.readouterr()
    assert await arun(["status"]) == 0
    assert "\npushed 20" in capsys.readouterr().out
    assert await arun(["migrate"]) == 0
    said = capsys.readouterr().out
    assert "recorded 0000_add_notes: a push had brought the database there, so none of it was run" in said
    assert "done: the database is at 0000_add_notes" in said
    assert direct.execute("select body from notes").fetchall() == [("kept",)]
    assert "pushed" not in facts(direct)
    # The history stands: the next change may come either way.
    shaping.edit('"body"', '"text"')
    assert await arun(["push", "--rename", "notes.body=notes.text"]) == 0
    assert await arun(["generate", "--rename", "notes.body=notes.text"]) == 0
    report = await migrate(sql, shaping.folder / "migrations")
    assert [(each.by_us, each.recorded, each.seconds) for each in report.applied] == [(True, True, None)]
    endpoint.requests = 0
    assert (await migrate(sql, shaping.folder / "migrations")).applied == ()
    assert endpoint.requests == 1


async def test_where_nothing_of_the_pushes_remains_pending_files_are_run(
    shaping: Shaping, direct: Direct, capsys: Capture
) -> None:
    assert await arun(["generate", "--name", "add_notes"]) == 0
    assert await arun(["migrate"]) == 0
    shaping.edit(COLUMN, MORE)
    assert await arun(["push"]) == 0
    shaping.edit(MORE, COLUMN)
    assert await arun(["push", "--allow", "drop-column:notes.body"]) == 0
    shaping.edit(COLUMN, COLUMN + ' Column("other", Text),')
    assert await arun(["generate", "--name", "add_other"]) == 0
    capsys.readouterr()
    assert await arun(["migrate"]) == 0
    assert "\napplied 0001_add_other in " in capsys.readouterr().out
    assert columns(direct) == ["id", "state", "other"]
    assert "pushed" not in facts(direct)


@pytest.mark.parametrize("by_hand", ["add by_hand int", "drop constraint notes_state_check"])
async def test_a_pushed_database_that_is_elsewhere_stops_the_migrations(
    shaping: Shaping, direct: Direct, by_hand: str, capsys: Capture
) -> None:
    assert await arun(["push"]) == 0
    assert await arun(["generate", "--name", "add_notes"]) == 0
    direct.execute(f"alter table notes {by_hand}")
    capsys.readouterr()
    assert await arun(["migrate"]) == 1
    said = capsys.readouterr().err
    assert "0000_add_notes.sql is not applied: this database was pushed to" in said
    assert "notes.by_hand" in said or "notes_state_check" in said
    assert "push again, then migrate" in said
    assert direct.execute("select count(*) from sendoka.migrations").fetchall() == [(0,)]
    # The way out that it names.
    assert await arun(["push", *(["--allow", "drop-column:notes.by_hand"] if "by_hand" in said else [])]) == 0
    assert await arun(["migrate"]) == 0
    assert columns(direct) == ["id", "state"]


async def test_without_its_snapshot_nobody_can_tell_where_a_pushed_database_is(
    shaping: Shaping, capsys: Capture
) -> None:
    assert await arun(["push"]) == 0
    assert await arun(["generate", "--name", "add_notes"]) == 0
    (shaping.folder / "migrations/meta/0000_add_notes.json").unlink()
    assert await arun(["migrate"]) == 1
    assert "meta/0000_add_notes.json is missing" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_push_that_is_killed_is_there_whole_or_not_at_all(shaping: Shaping, direct: Direct, number: int) -> None:
    assert run(["push"]) == 0
    shaping.edit(COLUMN, MORE)
    before = facts(direct)["pushed"]
    with direct.transaction():
        direct.execute("lock table notes in access share mode")
        process = subprocess.Popen([sys.executable, "-m", "sendoka", "push"], stderr=subprocess.PIPE, text=True)
        waits = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        while direct.execute(waits).fetchall() == [(0,)]:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert "interrupted: it was sent, and may still be applied" in said
    assert run(["push"]) == 0
    assert columns(direct) == ["id", "state", "body"]
    assert facts(direct)["pushed"] != before
