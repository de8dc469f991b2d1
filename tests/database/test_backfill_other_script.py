"""A run whose script changes at the very moment in which somebody begins, claims or looks: found by the simulation."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import run, runs, shards
from sendoka.backfills.change_text import change_batch
from sendoka.backfills.events import Actor
from sendoka.backfills.order import Walked, arranged
from sendoka.backfills.stealing import steal
from sendoka.backfills.target import read_target
from sendoka.database.home import Ours
from sendoka.errors import BackfillChanged
from tests.fixtures.backfills import in_sql, make_messages, touched

if TYPE_CHECKING:
    from sendoka.backfills import Backfill
    from sendoka.backfills.runs import Run
    from sendoka.backfills.shards import Part
    from sendoka.database import Database

WALK = Walked(("id",), 1)


async def begun(sql: Database, checksum: str = "one", *, bounds: tuple[str, ...] = ()) -> Run:
    """Make a run of this script and begin it."""
    by = Actor("me", "host:1:a")
    found = await runs.open_run(sql, "named", checksum, number=1, total=None, by=by, walk=WALK, bounds=bounds)
    assert await runs.begin(sql, found, checksum, by=by, walk=WALK) == WALK
    return found


async def script_of(sql: Database) -> str:
    found = await runs.find_run(sql, "named")
    assert found is not None
    return found.checksum


@pytest.mark.parametrize("accept", [False, True])
async def test_another_script_begins_behind_a_batch_only_where_it_is_accepted(
    sql: Database, direct: Any, accept: bool
) -> None:
    found = await begun(sql)
    direct.execute("update sendoka.backfill_shards set seq = 1")  # after the other one had seen that nothing was done
    kept = await runs.begin(sql, found, "two", by=Actor("me", "host:2:b"), walk=WALK, accept=accept)
    assert (kept is not None, await script_of(sql)) == (accept, "two" if accept else "one")


async def test_a_begin_that_is_sent_again_does_not_bring_back_its_script(sql: Database) -> None:
    found = await begun(sql)
    other, by = Actor("me", "host:2:b"), Actor("me", "host:3:c")
    assert await runs.begin(sql, found, "two", by=other, walk=WALK) == WALK
    assert await runs.begin(sql, replace(found, checksum="two"), "one", by=by, walk=WALK) == WALK
    assert await runs.begin(sql, found, "two", by=other, walk=WALK) is None
    assert await script_of(sql) == "one"


@pytest.mark.parametrize("several", [False, True])
async def test_a_shard_is_not_claimed_with_the_script_from_before_a_wait(
    sql: Database, direct: Any, several: bool
) -> None:
    found = await begun(sql)
    with direct.transaction():
        direct.execute("update sendoka.backfill_runs set checksum = 'two'")
        direct.execute("update sendoka.backfill_shards set epoch = epoch + 1")
        claim: Any = (
            shards.claim_any(sql, found.id, owner="a", lease=15, checksum="one")
            if several
            else shards.claim(sql, found.id, 0, owner="a", lease=15, checksum="one")
        )
        waiting = asyncio.ensure_future(claim)
        while not direct.execute("select count(*) from pg_locks where not granted").fetchone()[0]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert await waiting is None
    shard, lease = await shards.read_shard(sql, found.id, 0)
    assert (shard.epoch, lease.owner) == (1, None)


async def test_a_shard_that_another_script_made_one_with_the_others_says_so(sql: Database) -> None:
    found = await begun(sql, bounds=("[1]", "[2]"))
    await shards.read_shard(sql, found.id, 2)
    assert await runs.begin(sql, found, "two", by=Actor("me", "host:2:b"), walk=WALK) == WALK
    with pytest.raises(BackfillChanged, match="goes on with another script"):
        await shards.read_shard(sql, found.id, 2)


async def test_a_runner_whose_script_was_replaced_before_it_looked_changes_nothing(
    sql: Database, direct: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_messages(sql, 5)
    other: Backfill = replace(in_sql, module="", given_name="in_sql", where="touched < 9")
    begin = runs.begin

    async def overtaken(*arguments: Any, **options: Any) -> Any:
        kept = await begin(*arguments, **options)
        direct.execute("update sendoka.backfill_runs set checksum = 'two'")
        direct.execute("update sendoka.backfill_shards set epoch = epoch + 1")
        return kept

    monkeypatch.setattr(runs, "begin", overtaken)
    with pytest.raises(BackfillChanged, match="goes on with another script"):
        await run(sql, other)
    assert direct.execute("select sum(touched) from messages").fetchone() == (0,)


async def test_a_shard_that_is_made_again_has_an_epoch_that_its_number_never_had(sql: Database) -> None:
    """A script that is another one makes all shards one, and its workers split that one anew."""

    async def stolen(checksum: str) -> Part:
        part = await steal(sql, target, found.id, await shards.read_shards(sql, found.id), **ours, checksum=checksum)
        assert part is not None
        return part

    await make_messages(sql, 40)
    target = arranged(in_sql, await read_target(sql, in_sql))
    ours: dict[str, Any] = {"owner": "host:1:a", "lease": 60.0, "least": 1}
    found = await begun(sql)
    first = await stolen("one")
    for _ in range(3):
        await shards.claim(sql, found.id, first.number, owner="host:1:a", lease=60)
    former = await shards.read_shard(sql, found.id, first.number)
    assert await runs.begin(sql, found, "two", by=Actor("me", "host:2:b"), walk=WALK) == WALK
    again = await stolen("two")
    assert again.number == first.number
    assert again.shard.epoch > former[0].epoch
    late = Ours(
        change_batch(in_sql, target, first=False), ("1", "1", "5", "token", str(former[0].epoch), "60", "host:1:a")
    )
    assert (await sql.run(late)).rows == []
    assert await touched(sql) == {"0": 40}
