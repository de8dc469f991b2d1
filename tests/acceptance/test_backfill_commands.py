"""`sendoka backfill` new, pause, resume, cancel, verify, logs, and what run and status say of them."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest

from sendoka.bookkeeping import operator
from sendoka.cli._group import run as sendoka
from sendoka.discover import forget
from sendoka.quoting import ident, qualified
from tests.fixtures.backfill_project import PACE, PATIENCE, TOUCH, Project, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import psycopg

    Direct = psycopg.Connection[Any]
    Say = Callable[..., str]

WHERE = TOUCH.replace("verify=", "where='touched = 0', verify=")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> Path:
    """A project with one script, `touch`, whose folder is the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("NO_COLOR", "1")
    (tmp_path / "backfill").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.sendoka]\n", encoding="utf-8")
    write(tmp_path, "2026_04_22_touch", WHERE.format(name="touch", sleep=0))
    return tmp_path


@pytest.fixture
def say(folder: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run `sendoka backfill …`, expecting its exit status; return all that it printed."""

    def said(*arguments: str, exits: int = 0) -> str:
        forget(folder / "backfill")  # scripts are read once in a process
        status = sendoka(["backfill", *arguments])
        captured = capsys.readouterr()
        assert status == exits, captured.out + captured.err
        assert "pass-word" not in captured.out + captured.err
        return captured.out + captured.err

    return said


def write(folder: Path, stem: str, text: str) -> None:
    (folder / "backfill" / f"{stem}.py").write_text(text, encoding="utf-8")


def fill(direct: Direct, count: int) -> None:
    """Make the table with so many rows."""
    direct.execute("create table messages (id text primary key, touched int not null default 0)")
    direct.execute("insert into messages select 'm' || g from generate_series(1, %s) g", (count,))
    direct.execute("grant all on messages to public")


def touched(direct: Direct) -> dict[int, int]:
    return dict(direct.execute("select touched, count(*) from messages group by 1").fetchall())


def started(say: Say, direct: Direct, count: int = 30) -> None:
    """Do some of the backfill, and leave it stopped."""
    fill(direct, count)
    say("run", "touch", "--batch-size", "10")
    stopped = "state = 'stopped', reason = 'deadline', noted_at = clock_timestamp(), finished_at = null"
    direct.execute(f"update sendoka.backfill_runs set {stopped}".encode())
    direct.execute("update sendoka.backfill_shards set state = 'running'")
    direct.execute("update messages set touched = 0 where id = 'm1'")


# ------------------------------------------------------------------ new


def test_new_writes_a_dated_script_that_the_database_refuses_until_it_is_filled_in(
    say: Say, folder: Path, direct: Direct
) -> None:
    fill(direct, 7)
    said = say("new", "first_touch", "--table", "messages")
    (file,) = (folder / "backfill").glob("*_first_touch.py")
    assert re.fullmatch(r"\d{4}_\d\d_\d\d_first_touch.py", file.name)
    assert f"wrote backfill/{file.name}\n" in said
    assert "sendoka backfill run first_touch" in said
    assert "Say here in one line" in say("list")
    assert 'column "the_column" does not exist' in say("run", "first_touch", exits=3)
    text = file.read_text(encoding="utf-8")
    assert "where messages.id = page.id" in text
    assert "Walked by the primary key: id." in text
    file.write_text(
        text.replace("THE_COLUMN is null", "touched = 0").replace("THE_COLUMN = 'THE VALUE'", "touched = 5"),
        encoding="utf-8",
    )
    assert "7 rows scanned, 7 changed" in say("run", "first_touch")
    assert touched(direct) == {5: 7}


@pytest.mark.parametrize(
    ("table", "column"),
    [("order", "No"), ("two\nlines", "a\nb"), ('a"""b\\n', "\r\n\t\x7f\u2028\U000e0001é"), ('"q', '{"""}\\')],
    ids=["quoted", "lines", "quotes", "signs"],
)
def test_new_takes_a_key_of_several_columns_and_whatever_names_there_are(
    say: Say, folder: Path, direct: Direct, table: str, column: str
) -> None:
    quoted, number = qualified("app", table), ident(column)
    columns = f'"user" int, {number} int, done int, primary key ("user", {number})'
    direct.execute(f"create schema app; create table {quoted} ({columns})".encode())
    direct.execute(f"insert into {quoted} select g, g from generate_series(1, 5) g".encode())
    direct.execute(f"grant usage on schema app to public; grant all on {quoted} to public".encode())
    for form in ((), ("--python",)):
        name = "in_python" if form else "in_sql"
        made = json.loads(say("new", name, "--table", f"app.{table}", *form, "--json"))
        assert (made["name"], made["table"], made["python"]) == (name, f"app.{table}", bool(form))
        text = (folder / made["file"]).read_text(encoding="utf-8")
        filled = text.replace("THE_COLUMN = 'THE VALUE'", "done = 1").replace('"the_column": "THE VALUE"', '"done": 2')
        filled = filled.replace("THE_COLUMN is null", f"done is distinct from {1 + len(form)}")
        if form:
            filled = re.sub('# (source=".* from )….*', lambda found: found[1] + json.dumps(quoted)[1:] + ",", filled)
        (folder / made["file"]).write_text(filled, encoding="utf-8")
        assert json.loads(say("plan", name, "--json"))["by"] == ["user", column]
        assert "5 rows scanned, 5 changed" in say("run", name)
    assert direct.execute(f"select distinct done from {quoted}".encode()).fetchall() == [(2,)]


