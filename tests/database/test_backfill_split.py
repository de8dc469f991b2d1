"""Where a table is split: shards of about as many rows each, however its keys are spread, found in each of the ways."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from sendoka.backfills import backfill
from sendoka.backfills.split import sample_of, split
from sendoka.backfills.target import Target, read_target
from tests.fixtures.backfills import execute, rows, value

if TYPE_CHECKING:
    from sendoka.database import Database

TEXT = "delete from messages m using page p where m.id = p.id"
COUNT = 100_000
MOST = 1.15

# Six in ten rows are of one moment, as after an import; n grows ever faster; ids mix what collations order otherwise.
MAKE = (
    """create table messages (id text collate "en-x-icu" primary key, n bigint not null unique,
      at timestamptz not null, unique (at, id)) with (autovacuum_enabled = off)""",
    f"""insert into messages select
  (array['a', 'B', '_', '-', 'é', 'Z'])[1 + g % 6] || md5(g::text), g::bigint * g * g,
  timestamptz '2026-01-01' + case when g % 10 < 6 then 0 else g end * interval '1 s'
from generate_series(1, {COUNT}) g""",
)
KEYS = {"text": ["id"], "skewed": ["n"], "duplicates": ["at", "id"]}


async def target_of(sql: Database, key: list[str]) -> Target:
    return await read_target(sql, backfill(name="b", table="messages", key=key, sql=TEXT, verify="select 0"))


async def balance(sql: Database, target: Target, bounds: list[str]) -> float:
    """Return how many times the mean the largest shard is."""
    keys = ", ".join(target.key)
    given = ", ".join(f"(b ->> {place})::{target.types[column]}" for place, column in enumerate(target.key))
    found = await rows(
        sql,
        f"""select place from (select {keys}, row_number() over (order by {keys}) as place from messages) m
        where ({keys}) in (select {given} from jsonb_array_elements($1::jsonb) b) order by place""",
        f"[{', '.join(bounds)}]",
    )
    ends = [0, *(int(place or 0) for (place,) in found), COUNT]
    return max(end - begin for begin, end in itertools.pairwise(ends)) / (COUNT / (len(bounds) + 1))


async def test_shards_are_balanced_whatever_the_keys(sql: Database) -> None:
    await execute(sql, *MAKE)
    await execute(sql, "analyze messages")
    found = {}
    for name, key in KEYS.items():
        target = await target_of(sql, key)
        for way, parts, options in (
            ("every key", 16, {}),
            ("sample", 8, {"exact": 0, "pages": 80}),
            ("histogram or sample", 10, {"exact": 0, "pages": 80}),
        ):
            bounds = await split(sql, target, parts, COUNT, **options)
            assert len(bounds) == len(set(bounds)) == parts - 1
            found[name, way] = await balance(sql, target, bounds)
    assert {case: most for case, most in found.items() if most > MOST} == {}
    assert max(most for (_, way), most in found.items() if way == "every key") < 1.001


async def test_a_histogram_that_is_old_or_coarse_is_left_for_a_sample_of_few_pages(sql: Database) -> None:
    flush = "select pg_stat_force_next_flush()"  # or what was written is counted a second later
    await execute(sql, *MAKE, flush)
    await execute(sql, "analyze messages")
    target = await target_of(sql, ["n"])

    async def bounds(parts: int) -> list[str]:
        return await split(sql, target, parts, COUNT, exact=0, pages=20)

    assert await bounds(10) == await bounds(10)
    assert await bounds(11) != await bounds(11)  # a sample is another one each time
    await execute(sql, "update messages set n = -n where n % 10 = 0", flush)
    assert await bounds(10) != await bounds(10)
    pages = int(await value(sql, "select pg_relation_size('messages') / 8192") or 0)
    source = sample_of(target, pages // 10, COUNT // 20, COUNT)
    assert source.startswith('"public"."messages" tablesample system (')
    assert COUNT // 40 < int(await value(sql, f"select count(*) from {source}") or 0) < COUNT // 10


@pytest.mark.parametrize(("count", "parts", "expected"), [(0, 4, 0), (1, 4, 0), (3, 4, 2), (4, 4, 3), (9, 1, 0)])
async def test_few_rows_give_few_shards(sql: Database, count: int, parts: int, expected: int) -> None:
    await execute(sql, "create table messages (id int primary key)")
    await execute(sql, f"insert into messages select g from generate_series(1, {count}) g")
    target = await target_of(sql, ["id"])
    for exact in (0, 100):
        assert len(await split(sql, target, parts, count, exact=exact)) == expected
