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

    What to do: look at `.outcome`. What passes by itself and cannot have run was sent again already.
    """

    # The first is assumed where nobody says otherwise.
    outcomes: ClassVar[tuple[Outcome, ...]] = (Outcome.UNKNOWN, Outcome.NOT_SENT, Outcome.REFUSED, Outcome.FAILED)

    def __init__(
        self, what: str, *, outcome: Outcome | None = None, passing: bool = True, where: str = "", todo: str = ""
    ) -> None:
        super().__init__(what, where=where, todo=todo)
        self.outcome = self.outcomes[0] if outcome is None else outcome
        self.passing = passing

    def __str__(self) -> str:
        text = super().__str__()
        # The outcome is often known last, so it is said here and not where the error is made.
        return text if self.todo or self.outcome is not Outcome.UNKNOWN else f"{text}\n{_MAY_HAVE_RUN}"


_MAY_HAVE_RUN = "it may have run: look before a write is sent again, or give the next one a once= key"


class ConnectFailed(TransportError):
    """No connection could be made: the name is not found, the port is closed, the certificate does not verify.

    What to do: check the host and the network; what is `not_sent` can be sent again.
    """

    outcomes = (Outcome.NOT_SENT, Outcome.UNKNOWN)


class RequestTimeout(TransportError):
    """The call's one deadline passed: `not_sent` where the request had not left whole, else `unknown`.

    What to do: give more time with `timeout=`, above all where a database may be waking up. Look before a write is sent
    again that may have run.
    """

    outcomes = (Outcome.UNKNOWN, Outcome.NOT_SENT)


class AnswerLost(TransportError):
    """The request was sent and its answer did not come whole, or it says that the endpoint lost the database.

    What to do: look whether it ran; or say beforehand what lets the client send again: `read_only=True`, `once=`, or
    `idempotent=True`.
    """

    outcomes = (Outcome.UNKNOWN, Outcome.NOT_SENT)


class EndpointError(TransportError):
    """The endpoint itself answered with an error that is not Postgres' own: a wrong password, a quota, a limit.

    `.status` is the HTTP status. `refused` is said only of answers that are known to come before anything runs;
    `failed` is a batch that was undone (status 507, an answer that is too large).

    What to do: what the endpoint's own words say; a wake-up or a rate limit was waited for already.
    """

    outcomes = (Outcome.UNKNOWN, Outcome.REFUSED, Outcome.FAILED)

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
    """An answer came that is not Neon's protocol: HTML, JSON of another shape, too few results.

    What to do: check that the connection string leads to Neon or to `sendoka dev`, and what stands in between.
    """

    outcomes = (Outcome.UNKNOWN,)


class DecodeError(TransportError, ValueError):
    """The statements did run, and a cell of their answer does not fit the Python type of its column.

    `.outcome` is `unknown`, because none of its values means "ran".

    What to do: select that column as text (`x::text`). Do not send a write again, unless twice does no harm.
    """

    outcomes = (Outcome.UNKNOWN,)
