"""Which order suits a table, and what is read out of the SQL form's text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sendoka.backfills import Batch, backfill
from sendoka.backfills.facts import Facts, Index, called, changed_table
from sendoka.backfills.order import Walked, arranged, walked
from sendoka.backfills.soundness import warnings_of
from sendoka.backfills.target import Target
from sendoka.errors import BackfillError

MB = 1024 * 1024

UPDATE = backfill(table="m", where="a is null", sql="update m set a = 1 from page p where m.id = p.id", name="one")
COPY = backfill(table="m", where="a is null", sql="insert into copies select id from page", name="two")


@backfill(table="m", where="a is null")
async def step(_sql: object, _batch: Batch) -> None:
    """Change nothing."""


TYPES = {"id": "text", "made": "timestamp with time zone", "a": "integer"}
FACTS = Facts(
    "1",
    "public",
    "m",
    "r",
    TYPES,
    frozenset({"id", "made"}),
    (Index("m_pkey", True, True, True, ("id",)), Index("m_made_id_idx", False, False, True, ("made", "id"))),
    size=300 * MB,
    own=True,
    cache=1024 * MB,
    correlations={"id": 0.01, "made": 1.0},
)
TARGET = Target("1", "public", "m", ("id",), ("id", "made", "a"), TYPES, FACTS)
WITHOUT: dict[str, Any] = {"indexes": FACTS.indexes[:1]}


@pytest.mark.parametrize(
    ("form", "facts", "order", "by", "strides", "why"),
    [
        (UPDATE, {"size": 2 * MB}, "key", ("id",), 1, "the table is small, 2 MB"),
        (
            UPDATE,
            {},
            "key",
            ("id",),
            1,
            "300 MB, fits into half of 1,024 MB of shared_buffers, and the key is in no order",
        ),
        (
            UPDATE,
            {"cache": 128 * MB},
            "strided",
            ("made", "id"),
            8,
            "is large beside 128 MB of shared_buffers; strides let",
        ),
        (step, {"cache": 128 * MB}, "strided", ("made", "id"), 8, "strides let dead versions be pruned"),
        (COPY, {"cache": 128 * MB}, "created", ("made", "id"), 1, "leaves no dead versions"),
        (UPDATE, {"cache": 32 * MB}, "created", ("made", "id"), 1, "more than 4 times as large, so it is read once"),
        (UPDATE, {"cache": 32 * MB, **WITHOUT}, "key", ("id",), 1, "no index has a time before the key"),
        (UPDATE, {"correlations": {"id": -1.0}}, "strided", ("id",), 8, "the rows lie on disk by id"),
        (UPDATE, {"correlations": {"id": 1.0}, "cache": 32 * MB}, "key", ("id",), 1, "so it is read once"),
        (COPY, {"correlations": {"id": 1.0}}, "key", ("id",), 1, "leaves no dead versions"),
        (UPDATE, {"correlations": {}}, "key", ("id",), 1, "fits into half"),
        (UPDATE, {"cache": 128 * MB, "filled": frozenset({"id"})}, "key", ("id",), 1, "no index has a time"),
    ],
)
def test_the_order_suits_the_table_and_the_cache_and_says_why(
    form: Any, facts: dict[str, Any], order: str, by: tuple[str, ...], strides: int, why: str
) -> None:
    found = arranged(form, replace(TARGET, facts=replace(FACTS, **facts)))
    assert (found.order, found.key, found.strides) == (order, by, strides)
    assert why in found.why
    assert set(found.columns) == set(TARGET.columns)
    assert found.columns[: len(by)] == by


def test_a_key_that_was_declared_is_the_order() -> None:
    chosen = backfill(table="m", where="a is null", sql=UPDATE.sql or "", name="one", key="id")
    found = arranged(chosen, replace(TARGET, facts=replace(FACTS, cache=MB)))
    assert (found.order, found.why) == ("key", "key= says so")


def test_the_order_of_a_run_is_kept_whatever_would_suit_now() -> None:
    kept = walked(arranged(UPDATE, TARGET, "strided"))
    assert Walked.of(kept.as_json()) == kept == Walked(("made", "id"), 8)
    again = arranged(UPDATE, TARGET, None, kept)
    assert (again.order, again.key, again.strides, again.why) == ("strided", ("made", "id"), 8, "the run began so")
    assert str(kept) == "(made, id), in 8 strides"


def test_a_run_whose_index_was_dropped_is_refused() -> None:
    kept = Walked(("made", "id"), 8)
    with pytest.raises(BackfillError, match=r'create index concurrently on "public"."m" \("made", "id"\)'):
        arranged(UPDATE, replace(TARGET, facts=replace(FACTS, **WITHOUT)), None, kept)


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        ("update messages m set a = 1", "messages"),
        ("UPDATE ONLY app.messages SET a = 1", "app.messages"),
        ('-- why\ninsert into "Od""d"."Copies" (id) select 1', '"Od""d"."Copies"'),
        ("delete from only t using page", "t"),
        ("update U&\"d!0061t\" uescape '!' set a = 1", None),
        ("", None),
    ],
)
def test_the_table_that_is_changed_is_read_from_the_text(sql: str, table: str | None) -> None:
    assert changed_table(sql) == table


def test_functions_are_read_from_the_text() -> None:
    text = """insert into copies (id, a) select gen_random_uuid(), "My f" (lower('now()')) from page
        where id in (select f.x from f(1) as f (x)) and exists (select 1) -- random()"""
    assert called(text) == ["My f", "f", "gen_random_uuid", "lower"]


def test_triggers_and_volatile_functions_are_warned_of() -> None:
    facts = replace(FACTS, triggers=("stamp (before update, set_updated_at)",), volatile=("random",))
    trigger, volatile = warnings_of(replace(TARGET, facts=facts))
    assert "stamp (before update, set_updated_at) fires for every row" in trigger
    assert "random() is volatile" in volatile
