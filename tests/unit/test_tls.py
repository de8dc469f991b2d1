"""Remote hosts are spoken to over TLS, and only with a certificate that verifies."""

from __future__ import annotations

import datetime
import os
import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest
import trustme

from sendoka import Retry, neon
from sendoka.errors import ConnectFailed, SettingsError
from sendoka.http.transport import tls as tls_module
from sendoka.http.transport.tls import tls_context
from tests.fixtures.canned import ONE, answer, canned, raw
from tests.fixtures.certificates import server_context, write_authority

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from pathlib import Path

ONCE = Retry(attempts=1)
DATABASE = "postgresql://user:hunter2@ep-x.eu.neon.tech/db"
BOTH = pytest.mark.parametrize("transport", ["native", "httpx"])


async def ask(endpoint: str, transport: str, ca: str | os.PathLike[str] | None = None) -> object:
    options = {"endpoint": endpoint, "transport": transport, "connect_timeout": 2.0, "retry": ONCE, "ca": ca}
    async with neon(DATABASE, **options) as sql:  # type: ignore[arg-type]  # each is of its own type
        first = await sql("select 1 as n").value()
        assert await sql("select 1 as n").value() == first
        return first


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    """A certificate authority that nobody trusts; `tmp_path / "authority.pem"` is its certificate."""
    authority = trustme.CA()
    write_authority(authority, tmp_path)
    return authority


def hashed(folder: Path) -> Path:
    """Return a folder with the authority's certificate under its hash, as `openssl rehash` makes it."""
    certificates = folder / "certificates"
    certificates.mkdir()
    (certificates / "authority.pem").write_bytes((folder / "authority.pem").read_bytes())
    command = ["openssl", "x509", "-hash", "-noout", "-in", str(folder / "authority.pem")]
    digest = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    (certificates / "authority.pem").rename(certificates / f"{digest}.0")
    return certificates


# ------------------------------------------------------------------ taken


@BOTH
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("named", ["ca=", "a folder", "SSL_CERT_FILE", "SSL_CERT_DIR"])
async def test_a_certificate_that_verifies_is_taken(
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    named: str,
    version: ssl.TLSVersion,
    transport: str,
) -> None:
    ca = {"ca=": tmp_path / "authority.pem", "a folder": hashed(tmp_path)}.get(named)
    if named == "SSL_CERT_FILE":
        monkeypatch.setenv(named, str(tmp_path / "authority.pem"))
    if named == "SSL_CERT_DIR":
        monkeypatch.setenv(named, f"{tmp_path / 'certificates'}{os.pathsep}{tmp_path / 'certificates'}")
    tls = server_context(authority.issue_cert("localhost"), only=version)
    async with canned(answer(ONE), tls) as server:
        assert await ask(server.endpoint, transport, ca) == 1
        assert server.connections == 1


