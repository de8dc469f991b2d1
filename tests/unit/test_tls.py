"""Remote hosts are spoken to over TLS, and only with a certificate that verifies."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trustme

from sendoka import Retry, neon
from sendoka.errors import ConnectFailed
from sendoka.http.transport.tls import tls_context
from tests.fixtures.canned import ONE, CannedServer, answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.fixtures.canned import Exchange

ONCE = Retry(attempts=1)
DATABASE = "postgresql://user:hunter2@ep-x.eu.neon.tech/db"


async def _answer(exchange: Exchange) -> None:
    await exchange.send(answer(ONE))


@asynccontextmanager
async def tls_server(certificate: trustme.LeafCert, oldest: ssl.TLSVersion) -> AsyncIterator[str]:
    """Serve with this certificate on loopback; yield the endpoint's URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if oldest < ssl.TLSVersion.TLSv1_2:
        context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = oldest
    certificate.configure_cert(context)
    server = await asyncio.start_server(CannedServer(_answer).serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}/sql"
    finally:
        server.close()
        await asyncio.sleep(0.01)


async def ask(endpoint: str, transport: str) -> object:
    async with neon(DATABASE, endpoint=endpoint, transport=transport, connect_timeout=1, retry=ONCE) as sql:
        first = await sql("select 1 as n").value()
        assert await sql("select 1 as n").value() == first
        return first


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """A certificate authority that the environment says to trust."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return authority


@pytest.mark.parametrize("transport", ["native", "httpx"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_certificate_that_verifies_is_taken(
    trusted: trustme.CA, transport: str, version: ssl.TLSVersion
) -> None:
    async with tls_server(trusted.issue_cert("localhost"), version) as endpoint:
        assert await ask(endpoint, transport) == 1


async def test_a_certificate_of_another_host_is_refused(trusted: trustme.CA) -> None:
    async with tls_server(trusted.issue_cert("example.com"), ssl.TLSVersion.TLSv1_3) as endpoint:
        with pytest.raises(ConnectFailed, match="does not verify: Hostname mismatch") as caught:
            await ask(endpoint, "native")
    assert (caught.value.outcome, caught.value.passing) == ("not_sent", False)


async def test_a_certificate_nobody_vouches_for_is_refused(trusted: trustme.CA) -> None:
    async with tls_server(trustme.CA().issue_cert("localhost"), ssl.TLSVersion.TLSv1_3) as endpoint:
        with pytest.raises(ConnectFailed, match="does not verify"):
            await ask(endpoint, "native")


async def test_a_server_without_tls_is_refused(trusted: trustme.CA) -> None:
    server = await asyncio.start_server(CannedServer(_answer).serve, "127.0.0.1", 0)
    with pytest.raises(ConnectFailed) as caught:
        await ask(f"https://localhost:{server.sockets[0].getsockname()[1]}/sql", "native")
    assert caught.value.outcome == "not_sent"
    server.close()


def test_certificates_are_loaded_lazily_where_the_system_hashes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    context = tls_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
