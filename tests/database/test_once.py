"""`once=`: the effect is there once, whatever becomes of the answers, and a key stands for one list of statements."""

from __future__ import annotations

import asyncio
import json
import random
import warnings
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from sendoka import Once, Retry, neon
from sendoka.errors import (
    AnswerLost,
    DatabaseError,
    ForeignKeyViolation,
    InsufficientPrivilege,
    OnceKeyReused,
    Outcome,
    TransportError,
    UndefinedTable,
    UniqueViolation,
)
from sendoka.quoting import ident

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import psycopg

    from sendoka.http.client import Neon
    from sendoka.http.transaction import Transaction
    from sendoka.local import Endpoint
    from sendoka.local.postgres import Postgres
    from sendoka.local.server import Server
    from tests.fixtures.garbage import Search

    Direct = psycopg.Connection[Any]

LEVELS = [None, "read committed", "repeatable read", "serializable"]


@pytest.fixture
async def table(sql: Neon) -> str:
    await sql("create table t (id int, n int)")
    return "t"


def insert(sql: Neon, number: int, key: str = "k", **options: Any) -> Transaction[Any]:
    return sql.transaction([sql("insert into t values ($1, 1) returning id", number)], once=key, **options)


def rows(direct: Direct) -> list[int]:
    return [row[0] for row in direct.execute("select id from t order by 1")]


async def test_the_first_call_commits_and_the_next_is_a_replay(sql: Neon, table: str, direct: Direct) -> None:
    before = datetime.now(UTC) - timedelta(minutes=1)
    first = await insert(sql, 1)
    assert (first, first.replayed) == ([[(1,)]], False)
    again = await insert(sql, 1)
    assert (again, again.replayed, again.results) == ([], True, [])
    assert again.at == first.at
    assert first.at is not None
    assert before < first.at < before + timedelta(minutes=2)
    assert rows(direct) == [1]


async def test_then_reads_the_results_again(sql: Neon, table: str, endpoint: Endpoint) -> None:
    def call() -> Transaction[Any]:
        once = Once("k", then=[sql("select id from t where id = $1", 1)])
        return sql.transaction([sql("insert into t values (1, 1) returning id")], once=once)

    (first,) = await call()
    requests = endpoint.requests
    assert requests == 4  # the table; the ledger is missing; it is made; the transaction
    again = await call()
    assert list(again) == [first] == [[{"id": 1}]]
    assert again.replayed
    assert endpoint.requests == requests + 2


async def test_then_reads_as_the_same_role_under_the_same_claims(sql: Neon, direct: Direct, database: str) -> None:
    role = f"reader_{database}"
    direct.execute(f"create role {ident(role)}".encode())
    try:
        owner = await sql("select current_user::text").value()
        direct.execute(f"grant {ident(role)} to {ident(owner)}".encode())
        seen = "select current_user::text, current_setting('request.jwt.claims')::json ->> 'sub' as sub"
        settings = {"role": role, "request.jwt.claims": {"sub": "a"}}
        done = [await sql.transaction([sql(seen)], settings=settings, once=Once("k", [sql(seen)])) for _ in range(2)]
        assert [one.replayed for one in done] == [False, True]
        assert done[0] == done[1] == [[(role, "a")]]
    finally:
        direct.execute(f"drop role {ident(role)}".encode())


@pytest.mark.parametrize("options", [{"isolation_level": level} for level in LEVELS], ids=str)
@pytest.mark.parametrize("kind", ["connection_closed", "cut_after", "cut_body", "cut_before", "late"])
async def test_a_lost_answer_is_met_by_the_same_request_and_the_effect_is_there_once(
    sql: Neon, table: str, direct: Direct, endpoint: Endpoint, kind: Any, options: dict[str, Any]
) -> None:
    await insert(sql, 1, "warm")
    endpoint.faults.add(kind, match="insert into t", times=2)
    done = await insert(sql, 2, **options)
    assert done.replayed is (kind not in {"cut_before", "late"})
    await asyncio.sleep(0.05)
    assert rows(direct) == [1, 2]


async def test_a_late_first_send_is_refused_by_the_resend(
    sql: Neon, table: str, direct: Direct, endpoint: Endpoint
) -> None:
    await insert(sql, 1, "warm")
    endpoint.faults.add("late", match="insert into t", seconds=0.4)
    assert not (await insert(sql, 2)).replayed
    await asyncio.sleep(0.7)
    assert rows(direct) == [1, 2]


