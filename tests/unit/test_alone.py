"""A statement whose effect would end with its own request is refused before it is sent, and told what to write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendoka import neon
from sendoka.http.alone import check_alone
from tests.fixtures.canned import ONE, CannedServer, answer, canned

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sendoka.http.client import Neon
    from tests.fixtures.garbage import Search


@pytest.fixture
async def server() -> AsyncIterator[CannedServer]:
    async with canned(answer(ONE | {"results": [ONE]})) as server:
        yield server


@pytest.fixture
async def sql(server: CannedServer) -> AsyncIterator[Neon]:
    async with neon(server.url, transport="native") as sql:
        yield sql


LIST = r"sql\.transaction\(\[sql\(…\), sql\(…\)\]\)"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("begin", f"^BEGIN by itself has no effect.*{LIST}"),
        ("begin; insert into t values (1); commit", "^BEGIN by itself"),
        ("Start Transaction", f"^START by itself.*{LIST}"),
        ("-- now\n/* or /* never */ */ ; COMMIT", "^COMMIT by itself"),
        ("rollback to a", f"^ROLLBACK by itself.*{LIST}"),
        ("savepoint a", f"^SAVEPOINT by itself.*{LIST}"),
        ("release savepoint a", "^RELEASE by itself"),
        ("prepare transaction 'x'", "^PREPARE TRANSACTION by itself"),
        ("set statement_timeout = '5s'", r"^SET by itself.*settings=\{\"statement_timeout\": \"5s\"\}"),
        ("SET LOCAL lock_timeout = 1", "^SET by itself.*settings="),
        ("set session search_path to app", "^SET by itself.*settings="),
        ("set local/**/role app", r"^SET ROLE by itself.*settings=\{\"role\": …\}"),
        ("set session authorization app", "^SET SESSION AUTHORIZATION by itself.*session_authorization"),
        ("set transaction read only", "^SET TRANSACTION by itself.*read_only="),
        ("set session characteristics as transaction read only", "^SET SESSION CHARACTERISTICS by.*read_only="),
        ("set constraints all deferred", "^SET CONSTRAINTS by itself.*first in a list"),
        ("reset all", "^RESET by itself.*leave it out"),
        ("discard all", "^DISCARD by itself"),
        ("deallocate all", "^DEALLOCATE by itself"),
        ("listen news", "^LISTEN by itself.*over TCP"),
        ("unlisten *", "^UNLISTEN by itself"),
        ("prepare q as select 1", "^PREPARE by itself.*the statement itself"),
        ("declare c cursor with hold for select 1", r"^DECLARE by itself.*paginate\(\)"),
    ],
)
async def test_what_has_no_effect_by_itself_is_refused(server: CannedServer, sql: Neon, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        await sql(text)
    assert server.requests == []


@pytest.mark.parametrize("shape", ["result", "one", "one_or_none", "value", "column"])
async def test_whatever_it_is_asked_for(server: CannedServer, sql: Neon, shape: str, garbage: Search) -> None:
    query = sql("set role app", read_only=True)
    with pytest.raises(ValueError, match="SET ROLE by itself"):
        getattr(query, shape)()
    del query
    garbage()  # refused is not forgotten: nothing warns
    assert server.requests == []


@pytest.mark.parametrize("text", ["", " ;\n"])
async def test_an_empty_text_is_warned_of(server: CannedServer, sql: Neon, text: str) -> None:
    with pytest.warns(RuntimeWarning, match="the statement is empty") as warned:
        await sql(text)
    assert warned[0].filename == __file__
    assert len(server.requests) == 1


@pytest.mark.parametrize("shape", ["result", "one", "one_or_none", "value", "column"])
async def test_the_warning_points_to_whoever_asks(sql: Neon, shape: str) -> None:
    with pytest.warns(RuntimeWarning, match="the statement is empty") as warned:
        asked = getattr(sql(""), shape)()
    asked.close()
    assert warned[0].filename == __file__


@pytest.mark.parametrize(
    "text",
    [
        "alter role app set statement_timeout = '5s'",
        "alter system set work_mem = '8MB'",
        "commit prepared 'x'",
        "rollback/**/prepared 'x'",
        "create temp table t as select nextval('s')",
        "do $$ begin perform 1; end $$",
        "notify news",
        "call p()",
        "lock table t",
        "show all",
        "begins",
        "set_up",
        "(select 1)",
        "-- there?",
        "/* there? */",
        "checkpoint",
        "with begin as (select 1) select * from begin",
        '"begin"',
        "explain select 1",
        "vacuum t",
    ],
)
def test_what_may_have_an_effect_is_sent(text: str) -> None:
    check_alone(text)


async def test_in_a_list_it_has_its_effect(server: CannedServer, sql: Neon) -> None:
    await sql.transaction([sql("set local role app")])
    assert len(server.requests) == 1