async def test_a_ca_of_ones_own_replaces_what_the_environment_names(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    other = tmp_path / "other"
    other.mkdir()
    async with canned(answer(ONE), server_context(authority.issue_cert("localhost"))) as server:
        with pytest.raises(ConnectFailed, match="does not verify"):
            await ask(server.endpoint, "native", write_authority(trustme.CA(), other))


# ------------------------------------------------------------------ refused


def _of_another_host(authority: trustme.CA) -> ssl.SSLContext:
    return server_context(authority.issue_cert("example.com"))


def _expired(authority: trustme.CA) -> ssl.SSLContext:
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    return server_context(authority.issue_cert("localhost", not_before=past, not_after=past + datetime.timedelta(1)))


def _of_nobody(_: trustme.CA) -> ssl.SSLContext:
    return server_context(trustme.CA().issue_cert("localhost"))


@BOTH
@pytest.mark.parametrize(
    ("served", "message"),
    [
        (_of_another_host, r"the certificate of localhost:\d+ does not verify: Hostname mismatch"),
        (_expired, "does not verify: certificate has expired"),
        (_of_nobody, r"(?s)does not verify: unable to get local issuer certificate.*neon\(url, ca=…\)"),
    ],
)
async def test_what_cannot_be_trusted_is_not_sent_and_will_not_pass(
    authority: trustme.CA,
    tmp_path: Path,
    served: Callable[[trustme.CA], ssl.SSLContext],
    message: str,
    transport: str,
) -> None:
    async with canned(answer(ONE), served(authority)) as server:
        with pytest.raises(ConnectFailed, match=message) as caught:
            await ask(server.endpoint, transport, tmp_path / "authority.pem")
        assert (caught.value.outcome, caught.value.passing) == ("not_sent", False)
        assert server.requests == []
        assert "hunter2" not in str(caught.value)


@BOTH
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
async def test_a_server_of_old_tls_that_hangs_up_gets_nothing(
    authority: trustme.CA, tmp_path: Path, transport: str
) -> None:
    """asyncio's own server ends without an alert, so that nothing tells why."""
    tls = server_context(authority.issue_cert("localhost"), only=ssl.TLSVersion.TLSv1_1)
    async with canned(answer(ONE), tls) as server:
        with pytest.raises(ConnectFailed, match=r"no connection to localhost:\d+: it was cut off") as caught:
            await ask(server.endpoint, transport, tmp_path / "authority.pem")
        assert caught.value.outcome == "not_sent"
        assert server.requests == []


ALERTS = [
    (70, r"localhost:\d+ speaks no TLS 1\.2 or newer \(TLSV1_ALERT_PROTOCOL_VERSION\)"),
    (40, r"no TLS with localhost:\d+: SSLV3_ALERT_HANDSHAKE_FAILURE"),
]


@BOTH
@pytest.mark.parametrize(("alert", "message"), ALERTS)
async def test_a_server_that_refuses_the_handshake_will_refuse_it_again(
    alert: int, message: str, transport: str
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(bytes([21, 3, 1, 0, 2, 2, alert]))  # RFC 8446, section 6: a fatal alert
        await writer.drain()
        await reader.read(1000)
        writer.close()

    async with raw(refuse) as port:
        with pytest.raises(ConnectFailed, match=message) as caught:
            await ask(f"https://localhost:{port}/sql", transport)
        assert (caught.value.outcome, caught.value.passing) == ("not_sent", False)


@BOTH
async def test_a_server_without_tls_is_refused(transport: str) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n")
        writer.close()

    async with raw(plain) as port:
        with pytest.raises(ConnectFailed, match=r"(?s)localhost:\d+ does not speak TLS.*check the port") as caught:
            await ask(f"https://localhost:{port}/sql", transport)
        assert (caught.value.outcome, caught.value.passing) == ("not_sent", False)


# ------------------------------------------------------------------ no certificates


def test_a_ca_that_is_not_there_is_said_when_the_client_is_made() -> None:
    with pytest.raises(SettingsError, match=r"(?s)ca='/no/such.pem': there is no such file.*PEM") as caught:
        neon(DATABASE, ca="/no/such.pem")
    assert "hunter2" not in str(caught.value)


@BOTH
@pytest.mark.parametrize(
    "content", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
async def test_a_ca_without_a_certificate_is_a_settings_error(tmp_path: Path, content: str, transport: str) -> None:
    file = tmp_path / "broken.pem"
    file.write_text(content)
    async with canned(answer(ONE)) as server:
        with pytest.raises(SettingsError, match=r"broken\.pem' cannot be used: it holds no certificate"):
            await ask(server.endpoint, transport, file)


@BOTH
async def test_a_folder_without_hashes_is_a_settings_error(
    authority: trustme.CA, tmp_path: Path, transport: str
) -> None:
    async with canned(answer(ONE)) as server:
        with pytest.raises(SettingsError, match="no certificate under its hash"):
            await ask(server.endpoint, transport, tmp_path)


@BOTH
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
async def test_the_environment_names_what_is_not_there(
    monkeypatch: pytest.MonkeyPatch, variable: str, transport: str
) -> None:
    monkeypatch.setenv(variable, "/no/such")
    async with canned(answer(ONE)) as server:
        with pytest.raises(SettingsError, match=f"{variable}='/no/such': there is no such file or folder"):
            await ask(server.endpoint, transport)


def test_where_the_system_has_no_certificates_those_of_certifi_are_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.setattr(tls_module, "_is_hashed", lambda _: False)
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda *_: None)
    assert tls_context().cert_store_stats()["x509_ca"] > 50


def test_certificates_are_verified_and_tls_is_not_old() -> None:
    context = tls_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("hashes", [True, False])
def test_certificates_are_loaded_lazily_where_the_system_hashes_them(
    monkeypatch: pytest.MonkeyPatch, hashes: bool
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.setattr(tls_module, "_is_hashed", lambda _: hashes)
    assert bool(tls_context().cert_store_stats()["x509_ca"]) is not hashes