async def test_the_first_use_among_many_creates_the_ledger(database_url: str, sql: Neon, direct: Direct) -> None:
    await sql("create table t (id int, n int)")
    clients = [neon(database_url, transport="native") for _ in range(4)]
    try:
        done = await asyncio.gather(
            *(insert(clients[number % 4], number // 2, f"k{number // 2}") for number in range(24))
        )
    finally:
        for client in clients:
            await client.aclose()
    assert rows(direct) == list(range(12))
    assert sum(one.replayed for one in done) == 12


def test_under_trio_the_first_use_among_many_creates_it_too(database_url: str, direct: Direct) -> None:
    direct.execute("create table t (id int, n int); grant all on t to public")

    async def main() -> None:
        async with neon(database_url) as sql, anyio.create_task_group() as group:
            for number in range(12):
                group.start_soon(_awaited, insert(sql, number // 2, f"k{number // 2}"))

    anyio.run(main, backend="trio")
    assert rows(direct) == list(range(6))


async def _awaited(call: Transaction[Any]) -> None:
    await call


async def test_a_lost_answer_while_there_is_no_ledger_yet(
    sql: Neon, table: str, direct: Direct, endpoint: Endpoint
) -> None:
    endpoint.faults.add("cut_after", match="insert into t")
    assert not (await insert(sql, 1)).replayed
    assert rows(direct) == [1]


async def test_a_key_of_other_statements_is_refused_and_nothing_runs(sql: Neon, table: str, direct: Direct) -> None:
    await insert(sql, 1)
    with pytest.raises(OnceKeyReused, match="'k' belongs to a transaction of other statements") as caught:
        await insert(sql, 2)
    assert (caught.value.key, caught.value.outcome) == ("k", Outcome.FAILED)
    assert rows(direct) == [1]


async def test_a_key_of_other_statements_is_said_before_what_then_could_not_read(sql: Neon, table: str) -> None:
    await insert(sql, 1)
    with pytest.raises(OnceKeyReused):
        await sql.transaction([sql("select 1")], once=Once("k", then=[sql("select 1/0")]))
    again = Once("k", then=[sql("select 1/0")])
    with pytest.raises(DatabaseError, match="division by zero") as caught:
        await sql.transaction([sql("insert into t values ($1, 1) returning id", 1)], once=again)
    assert caught.value.outcome is Outcome.UNKNOWN


async def test_settings_belong_to_the_meaning_but_for_times(sql: Neon, table: str) -> None:
    claims: dict[str, Any] = {"request.jwt.claims": {"sub": "a", "exp": 1}, "statement_timeout": "5s"}
    await insert(sql, 1, settings=claims)
    assert (await insert(sql, 1, settings={**claims, "statement_timeout": "9s"})).replayed
    assert (await insert(sql, 1, settings={"request.jwt.claims": {"sub": "a", "exp": 2, "jti": "x"}})).replayed
    with pytest.raises(OnceKeyReused):
        await insert(sql, 1, settings={**claims, "request.jwt.claims": {"sub": "b"}})


async def test_an_error_of_the_statements_leaves_the_key_free(sql: Neon, table: str, direct: Direct) -> None:
    await sql("alter table t add unique (id)")
    await insert(sql, 1, "other")
    with pytest.raises(UniqueViolation) as caught:
        await insert(sql, 1)
    assert (caught.value.table, caught.value.outcome) == ("t", Outcome.FAILED)
    direct.execute("delete from t")
    assert not (await insert(sql, 1)).replayed


async def test_any_other_error_of_a_resend_leaves_the_call_unknown(
    sql: Neon, table: str, direct: Direct, endpoint: Endpoint
) -> None:
    """The first send may arrive and commit after the resend was refused: it does here."""
    direct.execute("create table parents (id int primary key)")
    direct.execute("alter table t add foreign key (n) references parents")
    direct.execute("grant all on parents to public")
    await sql.transaction([sql("select 1")], once="warm")
    endpoint.faults.add("late", match="insert into t", seconds=0.6)
    with pytest.raises(ForeignKeyViolation) as caught:
        await insert(sql, 2)
    assert caught.value.outcome is Outcome.UNKNOWN
    direct.execute("insert into parents values (1)")
    await asyncio.sleep(0.9)
    assert rows(direct) == [2]
    assert (await insert(sql, 2)).replayed


async def test_a_resend_that_runs_into_the_lock_of_the_first_send_is_no_answer(
    sql: Neon, direct: Direct, endpoint: Endpoint
) -> None:
    """The first goes on in the database, as `direct` does here, and holds the key until it commits."""
    direct.execute(f"alter database {ident(direct.info.dbname)} set lock_timeout = '50ms'".encode())
    direct.execute("create table t (id int, n int); grant all on t to public")
    await sql.transaction([sql("select 1")], once="warm")
    first, again = insert(sql, 1), insert(sql, 1)
    direct.execute("begin")
    direct.execute("insert into sendoka.ledger (key, digest) values ('k', %s)", [first._plan.digest])
    first.drop()
    fault = endpoint.faults.add("cut_before", match="insert into t")
    call = asyncio.ensure_future(again)
    while endpoint.faults.hits(fault) == 0 or endpoint.requests < 6:  # noqa: ASYNC110 - the endpoint's counters
        await asyncio.sleep(0.01)
    direct.execute("commit")
    assert (await call).replayed


async def test_when_no_answer_ever_comes_the_call_is_unknown_and_can_be_made_again(
    database_url: str, sql: Neon, table: str, direct: Direct, endpoint: Endpoint
) -> None:
    await sql.transaction([sql("select 1")], once="warm")
    async with neon(database_url, transport="native", retry=Retry(attempts=3, first=0.01)) as other:
        fault = endpoint.faults.add("cut_after", match="insert into t", times=0)
        with pytest.raises(AnswerLost) as caught:
            await insert(other, 1)
        assert caught.value.outcome is Outcome.UNKNOWN
        assert endpoint.faults.hits(fault) == 3
        endpoint.faults.clear()
        assert (await insert(other, 1)).replayed
    assert rows(direct) == [1]


async def test_reading_about_a_replay_may_fail_and_says_what_is_known(
    database_url: str, sql: Neon, table: str, endpoint: Endpoint
) -> None:
    await insert(sql, 1)
    async with neon(database_url, transport="native", retry=Retry(attempts=2, first=0.01)) as other:
        endpoint.faults.add("cut_after", match="select digest", times=0)
        with pytest.raises(TransportError) as caught:
            await insert(other, 1)
    assert caught.value.outcome is Outcome.UNKNOWN
    assert "'k' did commit" in caught.value.__notes__[0]


async def test_a_key_that_was_pruned_meanwhile(sql: Neon, table: str, direct: Direct, endpoint: Endpoint) -> None:
    await insert(sql, 1)
    endpoint.faults.add("delay", match="select digest", seconds=0.4)
    task = asyncio.ensure_future(insert(sql, 1))
    await asyncio.sleep(0.2)
    direct.execute("delete from sendoka.ledger")
    done = await task
    assert (done.replayed, done.at) == (True, None)


# ------------------------------------------------------------------ roles


@pytest.fixture
async def poor(server: Server, postgres: Postgres, database: str, direct: Direct) -> AsyncIterator[Neon]:
    """A client of a role that may create nothing here."""
    name, password = f"poor_{database}", "poor"
    postgres.databases.ensure_role(name, password)
    try:
        direct.execute(f"create table t (id int, n int); grant all on t to {ident(name)}".encode())
        async with neon(server.connection_string(database), user=name, password=password, transport="native") as sql:
            yield sql
    finally:
        direct.execute(f"drop owned by {ident(name)}".encode())
        postgres.databases.drop_role(name)


async def test_a_role_that_may_not_create_the_ledger_is_told_what_to_do(poor: Neon, direct: Direct) -> None:
    with pytest.raises(InsufficientPrivilege, match="sendoka ledger create") as caught:
        await insert(poor, 1)
    assert caught.value.outcome is Outcome.FAILED
    assert rows(direct) == []


async def test_a_role_that_may_not_create_uses_the_ledger_that_is_there(
    sql: Neon, poor: Neon, database: str, direct: Direct
) -> None:
    await sql.transaction([sql("select 1")], once="theirs")
    with pytest.raises(InsufficientPrivilege, match="grant usage on schema sendoka"):
        await insert(poor, 1)
    role = ident(f"poor_{database}")
    direct.execute(f"grant usage on schema sendoka to {role}".encode())
    with pytest.raises(InsufficientPrivilege, match=r"grant select, insert on sendoka\.ledger"):
        await insert(poor, 1)
    direct.execute(f"grant select, insert on sendoka.ledger to {role}".encode())
    assert not (await insert(poor, 1)).replayed
    assert (await insert(poor, 1)).replayed


# ------------------------------------------------------------------ what makes no sense


async def test_a_missing_table_of_the_users_own_is_no_missing_ledger(sql: Neon, endpoint: Endpoint) -> None:
    await sql.transaction([sql("select 1")], once="warm")
    before = endpoint.requests
    with pytest.raises(UndefinedTable, match="nowhere"):
        await sql.transaction([sql("insert into nowhere values (1)")], once="k")
    assert endpoint.requests == before + 1


@pytest.mark.parametrize(
    ("once", "says"),
    [
        ("", "not empty"),
        (7, "is a text"),
        ("x" * 1001, "at most 1000 bytes"),
        ("日" * 334, "at most 1000 bytes"),
        ("a\0b", "without NUL"),
    ],
)
def test_a_key_that_cannot_be_one_is_refused(sql: Neon, once: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        sql.transaction([sql("select 1")], once=once)


async def test_the_longest_key_fits_into_the_index(sql: Neon, table: str) -> None:
    key = "".join(map(chr, random.Random(7).sample(range(0x20000, 0x2A000), 250)))  # nothing in it to compress
    assert not (await insert(sql, 1, key)).replayed
    assert (await insert(sql, 1, key)).replayed


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"read_only": True}, ValueError, "may be sent again as it is"),
        ({"isolation_level": "snapshot"}, ValueError, "not an isolation level"),
        ({"timeout": 0}, ValueError, "above 0"),
        ({"settings": 5}, TypeError, "is a mapping"),
        ({"queries": ["select 1"]}, TypeError, "not a query"),
    ],
    ids=str,
)
def test_what_is_refused_is_not_said_to_be_forgotten(
    sql: Neon, wrong: dict[str, Any], error: type[Exception], says: str, garbage: Search
) -> None:
    queries = wrong.get("queries") or [sql("select 1")]
    given = {"once": Once("k", then=[sql("select 2")]), **wrong, "queries": queries}
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with pytest.raises(error, match=says):
            sql.transaction(**given)
        del given, queries
        garbage()
    assert not heard


def test_one_query_is_no_list_of_them(sql: Neon) -> None:
    with pytest.raises(TypeError, match="Query is not a list of queries"):
        sql.transaction([sql("select 1")], once=Once("k", then=sql("select 2")))  # type: ignore[arg-type]


def test_once_and_read_only_contradict_each_other(sql: Neon) -> None:
    with pytest.raises(ValueError, match="may be sent again as it is"):
        sql.transaction([sql("select 1")], once="k", read_only=True)


def test_what_is_in_then_is_held_to_the_same_rules(sql: Neon) -> None:
    with pytest.raises(ValueError, match="COMMIT"):
        sql.transaction([sql("select 1")], once=Once("k", then=[sql("commit")]))
    with pytest.raises(TypeError, match="not a query"):
        sql.transaction([sql("select 1")], once=Once("k", then=["select 1"]))  # type: ignore[list-item]


# ------------------------------------------------------------------ settings


async def test_settings_hold_for_one_transaction(sql: Neon) -> None:
    claims = {"sub": "user_1", "roles": ["a", "b"]}
    settings = {
        "statement_timeout": timedelta(seconds=5),
        "lock_timeout": 250,
        "request.jwt.claims": claims,
        "app.flag": True,
        "app.name": "O'Hara; drop",
        "work_mem": None,
    }
    names = ["statement_timeout", "lock_timeout", "request.jwt.claims", "app.flag", "app.name"]
    read = "select current_setting($1, true)"
    got = await sql.transaction([sql(read, name) for name in names], settings=settings)
    values = [rows[0][0] for rows in got]
    assert values[:2] == ["5s", "250ms"]
    assert json.loads(values[2]) == claims
    assert values[3:] == ["on", "O'Hara; drop"]
    assert len(got.results) == len(names)
    assert await sql(read, "app.name").value() in {None, ""}


async def test_settings_lead_to_row_level_security(sql: Neon, direct: Direct) -> None:
    direct.execute(
        "create table notes (owner text, body text); insert into notes values ('a', 'mine'), ('b', 'theirs');"
        "alter table notes enable row level security; alter table notes force row level security;"
        "create policy own on notes using (owner = current_setting('request.jwt.claims', true)::json ->> 'sub');"
        "grant select on notes to public"
    )
    (seen,) = await sql.transaction([sql("select body from notes")], settings={"request.jwt.claims": {"sub": "a"}})
    assert seen == [("mine",)]
    (seen,) = await sql.transaction([sql("select body from notes")], settings={"request.jwt.claims": {"sub": "c"}})
    assert seen == []


async def test_a_statement_that_is_too_slow_for_its_setting(sql: Neon) -> None:
    from sendoka.errors import QueryCanceled

    with pytest.raises(QueryCanceled):
        await sql.transaction([sql("select pg_sleep(5)")], settings={"statement_timeout": "50ms"})


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"": "x"}, ValueError, "a name that no setting has"),
        ({5: "x"}, ValueError, "a name that no setting has"),
        ({"a\0": "x"}, ValueError, "a name that no setting has"),
        ({"transaction_read_only": "off"}, ValueError, "say read_only= to the transaction"),
        ({"Transaction_Isolation": "serializable"}, ValueError, "isolation_level="),
        ({"work_mem": object()}, TypeError, "work_mem of type object"),
        (["work_mem"], TypeError, "settings= is a mapping"),
    ],
)
def test_what_is_no_setting_is_refused(sql: Neon, settings: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        sql.transaction([sql("select 1")], settings=settings)


async def test_a_setting_that_does_not_exist_is_an_error_of_the_database(sql: Neon) -> None:
    from sendoka.errors import DatabaseError

    with pytest.raises(DatabaseError, match="no_such_setting") as caught:
        await sql.transaction([sql("select 1")], settings={"no_such_setting": "1"})
    assert caught.value.outcome is Outcome.FAILED
