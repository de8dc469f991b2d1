"""The exchange over HTTP went wrong: `.outcome` says whether the statements may have run."""

from __future__ import annotations

from typing import ClassVar

from sendoka.errors.base import Outcome, SendokaError

__all__ = [
    "AnswerLost",
    "ConnectFailed",
    "DecodeError",
    "EndpointError",
    "ProtocolError",
    "RequestTimeout",
    "TransportError",
]


class TransportError(SendokaError):
    """The exchange went wrong below SQL. `.outcome` says whether the statements may have run.

    `.passing` is true where the cause is known to pass by itself: a wake-up that failed, a rate limit, a lost
    connection. It is false for a name that does not resolve, a certificate that does not verify, a wrong password.
    """

    default_outcome: ClassVar[Outcome] = Outcome.UNKNOWN

    def __init__(
        self, what: str, *, outcome: Outcome | None = None, passing: bool = True, where: str = "", todo: str = ""
    ) -> None:
        super().__init__(what, where=where, todo=todo)
        self.outcome = self.default_outcome if outcome is None else outcome
        self.passing = passing


class ConnectFailed(TransportError):
    """No connection could be made: name not found, refused, TLS. Nothing was sent."""

    default_outcome = Outcome.NOT_SENT


class RequestTimeout(TransportError):
    """The deadline passed; `.outcome` is `not_sent` where the request had not left whole, else `unknown`."""


class AnswerLost(TransportError):
    """The request was sent and its answer did not arrive whole, or says that the database was lost."""


class EndpointError(TransportError):
    """The endpoint answered with an error that is not Postgres' own. `.status` is the HTTP status."""

    def __init__(
        self,
        what: str,
        *,
        status: int = 0,
        outcome: Outcome | None = None,
        passing: bool = False,
        where: str = "",
        todo: str = "",
    ) -> None:
        super().__init__(what, outcome=outcome, passing=passing, where=where, todo=todo)
        self.status = status


class ProtocolError(TransportError):
    """An answer came that is not Neon's protocol: HTML, JSON of another shape, too few results."""


class DecodeError(TransportError, ValueError):
    """The statements did run, and a cell of their answer does not fit the Python type of its column.

    `.outcome` is `unknown`, because none of its values means "ran": do not send it again, unless twice does no harm.
    """
