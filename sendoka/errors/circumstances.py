"""Neither the statement nor its data: other transactions, the login, the server, the time."""

from __future__ import annotations

from typing import ClassVar

from sendoka.errors.base import Outcome
from sendoka.errors.reported import JUDGED, DatabaseError

__all__ = [
    "AdminShutdown",
    "CannotConnectNow",
    "CrashShutdown",
    "DeadlockDetected",
    "DiskFull",
    "InvalidAuthorizationSpecification",
    "InvalidCatalogName",
    "InvalidPassword",
    "LockNotAvailable",
    "LoginError",
    "OperationalError",
    "QueryCanceled",
    "RetryableError",
    "SerializationFailure",
    "TooManyConnections",
]


class RetryableError(DatabaseError):
    """Another transaction came in between; the whole transaction can be sent again as it is.

    What to do: of a list, a serialization failure and a deadlock were sent again already; send it once more later.
    """

    outcomes: ClassVar[tuple[Outcome, ...]] = JUDGED
    sqlstates: ClassVar[tuple[str, ...]] = ()


class SerializationFailure(RetryableError):
    """A transaction at `repeatable read` or `serializable` met what another one committed.

    What to do: send the whole transaction again; the client does so for a list. What was read before is outdated.
    """

    sqlstates = ("40001",)


class DeadlockDetected(RetryableError):
    """Two transactions waited for each other's locks, and this one was chosen to end.

    What to do: send it again; the client does so for a list. Locking rows in one order everywhere avoids it.
    """

    sqlstates = ("40P01",)


class LockNotAvailable(RetryableError):
    """`lock_timeout` passed, or NOWAIT met a lock.

    What to do: try again later, or give `lock_timeout` more time.
    """

    sqlstates = ("55P03",)


class LoginError(DatabaseError):
    """Postgres did not let the role in; nothing ran.

    What to do: check role, password and database of the connection string, or which role the statement changes to.
    """

    outcomes: ClassVar[tuple[Outcome, ...]] = (Outcome.REFUSED, Outcome.FAILED, Outcome.UNKNOWN)
    sqlstates: ClassVar[tuple[str, ...]] = ("28",)


class InvalidAuthorizationSpecification(LoginError):
    """The role does not exist or may not log in; or a statement named a role that it may not become.

    What to do: check the role.
    """

    sqlstates = ("28000",)


class InvalidPassword(LoginError):
    """The password is wrong. Neon's own endpoint says so in an `EndpointError`, over TCP it is this.

    What to do: check the password; after a change the old one may be known for some minutes.
    """

    sqlstates = ("28P01",)


class InvalidCatalogName(LoginError):
    """The database does not exist.

    What to do: check the last part of the connection string.
    """

    sqlstates = ("3D000",)


class OperationalError(DatabaseError):
    """The server and not the statement: it is full, stopping, starting or broken, or lost another server.

    What to do: try again later, where the outcome allows it; the client does so for what was `refused`.
    """

    outcomes: ClassVar[tuple[Outcome, ...]] = (Outcome.UNKNOWN, Outcome.REFUSED, Outcome.FAILED)
    sqlstates: ClassVar[tuple[str, ...]] = ("08", "53", "57", "58")


class TooManyConnections(OperationalError):
    """All of Postgres' connections are taken. Over HTTP nothing ran, and the client waits and tries again.

    What to do: use the pooled host (`-pooler`), or a larger compute.
    """

    outcomes = (Outcome.REFUSED, Outcome.UNKNOWN)
    sqlstates = ("53300",)


class DiskFull(OperationalError):
    """The database has no room left, or has reached its project's limit.

    What to do: make room, or raise the limit.
    """

    outcomes = JUDGED
    sqlstates = ("53100",)


class AdminShutdown(OperationalError):
    """The server was stopped or restarted, or this connection was ended by `pg_terminate_backend`.

    What to do: look whether it ran before a write is sent again.
    """

    outcomes = (Outcome.UNKNOWN,)
    sqlstates = ("57P01",)


class CrashShutdown(OperationalError):
    """Another process of the server crashed, and it restarts.

    What to do: look whether it ran before a write is sent again.
    """

    outcomes = (Outcome.UNKNOWN,)
    sqlstates = ("57P02",)


class CannotConnectNow(OperationalError):
    """The server is starting up, shutting down or recovering; nothing ran.

    What to do: wait; the client did, as long as its deadline allowed.
    """

    outcomes = (Outcome.REFUSED, Outcome.UNKNOWN)
    sqlstates = ("57P03",)


class QueryCanceled(DatabaseError):
    """`statement_timeout` passed, or somebody cancelled the statement.

    What to do: make the statement faster (an index, smaller pieces), or give it more time.
    """

    outcomes = JUDGED
    sqlstates = ("57014",)
