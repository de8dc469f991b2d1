"""Mocks of httpx see our requests, whatever was imported first; without one the native transport is back."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import httpx
import pytest
import respx

from sendoka import Retry, neon
from sendoka.errors import AnswerLost, ConnectFailed, ProtocolError
from tests.fixtures.canned import ONE, answer, canned

if TYPE_CHECKING:
    from pathlib import Path

URL = "postgresql://user:hunter2@ep-x.eu-central-1.aws.neon.tech/db"
ENDPOINT = "https://api.eu-central-1.aws.neon.tech/sql"


async def test_a_bare_respx_mock_answers() -> None:
    with respx.mock:
        route = respx.post(ENDPOINT).respond(json=ONE)
        async with neon(URL) as sql:
            assert await sql("select 1 as n").value() == 1
    assert route.call_count == 1
    assert route.calls.last.request.headers["Neon-Raw-Text-Output"] == "true"


@respx.mock
async def test_the_decorator_answers() -> None:
    respx.post(ENDPOINT).respond(json=ONE)
    async with neon(URL) as sql:
        assert await sql("select 1 as n").value() == 1


async def test_the_fixture_answers(respx_mock: respx.MockRouter) -> None:
    respx_mock.post(ENDPOINT).respond(json=ONE)
    async with neon(URL) as sql:
        assert await sql("select 1 as n").value() == 1


async def test_a_request_nobody_mocked_fails_and_reaches_no_network() -> None:
    async with canned(answer(ONE)) as server, neon(server.url) as sql:
        with respx.mock, pytest.raises(AssertionError, match="not mocked"):
            await sql("select 1 as n")
        assert server.requests == []
        assert await sql("select 1 as n").value() == 1


@pytest.mark.parametrize(
    ("raised", "error", "outcome"),
    [
        (httpx.ConnectError, ConnectFailed, "not_sent"),
        (httpx.ReadError, AnswerLost, "unknown"),
        (httpx.DecodingError, ProtocolError, "unknown"),
        (httpx.TooManyRedirects, ProtocolError, "unknown"),
    ],
)
async def test_an_error_of_httpx_becomes_ours(raised: type[Exception], error: type[Exception], outcome: str) -> None:
    with respx.mock:
        respx.post(ENDPOINT).mock(side_effect=raised)
        async with neon(URL, retry=Retry(attempts=1)) as sql:
            with pytest.raises(error) as caught:
                await sql("select 1")
    assert getattr(caught.value, "outcome", None) == outcome


async def test_a_client_of_the_users_own_is_used_and_left_open() -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=ONE))) as client:
        async with neon(URL, transport=client) as sql:
            assert await sql("select 1 as n").value() == 1
        assert not client.is_closed


@pytest.mark.parametrize("status", [400, 503])
async def test_a_hook_that_raises_for_a_status_leaves_what_is_known(status: int) -> None:
    async def check(response: httpx.Response) -> None:
        response.raise_for_status()

    mock = httpx.MockTransport(lambda _: httpx.Response(status, json={"message": "no", "code": "23505"}))
    client = httpx.AsyncClient(transport=mock, event_hooks={"response": [check]})
    async with client, neon(URL, transport=client, retry=Retry(attempts=1)) as sql:
        with pytest.raises(ProtocolError, match=rf"(?s)status {status}.*raise_for_status") as caught:
            await sql("insert into t values (1)")
    assert caught.value.outcome == "unknown"
    assert caught.value.__cause__ is None


async def test_a_closed_client_of_the_users_own_is_not_sent_and_says_what_to_do() -> None:
    client = httpx.AsyncClient()
    await client.aclose()
    async with neon(URL, transport=client) as sql:
        with pytest.raises(ConnectFailed, match=r"(?s)transport= is closed.*keep it open") as caught:
            await sql("select 1")
    assert (caught.value.outcome, caught.value.passing) == ("not_sent", False)


async def test_an_answer_is_not_asked_for_compressed_and_a_broken_one_is_a_protocol_error() -> None:
    async with canned(answer(b"not gzip", 200, "content-encoding: gzip")) as server:
        async with neon(server.url, transport="httpx") as sql:
            with pytest.raises(ProtocolError, match="cannot be read") as caught:
                await sql("insert into t values (1)")
        assert caught.value.outcome == "unknown"
        assert "\r\naccept-encoding: identity\r\n" in server.requests[0].head.lower()


SCRIPT = """
    import asyncio, sys
    {first}
    from sendoka import neon
    sql = neon({url!r})
    {second}
    import respx
    ONE = {one!r}

    async def main():
        with respx.mock:
            respx.post({endpoint!r}).respond(json=ONE)
            print(await sql("select 1 as n").value())
        await sql.aclose()

    asyncio.run(main())
"""


@pytest.mark.parametrize(("first", "second"), [("import respx", ""), ("", "assert 'httpx' not in sys.modules")])
def test_the_order_of_imports_does_not_matter(first: str, second: str) -> None:
    script = textwrap.dedent(SCRIPT.format(first=first, second=second, url=URL, endpoint=ENDPOINT, one=ONE))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("1\n", "")


WITH_PYTEST_HTTPX = """
    import httpx
    import pytest
    from pytest_httpx import HTTPXMock

    from sendoka import Retry, neon
    from sendoka.errors import AnswerLost, ConnectFailed, RequestTimeout, UniqueViolation

    URL, ENDPOINT, ONE = {url!r}, {endpoint!r}, {one!r}


    async def test_a_reply(httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_response(url=ENDPOINT, method="POST", json=ONE)
        async with neon(URL) as sql:
            assert await sql("select 1 as n").value() == 1
        (request,) = httpx_mock.get_requests()
        assert request.headers["Neon-Array-Mode"] == "true"


    async def test_an_error_of_postgres(httpx_mock: HTTPXMock) -> None:
        error = {{"message": "no", "code": "23505", "severity": "ERROR", "constraint": "t_pkey"}}
        httpx_mock.add_response(url=ENDPOINT, status_code=400, json=error)
        async with neon(URL) as sql:
            with pytest.raises(UniqueViolation):
                await sql("insert into t values (1)")


    @pytest.mark.parametrize(
        ("raised", "error", "outcome"),
        [
            (httpx.ReadTimeout("slow"), RequestTimeout, "unknown"),
            (httpx.ReadError("cut"), AnswerLost, "unknown"),
            (httpx.ConnectError("no"), ConnectFailed, "not_sent"),
        ],
    )
    async def test_failures(httpx_mock: HTTPXMock, raised: Exception, error: type[Exception], outcome: str) -> None:
        httpx_mock.add_exception(raised, url=ENDPOINT)
        async with neon(URL, retry=Retry(attempts=1)) as sql:
            with pytest.raises(error) as caught:
                await sql("select 1")
        assert caught.value.outcome == outcome


    async def test_what_nobody_expected_reaches_no_network(httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_response(url="https://other.example/", is_optional=True)
        async with neon(URL, retry=Retry(attempts=1)) as sql:
            with pytest.raises(RequestTimeout, match="No response can be found for POST request"):
                await sql("select 1")
"""


def test_pytest_httpx_answers(tmp_path: Path) -> None:
    """In a run of its own: once its plugin is loaded, all requests of a run go through httpx."""
    script = textwrap.dedent(WITH_PYTEST_HTTPX.format(url=URL, endpoint=ENDPOINT, one=ONE))
    (tmp_path / "test_with_pytest_httpx.py").write_text(script)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:respx", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert "6 passed" in done.stdout, done.stdout + done.stderr


def test_pytest_httpx_is_not_loaded_into_this_suite() -> None:
    assert "pytest_httpx" not in sys.modules
