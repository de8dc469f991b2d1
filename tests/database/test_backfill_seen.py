"""What is seen of a run from outside: how each of its shards stands, who is at it, and how long it takes yet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sendoka.backfills import pause, run
from sendoka.backfills.overview import watch_runs
from sendoka.backfills.owner import new_owner
from sendoka.cli.backfill._standing import facts_of, lasting, lines_of, shard_lines
from tests.fixtures.backfills import execute, in_sql, make_messages

if TYPE_CHECKING:
    from sendoka.database import Database


async def facts(sql: Database) -> dict[str, Any]:
    ((began, totals, activity),) = await watch_runs(sql)
    return facts_of("in_sql", began.checksum, (began, totals, activity))


async def stopped(sql: Database, shards: int, rows: int) -> None:
    """Make a run of so many shards of forty rows that was stopped after so many rows."""
    await make_messages(sql, 40 * shards)
    await execute(sql, "alter table messages add check (touched = 0 or org_id <> 'org_7')")
    told = [0]
    report = await run(
        sql,
        in_sql,
        batch_size=10,
        shards=shards,
        stop=lambda: told[-1] >= rows,
        on_progress=lambda progress: told.append(progress.scanned),
    )
    assert (report.state, report.scanned) == ("stopped", rows)


async def test_each_shard_says_who_is_at_it_how_fast_and_how_long_yet(sql: Database) -> None:
    await stopped(sql, 4, 60)
    # The first is scanned, the second is held by us, the third by a process that is gone, and nobody is at the fourth.
    await execute(
        sql,
        "update sendoka.backfill_runs set state = 'running', reason = null, noted_at = now()",
        f"update sendoka.backfill_shards set owner = '{new_owner()}', lease_until = now() + interval '12 s'"
        " where shard = 1",
        "update sendoka.backfill_shards set owner = 'elsewhere:1:a', lease_until = now() - interval '1 s'"
        " where shard = 2",
        "update sendoka.backfill_batches set took = 2, at = now() - (20 - seq - 4 * shard) * interval '2 s'",
    )
    found = await facts(sql)
    assert [shard["state"] for shard in found["shards"]] == ["scanned", "running", "free", "free"]
    assert [shard["scanned"] for shard in found["shards"]] == [40, 20, 0, 0]
    assert sum(shard["dead"] for shard in found["shards"]) == found["dead"] > 0
    first, second, third, _ = found["shards"]
    assert (first["rate"], first["holder"], third["holder"], third["lease"]) == (None, "", "", None)
    assert 5 < second["lease"] <= 12
    assert second["holder"].startswith("process ")
    assert (second["rate"], second["seconds_left"], found["rate"]) == (5.0, 4.0, 5.0)
    assert found["seconds_left"] == 20.0  # of a hundred rows
    assert json.loads(json.dumps(found)) == found
    assert "  4 shards: 1 running, 2 to come, 1 scanned" in lines_of(found)
    lines = shard_lines(found, 20, None)
    assert lines[0].startswith("    shard 0: scanned · 40 rows · ")
    assert " · 5 rows/s · 4 s left · process " in lines[1]
    assert lines[3] == "    shard 3: to come · 0 of about 40 rows · 0 changed"
    assert [line.partition(":")[0].strip() for line in shard_lines(found, 1, 60)] == ["shard 1"]
    assert all(len(line) <= 44 for line in shard_lines(found, 20, 44))
    assert "rate" not in lasting(found)["shards"][1]


async def test_the_rate_is_that_of_the_latest_batches_of_the_shards_that_somebody_is_at(sql: Database) -> None:
    await stopped(sql, 2, 80)
    # Both were fast; the first is scanned, and the second does ten rows in five seconds of late.
    await execute(
        sql,
        "update sendoka.backfill_runs set state = 'running', reason = null, noted_at = now(), total = 100",
        f"""update sendoka.backfill_shards set owner = '{new_owner()}', lease_until = now() + interval '12 s',
              state = 'running', about = 60 where shard = 1""",
        "update sendoka.backfill_batches set took = 0.1, at = now() - interval '30 s' + seq * interval '0.1 s'",
        "update sendoka.backfill_batches set took = 5, at = now() - (4 - seq) * interval '5 s'"
        " where shard = 1 and seq > 1",
    )
    found = await facts(sql)
    assert [shard["rate"] for shard in found["shards"]] == [None, 2.0]
    assert (found["rate"], found["seconds_left"], found["shards"][1]["seconds_left"]) == (2.0, 10.0, 10.0)


async def test_of_a_paused_run_only_what_is_to_be_done_is_held(sql: Database) -> None:
    await stopped(sql, 4, 80)
    await pause(sql, "in_sql")
    found = await facts(sql)
    assert found["state"] == "paused"
    assert "  4 shards: 1 scanned, 3 held" in lines_of(found)


async def test_a_run_says_that_no_batch_is_done_yet(sql: Database) -> None:
    await stopped(sql, 1, 20)
    assert not any("no batch" in line for line in lines_of(await facts(sql)))
    await execute(sql, "update sendoka.backfill_shards set seq = 0, scanned = 0, pass_scanned = 0, cursor = null")
    assert "  no batch is done yet" in lines_of(await facts(sql))


async def test_a_run_in_one_shard_is_held_by_whoever_runs_it_and_one_that_ended_by_nobody(sql: Database) -> None:
    await stopped(sql, 1, 20)
    found = await facts(sql)
    assert (found["state"], found["rate"], found["seconds_left"]) == ("stopped", None, None)
    assert (found["shards"][0]["state"], found["shards"][0]["rate"]) == ("free", None)
    await execute(sql, "update sendoka.backfill_runs set state = 'running', reason = null, noted_at = now()")
    found = await facts(sql)
    assert found["shards"][0]["state"] == "running"
    assert found["shards"][0]["holder"] == found["runner"]
    assert found["rate"] > 0
    assert shard_lines(found, 20, None) == []
    await execute(sql, "update sendoka.backfill_runs set reason = 'vacuum of messages is going on', noted_at = now()")
    assert (await facts(sql))["rate"] is None
