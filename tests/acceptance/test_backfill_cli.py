"""`sendoka backfill` as a process: what it prints, how it exits, and what it does with signals."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.documents import ROOT
from tests.fixtures.backfill_project import PACE, PATIENCE, STEP, TOUCH, Project, set_pace, touching, until
from tests.fixtures.backfills import make_messages, touched, value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sendoka.http.client import Neon


@pytest.fixture
def project(tmp_path: Path, database_url: str) -> Iterator[Project]:
    """A project with one script, `touch`, dated."""
    with touching(tmp_path, database_url) as found:
        yield found


async def test_it_runs_to_its_end_and_a_second_time_says_when_that_was(project: Project, sql: Neon) -> None:
    await make_messages(sql, 500)
    said = project.run("run", "touch", "--batch-size", "50")
    assert re.search(r"touch: 50 of about 500 rows scanned · 50 changed · [\d,]+ rows/s", said)
    assert "touch is done and verified: 500 rows scanned, 500 changed; 11 batches" in said
    assert "touch was done 2" in project.run("run", "touch")
    assert await touched(sql) == {"1": 500}


async def test_json_is_one_object_with_the_same_facts(project: Project, sql: Neon) -> None:
    await make_messages(sql, 60)
    report = json.loads(project.run("run", "touch", "--json"))
    assert (report["state"], report["scanned"], report["changed"], report["was_done"]) == ("done", 60, 60, False)
    assert json.loads(project.run("run", "touch", "--json"))["was_done"] is True


def test_an_unknown_name_shows_the_nearest_and_exits_2(project: Project) -> None:
    said = project.run("run", "tuch", exits=2)
    assert "error: there is no backfill 'tuch'" in said
    assert "did you mean touch?" in said


def test_two_scripts_of_one_name_exit_2(project: Project) -> None:
    project.script("2026_05_01_touch", TOUCH.format(name="touch", sleep=0))
    assert "2 scripts are called 'touch'" in project.run("run", "touch", exits=2)


async def test_a_missing_table_exits_3_and_changes_nothing(project: Project, sql: Neon) -> None:
    said = project.run("run", "touch", exits=3)
    assert said.startswith("error: the table messages of the backfill touch does not exist\n")
    error = json.loads(project.run("run", "touch", "--json", exits=3))["error"]
    assert (error["type"], error["exit_code"]) == ("BackfillError", 3)
    assert await value(sql, "select count(*) from pg_namespace where nspname = 'sendoka'") == "0"


async def test_a_deadline_exits_130_and_the_next_run_goes_on(project: Project, sql: Neon) -> None:
    await make_messages(sql, 300)
    project.script("2026_04_22_touch", TOUCH.format(name="touch", sleep=0.004))
    said = project.run("run", "touch", "--batch-size", "25", "--deadline", "0.5", exits=130)
    assert "touch stopped: its deadline came; so far " in said
    assert "it goes on where it stands: sendoka backfill run touch" in said
    assert "is done and verified: 300 rows scanned" in project.run("run", "touch")
    assert await touched(sql) == {"1": 300}


async def test_a_changed_script_exits_1_unless_accepted(project: Project, sql: Neon) -> None:
    await make_messages(sql, 200)
    project.script("2026_04_22_touch", TOUCH.format(name="touch", sleep=0.01))
    await begin(project, sql, "batches", "touch", "--batch-size", "25", seconds=1)
    project.script("2026_04_22_touch", TOUCH.format(name="touch", sleep=0))
    assert "go on with the new one: --accept-change" in project.run("run", "touch", exits=1)
    assert "script changed" in project.run("status")
    project.run("run", "touch", "--accept-change")
    assert await touched(sql) == {"1": 200}


async def test_a_failing_batch_exits_3_and_says_where(project: Project, sql: Neon) -> None:
    await make_messages(sql, 30)
    await sql("alter table messages add check (touched = 0) not valid")
    said = project.run("run", "touch", exits=3)
    assert "error: the backfill touch stops: each of the first 30 rows failed" in said
    assert "(23514)" in said
    said = project.run("run", "touch", "--max-dead", "0", exits=3)
    assert "error: a batch of the backfill touch failed: " in said
    assert "(23514)" in said
    assert "at the first key" in said


async def test_rows_that_cannot_be_changed_are_left_out_and_tried_again(project: Project, sql: Neon) -> None:
    for options in ((), ("--list",)):
        assert "error: the backfill touch was never run" in project.run("retry-dead", "touch", *options, exits=2)
    await make_messages(sql, 30)
    await sql("update messages set org_id = 'poison' where id in (select id from messages order by id offset 28)")
    await sql("alter table messages add constraint sound check (org_id <> 'poison' or touched = 0)")
    said = project.run("run", "touch", exits=1)
    assert "touch is done and verified: 30 rows scanned, 28 changed" in said
    assert "2 rows could not be changed and were left out" in said
    assert "sendoka backfill retry-dead touch" in said
    assert "2 rows were left out" in project.run("status")
    assert json.loads(project.run("status", "--json"))["backfills"][0]["dead"] == 2
    assert "2 rows could not be changed and were left out" in project.run("run", "touch", exits=1)  # it was done before
    assert "2 rows were left out by its run" in project.run("verify", "touch", exits=1)
    said = project.run("retry-dead", "touch", "--list", exits=1)
    assert said.startswith("touch: 2 rows were left out\n")
    assert said.count('violates check constraint "sound" (23514), tried 1 time\n') == 2
    await sql("update sendoka.dead_letters set message = $1", "404\nFor more: \x1b[2J")
    assert "]: 404 For more: \N{REPLACEMENT CHARACTER}[2J (23514), tried 1 time\n" in project.run(
        "retry-dead", "touch", "--list", exits=1
    )
    listed = json.loads(project.run("retry-dead", "touch", "--list", "--json", exits=1))
    assert (listed["dead"], listed["letters"][0]["sqlstate"], listed["letters"][0]["attempt"]) == (2, "23514", 1)
    said = project.run("retry-dead", "touch", exits=1)
    assert "touch: 2 rows tried again, 0 of them settled, 2 left" in said
    assert said.count('violates check constraint "sound" (23514), tried 2 times') == 2
    await sql("update messages set org_id = 'org_1' where id = (select max(id) from messages)")
    told = json.loads(project.run("retry-dead", "touch", "--json", exits=1))
    assert (told["tried"], told["settled"], told["dead"], told["letters"][0]["attempt"]) == (2, 1, 1, 3)
    await sql("update messages set org_id = 'org_1' where org_id = 'poison'")
    assert project.run("retry-dead", "touch") == "touch: 1 row tried again, 1 of them settled, 0 left\n"
    assert project.run("retry-dead", "touch") == "touch has no dead letters: nothing to do\n"
    assert project.run("retry-dead", "touch", "--list") == "touch has no dead letters\n"
    assert await touched(sql) == {"1": 30}
    assert "nothing to do" in project.run("run", "touch")
    assert project.run("logs", "touch").count("retried") == 3


async def test_a_paused_run_has_no_letter_tried_and_says_so(project: Project, sql: Neon) -> None:
    await make_messages(sql, 30)
    await sql("update messages set org_id = 'poison'")
    await sql("alter table messages add constraint sound check (org_id <> 'poison' or touched = 0)")
    project.run("run", "touch", "--batch-size", "10", exits=3)  # ten may be left out as long as no row went well
    project.run("pause", "touch")
    said = project.run("retry-dead", "touch", exits=130)
    assert re.match(
        r"touch is paused by .*\nlet it go on first: sendoka backfill resume touch\ntouch: 0 rows tried", said
    )


async def test_status_and_list_tell_what_there_is(project: Project, sql: Neon) -> None:
    assert project.run("list") == "touch  Touch every message.  (2026_04_22_touch.py)\n"
    assert project.run("status") == "touch: not started\n"
    await make_messages(sql, 70)
    project.run("run", "touch")
    project.script("2026_06_01_later", "raise SystemExit  # never imported by status")
    (project.folder / "backfill" / "2026_04_22_touch.py").unlink()
    said = project.run("status")
    assert "later: not started" in said
    assert "touch: done · script gone" in said
    assert "pass 1 · 70 rows scanned · 70 changed · 1 batch\n" in said
    assert re.search(r"done \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC by ", said)
    (facts,) = json.loads(project.run("status", "touch", "--json"))["backfills"]
    assert (facts["state"], facts["scanned"], facts["script"]) == ("done", 70, "gone")
    assert "did you mean touch?" in project.run("status", "toch", exits=2)


def test_the_group_alone_shows_its_help_and_a_mistyped_command_the_nearest(project: Project) -> None:
    said = project.run()
    assert said.startswith("Usage: sendoka backfill ")
    assert "error" not in said
    assert "no command 'staus'; did you mean 'status'?" in project.run("staus", exits=2)


def test_a_host_that_does_not_exist_and_a_closed_port_are_said_at_once(project: Project) -> None:
    for place in ("no-such-host.invalid", "localhost:1"):
        project.environ["DATABASE_URL"] = f"postgresql://u:pass-word@{place}/db"
        began = time.monotonic()
        assert project.run("run", "touch", exits=3).startswith("error: ")
        assert time.monotonic() - began < 8


def test_a_script_that_raises_exits_2_with_its_file_and_line(project: Project) -> None:
    project.script("2026_04_22_touch", "\nraise RuntimeError('boom')\n")
    said = project.run("run", "touch", exits=2)
    assert said.startswith("error: 2026_04_22_touch.py, line 2 cannot be imported: RuntimeError: boom\n")
    assert "Traceback" not in said


async def test_a_finished_one_offers_to_begin_again(project: Project, sql: Neon) -> None:
    text = TOUCH.format(name="touch", sleep=0).replace("verify=", "where='touched = 0', verify=")
    project.script("2026_04_22_touch", text)
    await make_messages(sql, 20)
    project.run("run", "touch")
    await sql("update messages set touched = 0 where org_id = 'org_1'")
    said = project.run("run", "touch", "--accept-change")
    assert "2 rows satisfy where= again, and nothing was changed" in said
    assert "sendoka backfill run touch --again" in said
    assert "is done and verified: 20 rows scanned, 2 changed; 1 batch, " in project.run("run", "touch", "--again")
    project.script("2026_04_22_touch", text + "# more\n")
    assert "its script changed since" in project.run("run", "touch")


async def test_status_tells_how_a_run_ended_and_how_it_goes_on(project: Project, sql: Neon) -> None:
    await make_messages(sql, 300)
    project.script("2026_04_22_touch", TOUCH.format(name="touch", sleep=0.01))
    report = json.loads(await begin(project, sql, "batches", "touch", "--batch-size", "25", "--json", seconds=1))
    (facts,) = json.loads(project.run("status", "--json"))["backfills"]
    same = ("name", "run", "state", "reason", "scanned", "changed", "unchanged", "passes", "batches", "started_at")
    assert [facts[each] for each in same] == [report[each] for each in same]
    said = project.run("status")
    assert said.startswith("touch: stopped: its deadline came\n")
    assert re.search(r"^  last batch \d+ s ago$", said, re.MULTILINE)
    assert said.endswith("  go on: sendoka backfill run touch\n")
    process = project.start("run", "touch", "--batch-size", "25")
    until(process, "rows scanned")
    assert f"touch: running by process {process.pid} on " in project.run("status")
    process.kill()
    process.communicate()
    assert f"touch: stopped: process {process.pid} on " in project.run("status")
    await sql("alter table messages add check (touched = 0) not valid")
    project.run("run", "touch", exits=3)
    assert re.match(r"touch: failed: the backfill touch stops: .* \(23514\)\n", project.run("status"))
    (project.folder / "backfill" / "2026_04_22_touch.py").unlink()
    assert "restore the file" in project.run("status")


async def test_sigterm_while_it_waits_for_a_lease_ends_it_at_once(project: Project, sql: Neon) -> None:
    await make_messages(sql, 100)
    head = STEP.partition("async def main")[0]
    project.script("2026_04_23_step", head)
    project.environ["PACE"] = "60"
    await begin(project, sql, "shards", "step", "--batch-size", "10", seconds=0.2)
    before = await touched(sql)
    await sql("update sendoka.backfill_shards set owner = 'host:1:x', lease_until = now() + interval '30 s'")
    process = project.start("run", "step", "--batch-size", "10")
    until(process, "step: waiting: process 1 on host holds it, for at most ")
    await asyncio.sleep(2.2)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, out + err
    assert time.monotonic() - began < 2
    assert "waiting" not in out
    assert await touched(sql) == before


async def begin(project: Project, sql: Neon, what: str, *arguments: str, seconds: float) -> str:
    """Run a backfill for so many seconds, more on a busy machine, until it has a row of `sendoka.backfill_…`.

    Returns what the last call said.
    """
    table = f"sendoka.backfill_{what}"
    while True:
        said = project.run("run", *arguments, "--deadline", f"{seconds:g}", exits=130)
        there = await sql("select to_regclass($1) is not null", table).value()
        if there and await sql(f"select exists (select from {table})").value():
            return said
        seconds *= 1.5


@pytest.mark.parametrize(
    ("number", "workers"), [(signal.SIGINT, "1"), (signal.SIGTERM, "1"), (signal.SIGINT, "4")], ids=str
)
async def test_one_signal_finishes_the_batch(project: Project, sql: Neon, number: int, workers: str) -> None:
    await make_messages(sql, 400)
    await set_pace(sql, 0.01)
    project.script("2026_04_22_touch", TOUCH.format(name="touch", sleep=PACE))
    process = project.start("run", "touch", "--batch-size", "40", "--workers", workers, "--shards", workers)
    until(process, "rows scanned")
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, out + err
    assert f"finishing the {'batch' if workers == '1' else 'batches'}; Ctrl-C again stops at once" in err
    assert "touch stopped: it was interrupted" in out
    done = int((await touched(sql))["1"])
    assert done % 20 == 0  # a shard of a hundred rows ends with a batch of twenty
    assert f"so far {done} rows scanned, {done} changed" in out
    await set_pace(sql, 0)
    project.run("run", "touch")
    assert await touched(sql) == {"1": 400}


@pytest.mark.parametrize("workers", ["1", "4"])
async def test_a_second_ctrl_c_stops_at_once_and_nothing_is_lost(project: Project, sql: Neon, workers: str) -> None:
    await make_messages(sql, 100)
    project.script("2026_04_22_touch", TOUCH.format(name="touch", sleep=0.1))
    process = project.start("run", "touch", "--batch-size", "10", "--workers", workers, "--shards", workers)
    until(process, "rows scanned")
    await asyncio.sleep(0.3)  # the next batch is on its way
    process.send_signal(signal.SIGINT)
    await asyncio.sleep(0.2)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert time.monotonic() - began < 0.8
    assert "stopped at once; it goes on where it stands: sendoka backfill run touch" in err
    assert "interrupted" not in err
    assert "Traceback" not in err
    project.script("2026_04_22_touch", TOUCH.format(name="touch", sleep=0))
    project.run("run", "touch", "--accept-change")
    assert await touched(sql) == {"1": 100}


async def test_a_narrow_terminal_keeps_bar_percent_and_time_left(project: Project, sql: Neon) -> None:
    name = "a_backfill_with_quite_a_long_name"
    project.script(f"2026_04_23_{name}", TOUCH.format(name=name, sleep=0))
    project.environ |= {"COLUMNS": "80", "TERM": "xterm-256color"}
    del project.environ["NO_COLOR"]  # without colours a bar is only as long as what is done
    shown = await on_a_terminal(project, sql, name)
    lines = [line for line in re.split(r"[\r\n]+|\x1b\[[\d?]*[A-Za-z]", shown) if "rows/s" in line]
    assert lines
    for line in lines:
        assert len(line) <= 80
        assert "a_backfill_with" in line
        assert re.search("[━╸╺]{10}", line)
        assert "%" in line
        assert line.rstrip().endswith(" left")
    assert "rows scanned ·" not in shown


async def test_a_terminal_is_shown_a_bar(project: Project, sql: Neon) -> None:
    text = await on_a_terminal(project, sql, "touch")
    assert "━" in text
    assert "rows/s" in text
    assert "500 of about 500 rows scanned" in text


async def on_a_terminal(project: Project, sql: Neon, name: str) -> str:
    """Return all that a run writes to a terminal, colours left out."""
    await make_messages(sql, 500)
    ours, theirs = pty.openpty()
    process = project.show(theirs, "run", name, "--batch-size", "50")
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
    return re.sub(r"\x1b\[[\d;]*m", "", shown.decode())


# ------------------------------------------------------------------ the application's own script


async def test_the_applications_messages_get_the_tenants_of_their_orgs(
    tmp_path: Path, database_url: str, sql: Neon
) -> None:
    from sendoka import migrate

    await migrate(sql, ROOT / "migrations")
    await sql.transaction(
        [
            sql("insert into orgs (id, name, slug) values ('org_a', 'A', 'a'), ('org_b', 'B', 'b')"),
            sql("insert into tenants (id, org_id, name) values ('ten_a', 'org_a', 'A'), ('ten_x', 'org_a', 'X')"),
            sql("update orgs set default_tenant_id = 'ten_a' where id = 'org_a'"),
            sql(
                """insert into messages (id, org_id, tenant_id, sender, recipient)
                   select 'msg_' || g, case when g % 4 = 0 then 'org_b' else 'org_a' end,
                     case when g % 10 = 1 then 'ten_x' end, 's', 'r' from generate_series(1, 400) g"""
            ),
        ]
    )
    project = Project(tmp_path, database_url)
    project.folder = ROOT
    said = project.run("run", "message_tenants", "--batch-size", "30")
    assert "message_tenants is done and verified: 400 rows scanned, 260 changed" in said
    rows = await sql("select org_id, tenant_id, count(*)::int as n from messages group by 1, 2 order by 1, 2")
    assert [tuple(row) for row in rows] == [
        ("org_a", "ten_a", 260),
        ("org_a", "ten_x", 40),
        ("org_b", None, 100),
    ]
