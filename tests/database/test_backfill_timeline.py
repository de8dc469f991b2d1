"""What is read of a run for its page: its batches in slots, with what the server took for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import Batch, backfill, run, timeline
from sendoka.errors import UnknownBackfill
from tests.fixtures.backfills import make_messages

if TYPE_CHECKING:
    from sendoka.backfills import Backfill
    from sendoka.database import Database


async def touch(_sql: Any, batch: Batch) -> object:
    return batch.update({row["id"]: {"touched": 1} for row in batch.rows})


IN_SQL = backfill(
    table="messages",
    where="touched = 0",
    sql="update messages m set touched = 1 / (1 - (m.id like '%7')::int) from page p where m.id = p.id",
    name="touch",
)
IN_PYTHON = backfill(table="messages", where="touched = 0", name="touch")(touch)


@pytest.mark.parametrize("fill", [IN_SQL, IN_PYTHON], ids=["sql", "python"])
async def test_slots_hold_every_batch_with_its_time(sql: Database, fill: Backfill) -> None:
    await make_messages(sql, 100)
    report = await run(sql, fill, batch_size=5)
    found = await timeline(sql, "touch", slots=3)
    assert len(found.slots) == 3
    assert sum(slot.batches for slot in found.slots) == report.batches == found.totals.seq
    assert sum(slot.scanned for slot in found.slots) == report.scanned
    assert sum(slot.changed for slot in found.slots) == report.changed
    assert found.seconds == pytest.approx(3 * found.width)
    for slot in found.slots:
        assert (slot.took is None) == (slot.batches == 0)
        assert slot.took is None or (slot.longest or 0) >= slot.took > 0
    assert [event.event for event in found.events] == ["started", "done"]
    assert len(found.letters) == report.dead
    assert (report.dead > 0) == (fill is IN_SQL)


async def test_few_batches_share_a_slot_and_none_has_one_without(sql: Database) -> None:
    await make_messages(sql, 9)
    await run(sql, IN_PYTHON, batch_size=5)
    (slot,) = (await timeline(sql, "touch", slots=0)).slots
    assert (slot,) == (await timeline(sql, "touch")).slots
    assert (slot.start, slot.batches, slot.scanned) == (0, 2, 9)
    with pytest.raises(UnknownBackfill, match="has no run 2"):
        await timeline(sql, "touch", run=2)
    with pytest.raises(UnknownBackfill, match="has no run 1000000000000"):
        await timeline(sql, "touch", run=10**12)


@pytest.mark.parametrize("fill", [IN_SQL, IN_PYTHON], ids=["sql", "python"])
async def test_each_shard_has_its_own_time_and_counts(sql: Database, fill: Backfill) -> None:
    await make_messages(sql, 100)
    report = await run(sql, fill, batch_size=10, shards=4)
    found = await timeline(sql, "touch")
    assert [span.number for span in found.shards] == [0, 1, 2, 3]
    assert [(span.scanned, span.changed, span.dead, span.batches) for span in found.shards] == [
        (shard.scanned, shard.changed, shard.dead, shard.batches) for shard in report.shards
    ]
    starts = [span.start for span in found.shards if span.start is not None]
    assert starts == sorted(starts)
    for span in found.shards:
        assert span.start is not None
        assert span.end is not None
        assert 0 <= span.start < span.end <= found.seconds + 0.01
        assert 0 < span.took <= span.end - span.start + 0.05
