"""The endpoint over HTTP: what the vectors do not show — sessions, limits, cancelling, bad requests."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sendoka.errors import SettingsError
from sendoka.local import Endpoint, Server, in_process, serve
from tests.fixtures.caller import RAW, Caller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import psycopg

    from sendoka.local import Postgres


class TestSessions:
    @pytest.mark.parametrize(
        ("leave", "look", "clean"),
        [
            ("set search_path to nowhere", "show search_path", '"$user", public'),
            ("select set_config('a.b', 'left', false)", "select coalesce(current_setting('a.b', true), '')", ""),
            ("create temp table left_over (i int)", "select to_regclass('left_over')", None),
            ("prepare left_over as select 1", "select count(*) from pg_prepared_statements where name <> ''", "0"),
            ("select pg_advisory_lock(7)", "select count(*) from pg_locks where locktype = 'advisory'", "0"),
            ("listen left_over", "select count(*) from pg_listening_channels()", "0"),
            ("begin", "select count(*) from pg_stat_activity where state like 'idle in transaction%'", "0"),
        ],
    )
    async def test_forget_everything_after_a_request(
        self, call: Caller, leave: str, look: str, clean: str | None
    ) -> None:
        assert (await call(leave)).status_code == 200
        assert await call.value(look) == clean

    async def test_are_reused_by_later_requests(self, call: Caller) -> None:
        pids = {await call.value("select pg_backend_pid()") for _ in range(5)}
        assert len(pids) == 1

    async def test_are_thrown_away_after_a_failed_single_query(self, call: Caller) -> None:
        before = await call.value("select pg_backend_pid()")
        assert (await call("select 1/0")).status_code == 400
        assert await call.value("select pg_backend_pid()") != before

    async def test_are_rolled_back_and_kept_after_a_failed_batch(self, call: Caller) -> None:
        before = await call.value("select pg_backend_pid()")
        assert (await call("create table t (i int)", "select 1/0")).status_code == 400
        assert await call.value("select pg_backend_pid()") == before
        assert await call.value("select to_regclass('t')") is None

    async def test_that_died_while_idle_are_not_handed_out(self, call: Caller, direct: psycopg.Connection[Any]) -> None:
        pid = int(await call.value("select pg_backend_pid()"))
        direct.execute("select pg_terminate_backend(%s, 5000)", (pid,))
        assert await call.value("select 1") == "1"

    async def test_serve_many_requests_at_once(self, call: Caller) -> None:
        answers = await asyncio.gather(*(call(f"select {i}, pg_sleep(0.05)") for i in range(120)))
        assert [answer.json()["rows"][0][0] for answer in answers] == [str(i) for i in range(120)]

    async def test_that_are_killed_while_they_work_say_so(self, call: Caller) -> None:
        answer = await call("select pg_terminate_backend(pg_backend_pid())")
        assert answer.status_code == 400
        assert (answer.json()["code"], answer.json()["severity"]) == ("57P01", "FATAL")


class TestRequests:
    @pytest.mark.parametrize(
        ("method", "path"),
        [("GET", "/sql"), ("PUT", "/sql"), ("POST", "/"), ("POST", "/sql/"), ("POST", "/SQL"), ("GET", "/favicon.ico")],
    )
    async def test_of_another_kind_are_not_supported(self, call: Caller, method: str, path: str) -> None:
        answer = await call.client.request(method, path)
        assert (answer.status_code, answer.json()) == (400, "query is not supported")
        assert "access-control-allow-origin" not in answer.headers

    async def test_may_name_any_host_and_carry_a_query_string(self, call: Caller) -> None:
        headers = {"Neon-Connection-String": call.url, "Host": "api.us-east-2.aws.neon.tech"}
        answer = await call.client.post("/sql?x=1", json={"query": "select 1"}, headers=headers)
        assert answer.status_code == 200

    @pytest.mark.parametrize("body", [b"", b"{", b"select 1", b'{"queries": 1}', b"\xff\xfe"])
    async def test_that_cannot_be_read_say_so(self, call: Caller, body: bytes) -> None:
        answer = await call.client.post("/sql", content=body, headers={"Neon-Connection-String": call.url})
        assert answer.status_code == 400
        assert answer.json()["message"].startswith("could not parse the HTTP request body: ")
        assert answer.headers["access-control-allow-origin"] == "*"

    @pytest.mark.parametrize("origin", ["https://example.com", "null", "http://localhost.example.com:4444"])
    @pytest.mark.parametrize("method", ["POST", "OPTIONS"])
    async def test_from_a_foreign_page_are_refused(self, call: Caller, origin: str, method: str) -> None:
        headers = {"Neon-Connection-String": call.url, "Origin": origin}
        answer = await call.client.request(method, "/sql", json={"query": "select 1"}, headers=headers)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers

    @pytest.mark.parametrize("host", ["localhost", "evil.example:4444"])
    async def test_from_a_page_whose_name_was_made_to_lead_here_are_refused(self, call: Caller, host: str) -> None:
        """DNS rebinding: to the browser it is the page's own origin, and it says so in Origin."""
        answer = await call("select 1", Origin="http://evil.example:4444", Host=host)
        assert answer.status_code == 403

    async def test_of_pages_that_are_allowed_are_answered(self, postgres: Postgres, database_url: str) -> None:
        endpoint = Endpoint(postgres, allow_origins=["https://app.example.com"])
        async with in_process(endpoint) as client:
            client.base_url = httpx.URL("http://localhost")
            call = Caller(client, database_url)
            answers = [await call("select 1", Origin=f"https://{name}example.com") for name in ("app.", "other.", "")]
            assert [answer.status_code for answer in answers] == [200, 403, 403]
            assert answers[0].headers["access-control-allow-origin"] == "*"
            asked = {
                "Origin": "https://app.example.com",
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "neon-connection-string",
            }
            preflight = await client.options("/sql", headers=asked)
            assert preflight.status_code == 200
            assert "Neon-Connection-String" in preflight.headers["access-control-allow-headers"]
            assert "access-control-allow-private-network" not in preflight.headers
            asked["Access-Control-Request-Private-Network"] = "true"
            preflight = await client.options("/sql", headers=asked)
            assert preflight.headers["access-control-allow-private-network"] == "true"
            refused = await client.options("/sql", headers={**asked, "Origin": "https://example.com"})
            assert refused.status_code == 403
            assert not [name for name in refused.headers if name.startswith("access-control")]
        await endpoint.aclose()

    async def test_from_a_page_of_this_machine_are_answered(self, call: Caller) -> None:
        assert (await call("select 1", Origin="http://localhost:3000")).status_code == 200

    @pytest.mark.parametrize(
        ("params", "text", "message"),
        [
            ([], "select 1\0", "error encoding message to server: string contains embedded null"),
            (["1"] * 32768, "select 1", "error encoding message to server: value too large to transmit"),
        ],
    )
    async def test_that_the_protocol_cannot_carry_are_refused(
        self, call: Caller, params: list[str], text: str, message: str
    ) -> None:
        headers = {"Neon-Connection-String": call.url}
        answer = await call.client.post("/sql", json={"query": text, "params": params}, headers=headers)
        assert (answer.status_code, answer.json()["message"]) == (400, message)
        assert await call.value("select 1") == "1"

    async def test_with_nul_in_a_parameter_are_refused_by_postgres(self, call: Caller) -> None:
        headers = {"Neon-Connection-String": call.url}
        answer = await call.client.post("/sql", json={"query": "select $1", "params": ["a\0b"]}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "22021")

    async def test_with_32767_parameters_are_fine(self, call: Caller) -> None:
        text = "select cardinality(array[" + ", ".join(f"${i}" for i in range(1, 32768)) + "])"
        answer = await call.client.post(
            "/sql", json={"query": text, "params": ["1"] * 32767}, headers={"Neon-Connection-String": call.url, **RAW}
        )
        assert answer.json()["rows"] == [["32767"]]

    async def test_and_answers_may_be_large(self, call: Caller) -> None:
        text = "x" * 9_000_000
        answer = await call.client.post(
            "/sql",
            json={"query": "select $1::text || 'y'", "params": [text]},
            headers={"Neon-Connection-String": call.url, **RAW},
        )
        assert answer.json()["rows"] == [[text + "y"]]


