"""The seam over TCP, as far as it goes without a database."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import traceback

import pytest

from sendoka.database import Retry, Statement, TransactionOptions
from sendoka.direct import Direct
from sendoka.errors import ConnectFailed, Outcome, RequestTimeout, SettingsError
from tests.fixtures.canned import raw

ONCE = Retry(attempts=1)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_a_url_is_accepted_and_its_password_never_shown(scheme: str) -> None:
    direct = Direct(f"{scheme}://user:se%2Fcret@localhost:5432/app?sslmode=disable")
    assert repr(direct) == "Direct('localhost/app')"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost/app",
        "mysql://user:secret@localhost/app",
        "postgresql+psycopg://user:secret@localhost/app",
        "postgresql:///",
        "postgresql://user:secret@localhost:port/app",
        "postgresql://user:secret@[::1/app",
    ],
)
def test_what_is_no_url_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(SettingsError, match="not a postgresql:// URL") as caught:
        Direct(url)
    assert "secret" not in f"{caught.value!r} {caught.value}"
    assert caught.value.exit_code == 2


def test_no_connections_at_all_are_refused() -> None:
    with pytest.raises(ValueError, match="connections=0: at least 1"):
        Direct("postgresql://user:secret@localhost/app", connections=0)


async def test_nobody_listening_is_not_sent() -> None:
    direct = Direct("postgresql://user:secret@127.0.0.1:1/app", retry=ONCE)
    with pytest.raises(ConnectFailed, match=r"connecting to 127\.0\.0\.1/app") as caught:
        await direct.run(Statement("select 1"))
    assert caught.value.outcome is Outcome.NOT_SENT
    assert "secret" not in str(caught.value)


async def test_a_connection_that_ends_while_it_is_made_is_not_sent() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(ConnectFailed) as caught:
            await Direct(f"postgresql://u:secret@127.0.0.1:{port}/app?sslmode=disable", retry=ONCE).run(
                Statement("select 1")
            )
    assert caught.value.outcome is Outcome.NOT_SENT


def test_importing_it_does_not_import_asyncpg() -> None:
    code = "import sys, sendoka.direct; print('asyncpg' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_missing_extra_names_the_install() -> None:
    code = """
import asyncio, sys
sys.modules["asyncpg"] = None
from sendoka.database import Statement
from sendoka.direct import Direct
asyncio.run(Direct("postgresql://u:p@127.0.0.1/x").run(Statement("select 1")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'pip install "sendoka[direct]"' in done.stderr


@pytest.mark.parametrize("url", ["mysql://u:hunter2@h/db", "postgresql://u:hunter2@h:port/db"])
def test_no_frame_of_a_refusal_holds_the_password(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Direct(url)
    assert_hidden(caught.value)


@pytest.mark.parametrize(
    ("place", "error"), [("127.0.0.1:1/app", ConnectFailed), ("127.0.0.1/db?sslmode=sometimes", SettingsError)]
)
async def test_no_frame_of_a_failed_connection_holds_the_password(place: str, error: type[Exception]) -> None:
    direct = Direct(f"postgresql://u:hunter2@{place}", retry=ONCE)
    with pytest.raises(error) as caught:
        await direct.run(Statement("select 1"))
    assert_hidden(caught.value)


def assert_hidden(error: BaseException | None) -> None:
    """Look through the local variables of every frame but the test's own, as a crash reporter does."""
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_globals["__name__"] != __name__:
                shown = [name for name, value in frame.f_locals.items() if "hunter2" in repr(value)]
                assert not shown, f"in {frame.f_code.co_qualname}: {shown}"
        error = error.__cause__ or error.__context__


async def test_a_deadline_that_passes_before_there_is_a_connection_is_not_sent() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await asyncio.sleep(5)

    async with raw(silent) as port:
        direct = Direct(f"postgresql://u:secret@127.0.0.1:{port}/app?sslmode=disable")
        with pytest.raises(RequestTimeout, match=r"0\.2 s") as caught:
            await direct.run_all([Statement("select 1")], TransactionOptions(timeout=0.2))
    assert caught.value.outcome is Outcome.NOT_SENT