@pytest.mark.parametrize(
    ("arguments", "exits", "message"),
    [
        (["touch"], 2, "there is a backfill touch already: 2026_04_22_touch.py"),
        (["Big"], 2, "'Big' cannot be the name of a backfill"),
        (["a-b"], 2, "cannot be the name"),
        (["class"], 2, "it means something else in its script"),
        (["backfill"], 2, "cannot be the name"),
        (["../x"], 2, "cannot be the name"),
        (["a" * 61], 2, "cannot be the name"),
        (["x", "--table", ""], 2, "table= is the name of a table"),
        (["x", "--table", "gone"], 3, "the table gone of the backfill x does not exist"),
        (["x", "--table", "keyless"], 3, "has no primary key to walk by"),
        (["x", "--table", "messages", "--env-file", "nothing.env"], 2, "nothing.env"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else None,
)
def test_new_refuses_and_writes_nothing(
    say: Say, folder: Path, direct: Direct, arguments: list[str], exits: int, message: str
) -> None:
    direct.execute("create table keyless (id int)")
    before = sorted(file.name for file in (folder / "backfill").iterdir())
    assert message in say("new", *arguments, exits=exits)
    assert sorted(file.name for file in (folder / "backfill").iterdir() if file.suffix == ".py") == [
        name for name in before if name.endswith(".py")
    ]


def test_new_needs_no_database(say: Say, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL")
    made = json.loads(say("new", "later", "--table", "things", "--json"))
    text = (folder / made["file"]).read_text(encoding="utf-8")
    assert "update things set" in text
    assert "else key=[…]" in text


# ------------------------------------------------------------------ pause, resume, cancel


def test_pause_resume_and_cancel_say_what_they_did_and_what_comes_next(say: Say, direct: Direct) -> None:
    started(say, direct)
    who = operator()
    assert say("pause", "touch") == "touch: paused; no batch is done until: sendoka backfill resume touch\n"
    assert say("pause", "touch") == "touch was paused already; nothing to do\n"
    said = say("run", "touch", exits=130)
    assert f"touch is paused by {who}; so far 30 rows scanned, 30 changed\n" in said
    assert "no batch is done until: sendoka backfill resume touch" in said
    assert touched(direct) == {0: 1, 1: 29}
    said = say("status", "touch")
    assert said.startswith(f"touch: paused by {who}\n")
    assert said.endswith("  go on: sendoka backfill resume touch\n")
    assert json.loads(say("run", "touch", "--json", exits=130))["state"] == "paused"
    assert say("resume", "touch").startswith("touch: resumed; who waits for it goes on")
    assert say("resume", "touch") == "touch is not paused: stopped; nothing to do\n"
    assert say("status").startswith(f"touch: stopped: resumed by {who}, and nobody runs it yet\n")
    switched = json.loads(say("cancel", "touch", "--json"))
    assert switched == {"name": "touch", "run": 1, "state": "cancelled", "changed": True}
    assert f"touch is cancelled by {who}; so far" in say("run", "touch", exits=130)
    assert "a new run: sendoka backfill run touch --again" in say("status")
    assert "is cancelled, so it cannot be paused" in say("pause", "touch", exits=3)
    assert "touch is done and verified: 30 rows scanned, 1 changed" in say("run", "touch", "--again")
    assert touched(direct) == {1: 30}
    assert "is done, so it cannot be cancelled" in say("cancel", "touch", exits=3)


def test_a_process_that_runs_it_waits_while_it_is_paused_and_goes_on(
    folder: Path, say: Say, direct: Direct, database_url: str
) -> None:
    fill(direct, 200)
    direct.execute("create table pace (seconds float); insert into pace values (0.005); grant all on pace to public")
    write(folder, "2026_04_22_touch", WHERE.format(name="touch", sleep=PACE))
    (folder / "backfill").rename(folder / "kept")
    project = Project(folder, database_url)
    (folder / "backfill").rmdir()
    (folder / "kept").rename(folder / "backfill")
    try:
        process = project.start("run", "touch", "--batch-size", "10", "--events", "json")
        until(process, '"event": "batch"')
        say("pause", "touch")
        before = touched(direct)
        until(process, f"it is paused by {operator()}")
        direct.execute("update pace set seconds = 0")
        assert touched(direct) == before
        assert before[0] > 0
        say("resume", "touch")
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
    finally:
        project.stop()
    *_, last = [json.loads(line) for line in out.splitlines()]
    assert (last["event"], last["state"], last["changed"]) == ("done", "done", 200)
    assert touched(direct) == {1: 200}
    assert re.search(r"paused by .*\n.*resumed by .*\n.*continued by .*\n.*done by ", say("logs", "touch"))


# ------------------------------------------------------------------ verify and logs


def test_verify_exits_1_where_rows_are_left_and_changes_nothing(say: Say, folder: Path, direct: Direct) -> None:
    fill(direct, 3)
    assert say("verify", "touch", exits=1) == "touch: verify= counts 3 left to be done\n"
    told = json.loads(say("verify", "touch", "--json", exits=1))
    assert told == {"name": "touch", "left": 3, "dead": 0, "by": "verify"}
    assert touched(direct) == {0: 3}
    assert direct.execute("select count(*) from pg_namespace where nspname = 'sendoka'").fetchone() == (0,)
    say("run", "touch")
    assert say("verify", "touch") == "touch: nothing is left to be done\n"
    text = WHERE.format(name="mark", sleep=0)
    write(folder, "2026_04_23_mark", re.sub(r'verify="[^"]*",\n', "", text).replace("touched = 0", "touched = 1"))
    assert say("verify", "mark", exits=1) == "mark: 3 rows satisfy where=\n"


def test_logs_tell_who_did_what_with_which_script(say: Say, folder: Path, direct: Direct) -> None:
    started(say, direct)
    write(folder, "2026_04_22_touch", WHERE.format(name="touch", sleep=0) + "# more\n")
    assert "--accept-change" in say("run", "touch", exits=1)
    say("run", "touch", "--accept-change")
    said = say("logs", "touch").splitlines()
    who = re.escape(operator())
    moment = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC  "
    process = rf"\(process {os.getpid()} on [^)]+\)"
    assert re.fullmatch(rf"{moment}started by {who} {process} · script [0-9a-f]{{12}}", said[0])
    assert re.fullmatch(rf"{moment}script changed by {who} {process}: it was \w{{12}}, and is \w{{12}} · .*", said[2])
    assert said[-1].endswith(f"done by {operator()} " + said[0].partition(operator())[2].partition(" · ")[0].strip())
    facts = json.loads(say("logs", "touch", "--json"))
    assert (facts["name"], facts["run"], facts["state"]) == ("touch", 1, "done")
    assert [event["event"] for event in facts["events"]][:3] == ["started", "done", "script changed"]
    direct.execute("update messages set touched = 0")
    say("run", "touch", "--again")
    assert len(say("logs", "touch").splitlines()) == 2
    assert len(say("logs", "touch", "--run", "1").splitlines()) == len(said)
    assert "has no run 3\nits newest run is 2" in say("logs", "touch", "--run", "3", exits=2)
    (folder / "backfill" / "2026_04_22_touch.py").unlink()
    assert "started by" in say("logs", "touch"), "of a script that is gone too"


def test_both_checksums_of_a_changed_script_are_kept(say: Say, folder: Path, direct: Direct) -> None:
    started(say, direct)
    write(folder, "2026_04_22_touch", WHERE.format(name="touch", sleep=0) + "# more\n")
    say("run", "touch", "--accept-change")
    ((now, before),) = direct.execute("select checksum, former_checksums from sendoka.backfill_runs").fetchall()
    assert len(before) == 1
    assert now not in before


# ------------------------------------------------------------------ events and watching


def test_events_are_one_json_line_each_and_the_last_is_the_report(say: Say, direct: Direct) -> None:
    fill(direct, 25)
    lines = [json.loads(line) for line in say("run", "touch", "--batch-size", "10", "--events", "json").splitlines()]
    assert [line["event"] for line in lines] == ["warnings", "batch", "batch", "batch", "done"]
    assert lines[0]["warnings"] == [
        "pg_sleep() is volatile: it gives every row, and every try of a batch, another value"
    ]
    assert [line["scanned"] for line in lines] == [0, 10, 20, 25, 25]
    assert all(line["name"] == "touch" and line["at"].endswith("+00:00") for line in lines)
    assert [(line["shard"]["number"], line["shard"]["scanned"]) for line in lines[1:-1]] == [(0, 10), (0, 20), (0, 25)]
    assert [shard["scanned"] for shard in lines[-1]["shards"]] == [25]
    assert lines[-1]["batches"] == 3
    assert "give one of them" in say("run", "touch", "--events", "json", "--json", exits=2)
    direct.execute("update messages set touched = 0; alter table messages add check (touched = 0)")
    *_, last = say("run", "touch", "--again", "--events", "json", exits=3).splitlines()
    assert json.loads(last)["error"]["type"] == "BatchFailed"


def test_watch_prints_lines_as_it_changes_until_all_is_over(
    say: Say, direct: Direct, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(say, direct)
    looks: list[float] = []

    async def sleep(seconds: float) -> None:
        """Stand in for the wait between two looks: it changes behind the second one."""
        looks.append(seconds)
        if len(looks) == 2:
            direct.execute("update sendoka.backfill_runs set state = 'cancelled', reason = 'by x'")

    # Only what this module calls so: with all sleeps gone the endpoint's own loop would never end.
    monkeypatch.setattr("sendoka.cli.backfill.status.asyncio", SimpleNamespace(sleep=sleep))
    said = say("status", "touch", "--watch", "--every", "0.2")
    assert looks == [0.2, 0.2]
    assert said.splitlines() == [
        "touch: stopped: its deadline came; pass 1 · 30 of about 30 rows scanned · 30 changed · 4 batches",
        "touch: cancelled by x; pass 1 · 30 of about 30 rows scanned · 30 changed · 4 batches",
    ]
    (facts,) = [json.loads(line) for line in say("status", "--watch", "--json").splitlines()]
    assert (facts["name"], facts["state"]) == ("touch", "cancelled")
    assert "--every is for --watch" in say("status", "--every", "2", exits=2)


def test_watch_redraws_on_a_terminal(folder: Path, say: Say, direct: Direct, database_url: str) -> None:
    started(say, direct)
    say("run", "touch")
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    command = [sys.executable, "-m", "sendoka", "backfill", "status", "touch", "--watch"]
    process = subprocess.Popen(command, cwd=folder, env=environ, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            more = os.read(ours, 4096)
        except OSError:  # the end, on Linux
            break
        if not more:
            break
        shown += more
    os.close(ours)
    assert process.wait(PATIENCE) == 0
    assert "touch: done" in shown.decode()
    assert "\x1b[?25l" in shown.decode(), "the cursor is hidden while it draws"


# ------------------------------------------------------------------ wrong input


@pytest.mark.parametrize("command", ["pause", "resume", "cancel", "logs"])
def test_what_was_never_run_exits_2_with_the_nearest_name(say: Say, direct: Direct, command: str) -> None:
    never = "the backfill touch was never run on this database\nbegin it with: sendoka backfill run touch"
    assert never in say(command, "touch", exits=2)
    fill(direct, 1)
    say("run", "touch")
    assert "did you mean touch?" in say(command, "tuch", exits=2)
    error = json.loads(say(command, "tuch", "--json", exits=2))["error"]
    assert (error["type"], error["exit_code"]) == ("UnknownBackfill", 2)


SCRIPTS = [
    ("import no_such_thing\n", "cannot be imported: ModuleNotFoundError: No module named 'no_such_thing'"),
    ("from sendoka.backfills import gone\n", "cannot be imported: ImportError: cannot import name 'gone'"),
    ("x = 1\n", "defines no backfill"),
    (WHERE.format(name="tuch", sleep=0), "calls its backfill 'tuch'"),
    (WHERE.format(name="touch", sleep=0) + WHERE.format(name="two", sleep=0), "defines 2 backfills (touch, two)"),
    ("def (:\n", "cannot be imported: SyntaxError"),
]


@pytest.mark.parametrize(("text", "message"), SCRIPTS, ids=[message[:40] for _, message in SCRIPTS])
def test_a_wrong_script_exits_2_and_nothing_is_sent(
    say: Say, folder: Path, direct: Direct, text: str, message: str
) -> None:
    fill(direct, 2)
    write(folder, "2026_04_22_touch", text)
    for command in ("run", "verify"):
        assert message in say(command, "touch", exits=2)
        assert message in json.loads(say(command, "touch", "--json", exits=2))["error"]["message"]
    assert touched(direct) == {0: 2}
    assert "touch" in say("list")
    assert say("status") == "touch: not started\n"


def test_two_scripts_of_one_name_are_refused_by_every_command_that_loads_one(say: Say, folder: Path) -> None:
    write(folder, "2026_05_01_touch", WHERE.format(name="touch", sleep=0))
    for command in ("run", "verify"):
        said = say(command, "touch", exits=2)
        assert "2 scripts are called 'touch': 2026_04_22_touch.py, 2026_05_01_touch.py" in said
    assert "there is a backfill touch already" in say("new", "touch", exits=2)
    assert say("list").count("touch  Touch every message.") == 2
    assert say("status") == "touch: not started\n"


def test_a_run_of_nobody_is_somebodys(say: Say, folder: Path, direct: Direct, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the environment says nothing, and the host has no name, nobody is known."""
    for name in ("USER", "LOGNAME", "USERNAME", "HOSTNAME", "COMPUTERNAME", "AWS_LAMBDA_FUNCTION_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delattr(os, "uname")
    monkeypatch.setattr("pwd.getpwuid", Mock(side_effect=KeyError("uid not found")))
    started(say, direct)
    say("pause", "touch")
    assert "touch: paused by somebody\n" in say("status")
    assert "UTC by somebody\n" in say("status")
    say("resume", "touch")
    say("run", "touch")
    assert re.search(r"touch was done [\d: -]+ UTC by somebody: ", say("run", "touch"))
    said = say("logs", "touch")
    assert "started by somebody (process " in said
    assert "paused by somebody (process " in said


def test_a_role_that_may_only_read_our_tables_switches_nothing(say: Say, direct: Direct) -> None:
    started(say, direct)
    ((me,),) = direct.execute("select current_user").fetchall()
    direct.execute(f'alter table sendoka.backfill_runs owner to "{me}"'.encode())
    for command in ("status", "logs", "pause"):
        said = say(command, "touch", exits=3)
        assert "permission denied for table backfill_runs" in said
        assert "select, insert, update and delete on all its tables" in said
    direct.execute("grant select on sendoka.backfill_runs to public")
    assert say("status").startswith("touch: stopped: its deadline came\n")
    for command in ("pause", "cancel", "run"):
        assert "permission denied for table backfill_runs" in say(command, "touch", exits=3)
    assert direct.execute("select state from sendoka.backfill_runs").fetchall() == [("stopped",)]
    assert direct.execute("select held from sendoka.backfill_shards").fetchall() == [(False,)]
    assert touched(direct) == {0: 1, 1: 29}


ALL = ["run", "status", "pause", "resume", "cancel", "logs", "plan", "verify", "retry-dead", "report"]


@pytest.mark.parametrize("command", ALL)
def test_a_role_without_rights_on_our_tables_is_told_what_to_grant(say: Say, direct: Direct, command: str) -> None:
    fill(direct, 3)
    direct.execute("create schema sendoka; create table sendoka.backfill_runs (id bigint)")
    direct.execute("revoke all on schema sendoka from public")
    arguments = () if command == "status" else ("touch",)
    said = say(command, *arguments, exits=3)
    assert "permission denied for schema sendoka" in said
    assert "grant the role usage on schema sendoka" in said
    assert touched(direct) == {0: 3}


def test_list_and_new_need_no_right_on_our_tables(say: Say, direct: Direct) -> None:
    fill(direct, 3)
    direct.execute("create schema sendoka; create table sendoka.backfill_runs (id bigint)")
    direct.execute("revoke all on schema sendoka from public")
    assert "touch" in say("list")
    assert "another.py" in say("new", "another", "--table", "messages")


# ------------------------------------------------------------------ report


def test_the_report_is_a_page_beside_or_where_it_is_told(say: Say, folder: Path, direct: Direct) -> None:
    fill(direct, 3)
    say("run", "touch")
    assert "touch-run-1.html: run 1 of touch, done" in say("report", "touch")
    assert "touch, run 1" in (folder / "touch-run-1.html").read_text(encoding="utf-8")
    assert say("report", "touch", "--output", "of it.html").startswith("of it.html: ")
    (folder / "touch-run-1.html").unlink()
    facts = json.loads(say("report", "touch", "--json"))
    assert facts["run"]["state"] == "done"
    assert sum(slot["batches"] for slot in facts["slots"]) == facts["totals"]["seq"]
    assert not (folder / "touch-run-1.html").exists(), "figures were asked for, and no page"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("touhc",), "did you mean"),
        (("touch", "--run", "7"), "has no run 7"),
        (("touch", "--run", "0"), "0 is not in the range"),
        (("touch", "--output", "missing/page.html"), "give another place: --output FILE"),
        (("touch", "--output", "."), "give another place: --output FILE"),
        (("touch", "--output", "postgresql://u:pass-word@h/d"), "this is a connection string"),
    ],
)
def test_a_report_that_cannot_be_made_says_why(say: Say, direct: Direct, arguments: tuple[str, ...], said: str) -> None:
    fill(direct, 3)
    say("run", "touch")
    assert said in say("report", *arguments, exits=2)