class TestLimits:
    @pytest.fixture
    async def limited(self, postgres: Postgres, database_url: str) -> AsyncIterator[Caller]:
        endpoint = Endpoint(postgres, max_request=2000, max_response=2000)
        async with in_process(endpoint) as client:
            client.base_url = httpx.URL("http://localhost")
            yield Caller(client, database_url)
        await endpoint.aclose()

    async def test_of_a_request(self, limited: Caller) -> None:
        answer = await limited("select '" + "x" * 2000 + "'")
        assert (answer.status_code, answer.json()["message"]) == (413, "request is too large (max is 2000 bytes)")

    async def test_of_a_response(self, limited: Caller) -> None:
        answer = await limited("select repeat('x', 100) from generate_series(1, 50)")
        assert (answer.status_code, answer.json()["message"]) == (507, "response is too large (max is 2000 bytes)")

    async def test_of_a_batch_undo_it(self, limited: Caller) -> None:
        large = "select repeat('x', 100) from generate_series(1, 12)"
        answer = await limited("create table t (i int)", large, large)
        assert (answer.status_code, answer.json()["message"]) == (507, "response is too large (max is 2000 bytes)")
        assert await limited.value("select to_regclass('t')") is None

    async def test_are_counted_in_bytes_and_looked_at_before_each_row(self, limited: Caller) -> None:
        """Rows of 100 characters of two bytes: what is there before the last one decides."""
        passes = [
            (await limited(f"select repeat('ä', 100) from generate_series(1, {n})")).status_code for n in range(1, 13)
        ]
        rows = passes.count(200)
        assert passes == [200] * rows + [507] * (12 - rows)
        whole = (await limited(f"select repeat('ä', 100) from generate_series(1, {rows})")).content
        row = len(b'["' + "ä".encode() * 100 + b'"],')
        fields = whole.index(b'"rows":[') + len(b'"rows":[')
        assert fields + (rows - 1) * row <= 2000 < fields + rows * row

    async def test_of_a_batch_count_all_its_statements(self, limited: Caller) -> None:
        small = "select repeat('x', 100) from generate_series(1, 5)"
        assert (await limited(small, small)).status_code == 200
        assert (await limited(*[small] * 4)).status_code == 507

    async def test_of_a_single_write_leave_it_undone_or_done_but_never_half(
        self, limited: Caller, direct: psycopg.Connection[Any]
    ) -> None:
        direct.execute("create table t (i int, x text)")
        direct.execute("grant all on t to public")
        for rows in (30, 300, 30_000):
            direct.execute("truncate t")
            text = f"insert into t select n, repeat('x', 100) from generate_series(1, {rows}) n returning x"
            assert (await limited(text)).status_code == 507
            assert await eventually(lambda: running(direct, "insert into t%") == 0)
            found = direct.execute("select count(*) from t").fetchone()
            assert found in {(0,), (rows,)}

    async def test_let_one_large_row_pass(self, limited: Caller) -> None:
        assert len(await limited.value("select repeat('x', 5000)")) == 5000


