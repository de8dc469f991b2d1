"""The SQL of a batch as text, and what a batch makes of a step's answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sendoka.backfills import backfill
from sendoka.backfills.batch import Page, read_page, statements_of
from sendoka.backfills.change_text import change_batch, may_go_unlocked
from sendoka.backfills.facts import Facts
from sendoka.backfills.fencing import Fence, counted, fence
from sendoka.backfills.left import remaining
from sendoka.backfills.page_text import page, write_back
from sendoka.backfills.target import Target
from sendoka.backfills.words import words
from sendoka.database import Field, Result, Statement
from sendoka.errors import BackfillError

one = backfill(
    table="messages",
    where="tenant_id is null -- still",
    sql="update messages m set tenant_id = 'x' from page p where m.id = p.id -- done",
)
every = backfill(table="messages", verify="select 0", sql=one.sql or "")

simple = Target("1", "public", "messages", ("id",), ("id", "org_id"), {"id": "character varying", "org_id": "text"})
odd = Target(
    "2",
    'od"d',
    'Mess"ages',
    ("created at", 'i"d'),
    ("created at", 'i"d', "Body"),
    {"created at": "timestamp with time zone", 'i"d': "uuid", "Body": "text"},
)
BATCH = Fence(7, 0, 3, 41, "token", '["a"]', 10, 8, False, 15.0)


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("target", [simple, odd])
def test_the_first_page_has_no_lower_bound_and_the_others_a_row_comparison(target: Target) -> None:
    first, later = (flat(change_batch(one, target, first=is_first)) for is_first in (True, False))
    assert "coalesce(s.cursor, s.lower) is null and s.upper is null" in first
    assert "coalesce(s.cursor, s.lower) is not null and s.upper is null" in later
    assert ">> " not in first
    assert "start ->> 0" not in first
    assert "sendoka_checkpoint.start ->> 0" in later
    assert " or " not in later.lower()


def test_a_composite_key_is_one_row_comparison_cast_by_its_types() -> None:
    text = flat(change_batch(one, odd, first=False))
    assert (
        '("Mess""ages"."created at", "Mess""ages"."i""d") > '
        "((sendoka_checkpoint.start ->> 0)::timestamp with time zone, (sendoka_checkpoint.start ->> 1)::uuid)"
    ) in text
    assert 'from "od""d"."Mess""ages"' in text
    assert 'order by "Mess""ages"."created at", "Mess""ages"."i""d" limit $3::int' in text
    assert '("Mess""ages"."created at", "Mess""ages"."i""d") <= (sendoka_end.k1, sendoka_end.k2)' in text


def test_a_shard_s_end_is_an_upper_bound_in_both_forms() -> None:
    text = flat(change_batch(one, simple, first=True, last=False))
    assert "is null and s.upper is not null for update" in text
    assert '("messages"."id") <= ((sendoka_checkpoint.upper ->> 0)::character varying)' in text
    start, middle = (page(one, simple, cursor, 10, lower='["b"]', upper='["m"]') for cursor in (None, '["c"]'))
    assert (start.params, middle.params) == (("10", '["b"]', '["m"]'), ("10", '["c"]', '["m"]'))
    for read in (start, middle):
        bounds = """where ("messages"."id") > (($2::jsonb ->> 0)::character varying)
            and ("messages"."id") <= (($3::jsonb ->> 0)::character varying)"""
        assert flat(bounds) in flat(read.text)


def test_the_page_is_locked_in_order_and_read_whole_before_the_change() -> None:
    text = flat(change_batch(one, simple, first=True))
    assert 'order by "messages"."id" limit $3::int for no key update' in text
    assert "page as ( select l.* from sendoka_hits l where (select count(*) from sendoka_hits) >= 0 )" in text
    assert "for update ), sendoka_scan" in text


@pytest.mark.parametrize("target", [simple, odd])
def test_a_page_that_is_not_locked_is_read_in_one_scan(target: Target) -> None:
    text = flat(change_batch(one, target, first=False, last=False, locks=False))
    assert "for no key update" not in text
    assert text.count(f"from {target.quoted}") == 1
    assert "still ) is true as sendoka_hit" in text
    assert "page as ( select l.* from sendoka_hits l where (select count(*) from sendoka_hits) >= 0 )" in text
    assert "for update ), sendoka_scan" in text


facts = Facts("1", "public", "messages", "r", simple.types, frozenset(), own=True)


@pytest.mark.parametrize(
    ("sql", "known", "may"),
    [
        (one.sql, facts, True),
        ("/* x */ DELETE from messages using page where true", facts, True),
        ("insert into messages select * from page", facts, False),
        (one.sql, replace(facts, own=False), False),
        (one.sql, replace(facts, triggers=("stamp (before update, set_updated_at)",)), False),
        (one.sql, replace(facts, volatile=("random",)), False),
        (one.sql, None, False),
    ],
)
def test_only_a_plain_change_of_the_table_itself_may_leave_its_page_unlocked(
    sql: str, known: Facts | None, may: bool
) -> None:
    assert (
        may_go_unlocked(backfill(table="messages", where="a = 0", sql=sql, name="chosen"), replace(simple, facts=known))
        is may
    )


def test_the_user_s_texts_may_end_in_comments() -> None:
    text = change_batch(one, simple, first=True)
    assert "still\n    )" in text
    assert "-- done\nreturning 1" in text
    assert list(words(text)).count("(") == list(words(text)).count(")")


def test_every_row_is_where_true() -> None:
    assert "and ( true )" in flat(change_batch(every, simple, first=True))


def test_what_is_left_is_counted_by_the_predicate_or_the_verify_query() -> None:
    assert flat(remaining(one, simple).text) == (
        'select count(*) from "public"."messages" where ( tenant_id is null -- still )'
    )
    assert remaining(every, simple).text == "select 0"


def test_a_page_of_the_python_form_carries_versions_and_its_last_key() -> None:
    first, later = (flat(page(one, odd, cursor, 10).text) for cursor in (None, '["2024-02-29", "x"]'))
    assert '"Mess""ages".xmin::text as sendoka_version' in first
    assert "$2" not in first
    assert "(($2::jsonb ->> 0)::timestamp with time zone, ($2::jsonb ->> 1)::uuid)" in later
    assert 'jsonb_build_array("created at", "i""d")' in first


def test_the_fence_carries_epoch_place_and_token() -> None:
    statement = fence(BATCH)
    assert statement.params == ("7", "0", "42", "3", '["a"]', "token", "10", "8", "false", "15.0")
    assert "epoch = $4::bigint and seq = $3::bigint - 1" in statement.text
    assert "and state = 'running' and not held" in statement.text


@pytest.mark.parametrize(
    "text",
    [
        "update t set a = $1",
        "INSERT INTO t VALUES ($1) -- more",
        "/* x */ delete from t where a = $1 ;",
        "update t set a = 'returning' where b = $1",
    ],
)
def test_a_plain_change_is_counted(text: str) -> None:
    statement = counted(Statement(text, ("x",)), BATCH)
    assert statement.params == ("x", "7", "0", "42")
    assert statement.text.startswith("with sendoka_change as (\n")
    assert "\nreturning 1\n" in statement.text
    assert ";" not in statement.text
    assert "run = $2::bigint" in statement.text


@pytest.mark.parametrize(
    "text",
    [
        "update t set a = 1 returning a",
        "with x as (select 1) update t set a = 1",
        "select refresh()",
        "call refresh()",
        "update t set a = 1; delete from t",
        "",
    ],
)
def test_what_cannot_be_wrapped_is_sent_as_it_is(text: str) -> None:
    statement = Statement(text, ("x",))
    assert counted(statement, BATCH) is statement


def test_writing_back_compares_key_and_version_and_repeats_the_predicate() -> None:
    assert flat(write_back(one, odd, ("Body",))) == flat(
        """update "od""d"."Mess""ages" set "Body" = sendoka_4::text
        from unnest($1::text[], $2::text[], $3::text[], $4::text[])
          as sendoka_batch(sendoka_1, sendoka_2, sendoka_3, sendoka_4)
        where "Mess""ages"."created at" = sendoka_1::timestamp with time zone
          and "Mess""ages"."i""d" = sendoka_2::uuid and "Mess""ages".xmin = sendoka_3::xid and (
        tenant_id is null -- still )"""
    )


# ------------------------------------------------------------------ batches

FIELDS = tuple(
    Field(name, oid)
    for name, oid in (
        ("sendoka_scanned", 20),
        ("sendoka_cursor", 25),
        ("sendoka_version", 25),
        ("id", 23),
        ("org_id", 25),
    )
)


def read(*rows: list[str | None]) -> Page:
    return read_page(Result(FIELDS, list(rows), "SELECT", len(rows)), 10, one, simple)


TWO: tuple[list[str | None], ...] = (["5", "[9]", "700", "1", "a"], [None, None, "701", "2", "b{,}\"'"])


def test_a_page_is_read_with_typed_rows() -> None:
    found = read(*TWO)
    assert (found.asked, found.scanned, found.cursor) == (10, 5, "[9]")
    assert [dict(row) for row in found.batch.rows] == [{"id": 1, "org_id": "a"}, {"id": 2, "org_id": "b{,}\"'"}]


@pytest.mark.parametrize(("scanned", "cursor"), [("0", None), ("7", "[9]")])
def test_a_page_without_a_row_to_change_has_no_rows(scanned: str, cursor: str | None) -> None:
    found = read([scanned, cursor, None, None, None])
    assert (found.scanned, found.cursor, found.batch.rows) == (int(scanned), cursor, ())


def test_an_update_groups_rows_by_the_columns_they_set() -> None:
    batch = read(*TWO).batch
    (together,) = batch.update({1: {"org_id": "x"}, 2: {"org_id": None}})
    assert together.params == ('{"1","2"}', '{"700","701"}', '{"x",NULL}')
    apart = batch.update({1: {"org_id": "x"}, 2: {"org_id": "y", "id": 3}})
    assert [statement.params for statement in apart] == [
        ('{"1"}', '{"700"}', '{"x"}'),
        ('{"2"}', '{"701"}', '{"3"}', '{"y"}'),
    ]


@pytest.mark.parametrize("changes", [{}, {1: {}}])
def test_an_update_of_nothing_is_no_statement(changes: dict[Any, Any]) -> None:
    assert read(*TWO).batch.update(changes) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({3: {"org_id": "x"}}, "the key 3, which is no row of this batch"),
        ({"1": {"org_id": "x"}}, "the key '1', which is no row"),
        ({1: {"orgid": "x"}}, "no column 'orgid'"),
    ],
)
def test_an_update_of_what_is_not_there_is_refused(changes: dict[Any, Any], says: str) -> None:
    with pytest.raises(BackfillError, match=says):
        read(*TWO).batch.update(changes)


def test_a_value_without_a_text_is_named() -> None:
    with pytest.raises(TypeError, match="object cannot be sent"):
        read(*TWO).batch.update({1: {"org_id": object()}})


@pytest.mark.parametrize("answer", [1, "update t set a = 1", {"a": 1}, [None, 3], object()])
def test_an_answer_of_another_shape_is_refused(answer: object) -> None:
    with pytest.raises(BackfillError, match="it returned"):
        statements_of(answer, one, None)


def test_queries_of_the_step_s_own_client_are_taken_and_others_refused() -> None:
    from sendoka import neon

    mine, other = (neon("postgresql://u:p@localhost:1/db") for _ in range(2))
    query = mine("update t set a = $1", 5)
    assert statements_of([query, None], one, mine) == [Statement("update t set a = $1", ("5",))]
    with pytest.raises(BackfillError, match="already sent"):
        statements_of(query, one, mine)
    strange = other("select 1")
    with pytest.raises(BackfillError, match="another client"):
        statements_of(strange, one, mine)
    strange.claim()
