"""docs/backfills.md, done as it says: both forms, the commands, the functions, and the recipes for crons."""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from sendoka import neon
from sendoka.backfills import run as run_backfill
from sendoka.backfills.scripts import load
from sendoka.cli._group import run as sendoka
from sendoka.discover import forget
from tests.acceptance.test_guide import run_over_ten_messages
from tests.acceptance.test_readme import apply_migrations, commands, execute, loaded
from tests.documents import ROOT, blocks_of
from tests.fixtures.fleet import small

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from tests.documents import Block

    Direct = psycopg.Connection[Any]

TEXT = (ROOT / "docs/backfills.md").read_text(encoding="utf-8")
PYTHON = blocks_of("docs/backfills.md", language="python")
SHELL = blocks_of("docs/backfills.md", language="sh")
YAML = blocks_of("docs/backfills.md", language="yaml")

FILES = {
    block.code.partition("\n")[0].removeprefix("# "): block.code for block in PYTHON if block.code.startswith("# ")
}
SCRIPTS = [block for block in PYTHON if block.code.startswith('"""')]
ROWS = 60


@pytest.fixture
def folder(tmp_path: Path, database_url: str, direct: Direct, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the page's script in SQL, and a database with messages without a tenant."""
    apply_migrations(database_url)
    direct.execute("insert into orgs (id, name, slug) values ('org_a', 'A', 'a')")
    direct.execute("insert into tenants (id, org_id, name) values ('ten_a', 'org_a', 'A')")
    direct.execute("update orgs set default_tenant_id = 'ten_a'")
    columns = "insert into messages (id, org_id, sender, recipient)"
    direct.execute(f"{columns} select 'msg_' || g, 'org_a', 's', 'r' from generate_series(1, %s) g".encode(), (ROWS,))
    (tmp_path / "backfill").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.sendoka]\n", encoding="utf-8")
    (tmp_path / "backfill" / "2026_04_22_message_tenants.py").write_text(SCRIPTS[0].code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    return tmp_path


def left(direct: Direct) -> int:
    ((count,),) = direct.execute("select count(*) from messages where tenant_id is null").fetchall()
    return int(count)


def begin(folder: Path, url: str) -> None:
    """Do one batch of ten, and stop."""

    async def go() -> None:
        async with neon(url, transport="native") as sql:
            fill = load(folder / "backfill", "message_tenants")
            await run_backfill(sql, fill, batch_size=10, stop=iter([False, True, True]).__next__)

    asyncio.run(go())


def slowly(direct: Direct, seconds: float) -> None:
    """Let every message take so long to be changed."""
    direct.execute(
        f"""create function slow() returns trigger language plpgsql as
        $$ begin perform pg_sleep({seconds}); return new; end $$""".encode()
    )
    direct.execute("create trigger slow before update on messages for each row execute function slow()")


def test_every_block_is_run_here() -> None:
    ours = {"again.py", "chosen.py", "fill.py", "fleet.py", "hold.py", "positions.py"}
    assert set(FILES) == {*ours, "backfill_handler.py", "cron.py"}
    assert (len(SCRIPTS), len(SHELL), len(YAML)) == (3, 7, 1)


@pytest.mark.parametrize("block", SCRIPTS, ids=str)
def test_both_forms(block: Block, database_url: str, tmp_path: Path) -> None:
    apply_migrations(database_url)
    assert asyncio.run(run_over_ten_messages(database_url, loaded(block, tmp_path))) == 10


def test_new_writes_what_the_page_says(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = commands(SHELL[:1])
    (folder / "backfill" / "2026_04_22_message_tenants.py").unlink()
    assert sendoka(line.split()[1:]) == 0
    assert re.search(r"wrote backfill/\d{4}_\d\d_\d\d_message_tenants.py", capsys.readouterr().out)


def test_rows_are_chosen_in_four_ways(folder: Path, database_url: str, direct: Direct) -> None:
    (folder / "ids.csv").write_text("id,why\nmsg_9,asked for\nmsg_10,\n", encoding="utf-8")
    names: dict[str, Any] = {"__name__": "chosen"}
    exec(compile(FILES["chosen.py"], "chosen.py", "exec"), names)  # noqa: S102 - the page's own code

    async def go(*chosen: str) -> list[int]:
        async with neon(database_url, transport="native") as sql:
            return [(await run_backfill(sql, replace(names[each], given_name=each))).changed for each in chosen]

    assert asyncio.run(go("by_list", "by_file", "by_function")) == [3, 2, 4]
    assert left(direct) == ROWS - 9
    assert asyncio.run(go("by_query")) == [ROWS - 9]


def test_a_number_goes_on_where_the_batch_before_ended(folder: Path, database_url: str, direct: Direct) -> None:
    direct.execute("alter table messages add position int")
    direct.execute("create index on messages (created_at, id)")
    names: dict[str, Any] = {"__name__": "positions"}
    exec(compile(FILES["positions.py"], "positions.py", "exec"), names)  # noqa: S102 - the page's own code

    async def go() -> None:
        async with neon(database_url, transport="native") as sql:
            await run_backfill(sql, names["message_positions"], batch_size=7)

    asyncio.run(go())
    numbers = direct.execute("select position from messages order by created_at, id").fetchall()
    assert numbers == [(number,) for number in range(1, ROWS + 1)]


def test_the_commands_run_it_and_tell_of_it(folder: Path, direct: Direct, capsys: pytest.CaptureFixture[str]) -> None:
    statuses = [sendoka(line.split()[1:]) for line in commands(SHELL[1:2])]
    assert statuses == [0, 0, 1, 0, 0, 0, 0, 0]
    out = capsys.readouterr().out
    assert "nothing was changed; do it: sendoka backfill run message_tenants" in out
    assert f"message_tenants: {ROWS} rows satisfy where=\n" in out
    assert "nothing is left to be done" in out
    assert re.search(r"UTC {2}done by ", out)
    assert left(direct) == 0


def test_a_run_keeps_to_a_pace_that_plan_says(folder: Path, direct: Direct, capsys: pytest.CaptureFixture[str]) -> None:
    assert [sendoka(line.split()[1:]) for line in commands(SHELL[2:3])] == [0, 0]
    out = capsys.readouterr().out
    assert re.search(r"pace +2,000/s at most\n +20 MB/s of WAL at most\n", out)
    assert "vacuum of the table: vacuum" in " ".join(out.split())
    assert left(direct) == 0


def test_the_commands_hold_it(
    folder: Path, direct: Direct, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(folder, database_url)
    statuses, lefts = [], []
    for line in commands(SHELL[3:4]):
        statuses.append(sendoka(line.split()[1:]))
        lefts.append(left(direct))
    assert statuses == [0] * 5
    assert lefts == [ROWS - 10] * 4 + [0]
    out = capsys.readouterr().out
    assert "message_tenants: paused by " in out
    assert f"is done and verified: {ROWS} rows scanned, {ROWS - 10} changed" in out


def test_several_workers_share_a_run(folder: Path, direct: Direct) -> None:
    assert [sendoka(line.split()[1:]) for line in commands(SHELL[5:6])] == [0]
    assert left(direct) == 0


def test_a_fleet_runs_it(
    folder: Path, direct: Direct, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with small() as cluster:
        (line,) = commands(SHELL[6:7])
        monkeypatch.setenv("DASK_SCHEDULER", cluster.scheduler_address)
        assert sendoka(line.replace("tcp://scheduler:8786", cluster.scheduler_address).split()[1:]) == 0
        assert left(direct) == 0
        assert f"message_tenants is done and verified: {ROWS} rows scanned" in capsys.readouterr().out
        execute(FILES["fleet.py"], __file__=str(folder / "fleet.py"))
        assert capsys.readouterr().out == f"done {ROWS} 1\n"


def test_rows_that_cannot_be_changed_are_tried_again(
    folder: Path, direct: Direct, capsys: pytest.CaptureFixture[str]
) -> None:
    direct.execute(
        "alter table messages add constraint sound check (id not in ('msg_7', 'msg_8') or tenant_id is null)"
    )
    assert [sendoka(line.split()[1:]) for line in commands(SHELL[4:5])] == [1, 1, 1]
    assert "2 rows could not be changed and were left out" in capsys.readouterr().out
    direct.execute("alter table messages drop constraint sound")
    direct.execute("alter table messages add constraint sound check (id <> 'msg_7' or tenant_id is null)")
    execute(FILES["again.py"], __file__=str(folder / "again.py"))
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "2 1 1"
    assert re.match(r'\["msg_7"\] 23514 new row .* violates check constraint "sound" 3$', said[1])
    assert left(direct) == 1


def test_the_functions_do_the_same(
    folder: Path, direct: Direct, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(folder, database_url)
    execute(FILES["hold.py"])
    assert capsys.readouterr().out == "message_tenants paused True\n"
    execute(FILES["fill.py"], __file__=str(folder / "fill.py"))
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == [f"left: {ROWS - 10}", f"done  {ROWS}"]
    assert [line.split()[1] for line in said[2:]] == ["started", "stopped", "paused", "resumed", "continued", "done"]
    assert left(direct) == 0


# ------------------------------------------------------------------ crons


class Context:
    """What Lambda gives a handler, of an invocation that began now."""

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.until - time.monotonic()) * 1000))


def test_a_lambda_function_finishes_it_within_its_limit_each_time(
    folder: Path, direct: Direct, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = yaml.safe_load(YAML[0].code)["Resources"]["Backfill"]["Properties"]
    module, _, name = settings["Handler"].rpartition(".")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "shop-backfill")
    forget(folder / "backfill")
    handler = execute(FILES[f"{module}.py"], __file__=str(folder / f"{module}.py"))
    reserve = handler["RESERVE"]
    assert reserve < settings["Timeout"]
    slowly(direct, 0.02)
    answers: list[dict[str, Any]] = []
    while not answers or answers[-1]["state"] != "done":
        context = Context(reserve + 0.6)
        answers.append(json.loads(json.dumps(handler[name]({}, context))))
        assert context.get_remaining_time_in_millis() > 0, "Lambda would have killed it"
        assert len(answers) < 20
    assert len(answers) > 1
    assert answers[0]["reason"] == "deadline"
    assert left(direct) == 0
    assert handler[name]({}, Context(60)) == answers[-1]
    who = direct.execute("select distinct operator from sendoka.backfill_events").fetchall()
    assert who == [("shop-backfill",)]
    changes = direct.execute("select sum(changed) from sendoka.backfill_batches").fetchone()
    assert changes == (ROWS,), "each row once"


async def test_a_cron_over_http_finishes_it_and_asks_for_its_secret(
    folder: Path, direct: Direct, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRON_SECRET", "s3cret")
    forget(folder / "backfill")
    space = execute(FILES["cron.py"].replace("SECONDS = 50.0", "SECONDS = 0.6"))
    slowly(direct, 0.02)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=space["app"]), base_url="http://cron") as client:
        for headers in ({}, {"authorization": "Bearer wrong"}):
            assert (await client.get("/api/backfill", headers=headers)).status_code == 401
        assert left(direct) == ROWS
        mine = {"authorization": "Bearer s3cret"}
        first, second = await asyncio.gather(*(client.get("/api/backfill", headers=mine) for _ in range(2)))
        assert {first.status_code, second.status_code} == {200}, "calls that overlap do no harm"
        answers = [first.json()]
        while answers[-1]["state"] != "done":
            answers.append((await client.get("/api/backfill", headers=mine)).json())
            assert len(answers) < 20
    assert left(direct) == 0
    assert answers[-1] == {"state": "done", "changed": ROWS}


def test_every_table_of_ours_is_named(folder: Path, direct: Direct) -> None:
    sendoka(["backfill", "run", "message_tenants"])
    found = direct.execute("select table_name from information_schema.tables where table_schema = 'sendoka'").fetchall()
    ours = {f"sendoka.{name}" for (name,) in found if name.startswith(("backfill_", "dead_"))}
    assert ours == set(re.findall(r"^\| `(sendoka\.\w+)`", TEXT, re.MULTILINE))
