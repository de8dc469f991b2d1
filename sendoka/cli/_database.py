"""The database that a command means: a client that says what it waits for, and whose an error of the endpoint is."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from sendoka.cli._env_local import leads_to, local_port
from sendoka.cli._options import say
from sendoka.errors import (
    DatabaseError,
    InsufficientPrivilege,
    Outcome,
    ReadOnlyTransaction,
    RequestTimeout,
    SendokaError,
    SettingsError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from sendoka.http.client import Neon
    from sendoka.http.events import RequestEvent
    from sendoka.http.target import Target
    from sendoka.settings import Source

__all__ = ["about", "connect", "place_of"]

_PATIENCE = 0.5
"""Seconds of waiting between sends after which a person is told; what passes sooner is nobody's concern."""

NO_DATABASE = "3D000"

_OUR_GRANT = (
    r"permission denied for (?:schema {}|(?:table|relation) (?:facts|migrations|ledger|dead_letters|backfill_[a-z]+))"
)
_GRANT = "let its owner grant the role usage on schema {}, and select, insert, update and delete on all its tables"

_MISSING = "let its owner grant it to the role, or give the connection string of another role"
_READS_ONLY = "nothing can be written there: it is a replica, or set so; give another connection string than that of {}"

_AGAIN = "it may have run; give the command again: whatever ran is not done twice"

_ADVICE = (
    ("endpoint cannot be found", "check the host: its project or branch may be gone"),
    ("endpoint is disabled", "enable its compute in Neon's console"),
    ("Check your quotas", "look at what the project may use in Neon's console"),
    ("IP address", "allow it in the project's settings in Neon's console"),
    ("Neon's endpoint has a name", "give the host that Neon's console shows; localhost is the local endpoint"),
    ("does not verify", "where it comes from an authority of your own, name its certificate with SSL_CERT_FILE"),
    ("required password", "the connection string has no password: postgresql://user:password@…"),
    ("does not take SQL at this address", "check the host and the port"),
)

_OF_PYTHON = re.compile(r"\bneon\(|\b[a-z_]+=")
"""What advice says that is for whoever calls `neon()`; a command takes none of it."""


@contextlib.contextmanager
def about(source: Source) -> Iterator[None]:
    """Let an error say where the connection string was found that it is about."""
    try:
        yield
    except (SettingsError, TransportError) as error:
        error.where = error.where or f"DATABASE_URL from {source.name}"
        error.todo = _unless_ours(error.todo) or _known(error)
        raise


@contextlib.asynccontextmanager
async def connect(source: Source) -> AsyncIterator[Neon]:
    """Give a client for the database that `source` names; no I/O happens before its first statement.

    A call that is sent again and again says so on stderr. A TransportError that leaves it says which database it is
    about, where its connection string was found, and what to do.
    """
    from sendoka.http.client import neon

    with about(source):
        client = neon(source.url, hooks=[_Waits(source)], namespace=source.namespace)
    async with client as sql:
        try:
            yield sql
        except TransportError as error:
            error.where = _where(error, source)
            error.todo = _unless_ours(error.todo) or _advice(error, source)
            raise
        except DatabaseError as error:
            if error.sqlstate == NO_DATABASE:
                error.statement = None  # it is ours, and says nothing to whoever reads the error
                error.todo = f"check the database's name in DATABASE_URL, from {source.name}"
            elif isinstance(error, InsufficientPrivilege) and re.fullmatch(
                _OUR_GRANT.format(re.escape(source.namespace)), error.message
            ):
                error.statement = None
                error.todo = error.todo or _GRANT.format(source.namespace)
            elif isinstance(error, InsufficientPrivilege):
                error.todo = error.todo or _MISSING
            elif isinstance(error, ReadOnlyTransaction):
                error.todo = error.todo or _READS_ONLY.format(source.name)
            elif error.outcome is Outcome.UNKNOWN:
                error.todo = error.todo or _AGAIN
            raise


def place_of(target: Target) -> str:
    """Return the database's host, with the port where a local endpoint does not listen where it usually does."""
    from sendoka.http.target import LOCAL_PORT

    if not target.is_loopback or target.port == LOCAL_PORT:
        return target.database_host
    host = f"[{target.database_host}]" if ":" in target.database_host else target.database_host
    return f"{host}:{target.port}"


def _unless_ours(said: str) -> str:
    """Return what an error says, unless it is about a statement or a call of ours: a command shows none of them."""
    return "" if said.startswith(("in: ", "it only reads")) or _OF_PYTHON.search(said) else said


def _where(error: TransportError, source: Source) -> str:
    place, found = leads_to(source), f"DATABASE_URL from {source.name}"
    said = _unless_ours(error.where)
    if said:
        return said if found in said else f"{said}; {found}"
    return found if place in error.what else f"at {place}, {found}"


def _advice(error: TransportError, source: Source) -> str:
    if error.outcome is Outcome.UNKNOWN:
        return _AGAIN
    known = _known(error)
    if known:
        return known
    look = "look at it in Neon's console" if local_port(source) is None else "see what `sendoka dev` says"
    if isinstance(error, RequestTimeout):
        return f"it was not sent; give the command again, or {look}"
    return f"it was sent again until now; try later, or {look}" if error.passing else look


def _known(error: SendokaError) -> str:
    return next((todo for words, todo in _ADVICE if words in error.what), "")


class _Waits:
    """Says why a call is sent again when that has taken a while: once a cause, until something is answered."""

    def __init__(self, source: Source) -> None:
        self._place = leads_to(source)
        self._waited = 0.0
        self._said = ""

    def __call__(self, event: RequestEvent) -> None:
        if event.wait is None:  # the call's last request
            self._waited = 0.0
            self._said = "" if event.outcome == "ok" else self._said
            return
        self._waited += event.wait
        why = event.error.what if isinstance(event.error, SendokaError) else str(event.error)
        if self._waited >= _PATIENCE and why != self._said:
            say(f"waiting: {self._place}: {why}; sending again", dim=True, err=True)
            self._said = why
