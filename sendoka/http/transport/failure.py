"""What went wrong below HTTP, as errors that say what is known and what to do."""

from __future__ import annotations

import errno
import socket
import ssl
from typing import TYPE_CHECKING

from sendoka.errors import ConnectFailed, Outcome, ProtocolError, RequestTimeout

if TYPE_CHECKING:
    from sendoka.http.target import Target
    from sendoka.http.transport import Timing

__all__ = ["WRONG_PORT", "no_connection", "not_connected_in_time", "switched", "too_late", "too_much"]

WRONG_PORT = "is that PostgreSQL's own port? start `sendoka dev`, and give the port that it prints"
"""What to do where something on this machine ends the connection, and never yet answered in HTTP."""

# OpenSSL's names for what the other side's first bytes show.
_OLD_TLS = {"TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "WRONG_SSL_VERSION"}
_NO_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}


def too_late(timing: Timing, outcome: Outcome, doing: str) -> RequestTimeout:
    """Return the error of a call whose deadline passed while it was `doing` something."""
    return RequestTimeout(
        f"the deadline of {timing.seconds:g} s passed while {doing}",
        outcome=outcome,
        passing=False,
        todo="give more time with neon(url, timeout=…)" if outcome is Outcome.NOT_SENT else "",
    )


def too_much(most: int) -> ProtocolError:
    """Return the error of an answer that is longer than the `most` bytes it may have."""
    return ProtocolError(
        f"the endpoint's answer has over {most:,} bytes",
        passing=False,
        todo="ask for fewer rows: paginate(); or allow more with neon(url, max_answer=…)",
    )


def switched() -> ProtocolError:
    """Return the error of an answer of status 101, for which nobody asks."""
    return ProtocolError("the endpoint switched to another protocol: it answered status 101", passing=False)


def not_connected_in_time(target: Target, seconds: float) -> ConnectFailed:
    """Return the error of a connection that took longer than it may."""
    return ConnectFailed(
        f"no connection to {target.host}:{target.port} within {seconds:g} s", where=f"nothing was sent to {target.url}"
    )


def no_connection(target: Target, error: OSError) -> ConnectFailed:
    """Return the error of a connection that the system, or the other side's TLS, refused."""
    place = f"{target.host}:{target.port}"
    if isinstance(error, ssl.SSLError):
        return _no_tls(place, error)
    if isinstance(error, socket.gaierror):
        return _not_found(target, error)
    todo = "start the local endpoint with `sendoka dev`" if target.is_loopback and target.scheme == "http" else ""
    refused = _refused(error)
    # asyncio raises a bare ConnectionResetError where the other side ends during the handshake of TLS.
    cut = "it was cut off" if isinstance(error, ConnectionError) else type(error).__name__
    reason = "connection refused" if refused else (error.strerror or str(error) or cut)
    return ConnectFailed(f"no connection to {place}: {reason}", passing=not (refused and target.is_loopback), todo=todo)


def _not_found(target: Target, error: socket.gaierror) -> ConnectFailed:
    written, source = target.database_host, "the connection string"
    where = ""
    if target.host != written:
        follows = target.host.partition(".")[2] == written.partition(".")[2]
        where = f"by Neon's rules it follows from {written}, the host of {source}" if follows else ""
        source = source if follows else "endpoint="
    return ConnectFailed(
        f"the host {target.host} cannot be found: {error.strerror}",
        passing=error.errno == socket.EAI_AGAIN,
        where=where,
        todo=f"check the host of {source}",
    )


def _no_tls(place: str, error: ssl.SSLError) -> ConnectFailed:
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConnectFailed(
            f"the certificate of {place} does not verify: {error.verify_message}",
            passing=False,
            todo="where it comes from an authority of your own, name its certificate with neon(url, ca=…)",
        )
    reason = error.reason or str(error)
    if reason in _OLD_TLS:
        return ConnectFailed(f"{place} speaks no TLS 1.2 or newer ({reason})", passing=False)
    if reason in _NO_TLS:
        return ConnectFailed(f"{place} does not speak TLS ({reason})", passing=False, todo="check the port")
    if isinstance(error, ssl.SSLEOFError):
        return ConnectFailed(f"no connection to {place}: it was cut off")
    return ConnectFailed(f"no TLS with {place}: {reason}", passing=False)


def _refused(error: OSError) -> bool:
    # Trying several addresses of one name, asyncio joins their errors into one text.
    return error.errno == errno.ECONNREFUSED or "Connect call failed" in str(error)
