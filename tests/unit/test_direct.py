"""The seam over TCP, as far as it goes without a database."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from sendoka.database import Retry, Statement
from sendoka.direct import Direct
from sendoka.errors import ConnectFailed, Outcome, SettingsError

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