class TestClientsThatGoAway:
    async def test_have_their_statement_cancelled(self, call: Caller, direct: psycopg.Connection[Any]) -> None:
        with pytest.raises(httpx.ReadTimeout):
            await call.client.post(
                "/sql",
                json={"query": "select pg_sleep(60)"},
                headers={"Neon-Connection-String": call.url},
                timeout=0.3,
            )
        assert await eventually(lambda: running(direct, "%pg_sleep(60)%") == 0)

    async def test_have_their_batch_rolled_back(self, call: Caller, direct: psycopg.Connection[Any]) -> None:
        queries = [{"query": "create table t (i int)"}, {"query": "select pg_sleep(60)"}]
        with pytest.raises(httpx.ReadTimeout):
            await call.client.post(
                "/sql", json={"queries": queries}, headers={"Neon-Connection-String": call.url}, timeout=0.3
            )
        assert await eventually(lambda: running(direct, "%pg_sleep(60)%") == 0)
        assert direct.execute("select to_regclass('t')").fetchone() == (None,)
        assert await call.value("select 1") == "1"

    async def test_have_it_cancelled_without_a_socket_too(
        self, postgres: Postgres, database_url: str, direct: psycopg.Connection[Any]
    ) -> None:
        endpoint = Endpoint(postgres)
        async with in_process(endpoint) as client:
            headers = {"Neon-Connection-String": database_url}
            request = client.post("http://localhost/sql", json={"query": "select pg_sleep(60)"}, headers=headers)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(request, 0.3)
            assert await eventually(lambda: running(direct, "%pg_sleep(60)%") == 0)
        await endpoint.aclose()


