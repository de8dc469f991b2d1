"""`migrate_now()`: migrations without an event loop, with one blocking request where nothing is to be done."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import Retry, migrate_now
from sendoka.errors import ChecksumMismatch, ConnectFailed, ProtocolError, SettingsError
from sendoka.http.transport.blocking import BlockingTransport

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from sendoka.local import Endpoint
    from sendoka.local.faults import FaultKind
    from tests.fixtures.client import Chain

    Direct = psycopg.Connection[Any]

FILES = (["create table t (id int)"], ["insert into t values (1)"])


@pytest.fixture(autouse=True)
def unmocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no mock of httpx be loaded, for with one all requests go through httpx."""
    monkeypatch.delitem(sys.modules, "respx", raising=False)


@pytest.fixture
def exchanges(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note each request that goes over the blocking socket."""
    seen, exchange = [], BlockingTransport.exchange

    async def noted(self: BlockingTransport, request: Any, timing: Any) -> Any:
        seen.append("asked")
        return await exchange(self, request, timing)

    monkeypatch.setattr(BlockingTransport, "exchange", noted)
    return seen


def count(direct: Direct) -> int:
    found = direct.execute("select count(*) from t").fetchone()
    assert found is not None
    return int(found[0])


def test_what_is_pending_is_applied_and_then_one_blocking_request_is_all(
    database_url: str, direct: Direct, chain: Chain, tmp_path: Path, exchanges: list[str], endpoint: Endpoint
) -> None:
    chain(*FILES)
    first = migrate_now(database_url, tmp_path)
    assert [one.name for one in first.applied] == ["0000_calm_heron", "0001_brave_otter"]
    exchanges.clear()
    before = endpoint.requests
    again = migrate_now(database_url, tmp_path)
    assert (again.applied, again.head) == ((), first.head)
    assert exchanges == ["asked"]
    assert endpoint.requests == before + 1
    assert count(direct) == 1


def test_a_start_with_nothing_to_do_loads_no_event_loop(database_url: str, chain: Chain, tmp_path: Path) -> None:
    chain(*FILES)
    migrate_now(database_url, tmp_path)
    code = (
        "import sys; from sendoka import migrate_now\n"
        "assert not migrate_now(sys.argv[1], sys.argv[2]).applied\n"
        "print([name for name in ('asyncio', 'anyio', 'concurrent', 'logging') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, database_url, str(tmp_path)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "cut_body", "connection_closed", "refuse"])
def test_a_look_that_fails_is_made_again_by_an_event_loop(
    database_url: str, chain: Chain, tmp_path: Path, exchanges: list[str], endpoint: Endpoint, kind: FaultKind
) -> None:
    chain(*FILES)
    migrate_now(database_url, tmp_path)
    exchanges.clear()
    said: dict[str, Any] = {"message": "connection closed", "status": 400} if kind == "refuse" else {}
    fault = endpoint.faults.add(kind, times=1, **said)
    assert migrate_now(database_url, tmp_path).applied == ()
    assert endpoint.faults.hits(fault) == 1
    assert exchanges == ["asked"]


def test_an_answer_that_is_not_http_ends_as_for_every_client(database_url: str, chain: Chain, tmp_path: Path) -> None:
    chain(*FILES)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    line, _ = server.accept()
                    with line:
                        line.recv(65536)
                        line.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        threading.Thread(target=answer, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/sql"
        with pytest.raises(ProtocolError, match="not HTTP"):
            migrate_now(database_url, tmp_path, endpoint=url, retry=Retry(attempts=1))
        server.shutdown(socket.SHUT_RDWR)


def test_a_password_that_a_coroutine_gets_is_left_to_the_loop(database_url: str, chain: Chain, tmp_path: Path) -> None:
    chain(*FILES)
    given = database_url.partition("@")[0].rpartition(":")[2]

    async def password() -> str:
        await asyncio.sleep(0)
        return given

    for applied in (2, 0):
        assert len(migrate_now(database_url.replace(f":{given}@", "@"), tmp_path, password=password).applied) == applied


def test_where_httpx_is_mocked_nothing_goes_past_the_mock(
    database_url: str, chain: Chain, tmp_path: Path, exchanges: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    chain(*FILES)
    monkeypatch.setitem(sys.modules, "respx", sys)
    assert len(migrate_now(database_url, tmp_path).applied) == 2
    assert exchanges == []


async def test_an_event_loop_is_not_blocked(database_url: str, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"await migrate\(sql, folder\)"):
        migrate_now(database_url, tmp_path)


def test_wrong_input_is_told_as_by_migrate(database_url: str, chain: Chain, tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        migrate_now("not a url", tmp_path)
    with pytest.raises(SettingsError, match="folder"):
        migrate_now(database_url, tmp_path / "missing")
    with pytest.raises(TypeError, match="colour"):
        migrate_now(database_url, tmp_path, colour="red")
    chain(*FILES)
    with pytest.raises(ConnectFailed, match="refused"):
        migrate_now("postgresql://me:pass-word@127.0.0.1:9/app", tmp_path, endpoint="http://127.0.0.1:9/sql")
    migrate_now(database_url, tmp_path)
    edited = tmp_path / "0001_brave_otter.sql"
    edited.write_text(edited.read_text(encoding="utf-8").replace("(1)", "(2)"), encoding="utf-8")
    with pytest.raises(ChecksumMismatch):
        migrate_now(database_url, tmp_path)