class TestServing:
    async def test_a_whole_endpoint_is_one_async_with(self) -> None:
        async with serve() as local, httpx.AsyncClient(base_url=f"http://localhost:{local.port}") as client:
            assert await Caller(client, local.connection_string()).value("select current_database()") == "neondb"

    async def test_both_loopback_addresses_are_served(self, server: Server) -> None:
        for address in ("127.0.0.1", *(["::1"] if has_ipv6() else [])):
            _, writer = await asyncio.open_connection(address, server.port)
            writer.close()
            await writer.wait_closed()

    async def test_nothing_else_is_served(self, server: Server) -> None:
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.2", server.port), timeout=2).close()

    def test_a_port_that_is_taken_is_a_clear_error(self, server: Server) -> None:
        with pytest.raises(SettingsError, match=f"port {server.port} on localhost is taken"):
            Server(Endpoint(server.endpoint.login), port=server.port).start()

    def test_stopping_twice_does_no_harm(self, postgres: Postgres) -> None:
        local = Server(Endpoint(postgres))
        local.start()
        local.stop()
        local.stop()
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", local.port), timeout=2).close()

    async def test_an_answer_in_progress_is_finished_before_the_end(self, postgres: Postgres, database: str) -> None:
        local = Server(Endpoint(postgres))
        local.start()
        async with httpx.AsyncClient(base_url=f"http://localhost:{local.port}") as client:
            asked = asyncio.create_task(Caller(client, local.connection_string(database))("select pg_sleep(0.5)"))
            await asyncio.sleep(0.2)
            await asyncio.to_thread(local.stop)
            assert (await asked).status_code == 200

    async def test_an_answer_that_takes_too_long_is_given_up_at_the_end(
        self, postgres: Postgres, database: str
    ) -> None:
        local = Server(Endpoint(postgres))
        local.start()
        async with httpx.AsyncClient(base_url=f"http://localhost:{local.port}") as client:
            asked = asyncio.create_task(Caller(client, local.connection_string(database))("select pg_sleep(60)"))
            await asyncio.sleep(0.2)
            await asyncio.to_thread(local.stop)
            answer = await asked
        assert (answer.status_code, answer.json()["message"]) == (400, "connection closed")

    async def test_one_endpoint_serves_loop_after_loop(self, postgres: Postgres, database_url: str) -> None:
        endpoint = Endpoint(postgres)

        async def once() -> int:
            async with in_process(endpoint) as client:
                headers = {"Neon-Connection-String": database_url}
                answer = await client.post("http://x/sql", json={"query": "select 1"}, headers=headers)
            return answer.status_code

        assert await asyncio.to_thread(lambda: [asyncio.run(once()) for _ in range(2)]) == [200, 200]
        await endpoint.aclose()


class TestDatabases:
    async def test_are_copied_though_somebody_is_connected(
        self, call: Caller, postgres: Postgres, database: str, server: Server
    ) -> None:
        await call("create table t as select 1 as i")
        started = time.monotonic()
        postgres.databases.create(f"{database}_copy", owner=postgres.login.user, template=database)
        took = time.monotonic() - started
        try:
            answer = await call("select i from t", url=server.connection_string(f"{database}_copy"))
            assert answer.json()["rows"] == [["1"]]
            assert took < 1
        finally:
            postgres.databases.drop(f"{database}_copy")

    def test_are_marked_once(self, postgres: Postgres, database: str, direct: psycopg.Connection[Any]) -> None:
        for mark in ("dev", "production"):
            postgres.databases.mark(postgres.login.to(database), mark)
        assert direct.execute("select value from sendoka.facts where name = 'mark'").fetchall() == [("dev",)]


def running(direct: psycopg.Connection[Any], pattern: str) -> int:
    found = direct.execute(
        "select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like %s",
        (pattern,),
    ).fetchone()
    return int(found[0]) if found else 0


async def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.05)
    return True


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
