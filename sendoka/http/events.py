"""What hooks are told: a call that begins, and each request that ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from sendoka.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendoka.errors import Outcome

    Listener: TypeAlias = Callable[["RequestEvent"], object]

__all__ = ["CallEvent", "CallHook", "RequestEvent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent:
    """A call that begins. `statements` are the texts as they are sent; `parameters` is how many values go with them.

    `host`, `port` and `database` are of the connection string; `port` is None where it is Postgres' own.
    """

    statements: tuple[str, ...]
    parameters: int
    batch: bool
    host: str
    port: int | None
    database: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestEvent(CallEvent):
    """A request that ended, with an answer or without.

    `attempt` counts the sends of its call from 1; 0 is a call that failed before its first. `started` is in seconds
    since the epoch. `connected`, `sent` and `answered` are seconds from there until a connection stood, the last byte
    was handed to the kernel, and the answer began; None where the transport did not say. `seconds` is the whole of it.
    `outcome` is "ok" or the `Outcome` of the error; `wait` the seconds until it is sent again, None where it is not:
    then this is the call's last event.
    """

    attempt: int
    transport: str
    started: float
    connected: float | None
    sent: float | None
    answered: float | None
    seconds: float
    bytes_out: int
    bytes_in: int | None
    status: int | None
    outcome: Outcome | Literal["ok"]
    error: BaseException | None
    wait: float | None

    @property
    def sqlstate(self) -> str | None:
        """Postgres' code of the error."""
        return self.error.sqlstate if isinstance(self.error, DatabaseError) else None

    @property
    def last(self) -> bool:
        """Whether the call ends with it."""
        return self.wait is None


class CallHook(Protocol):
    """A hook that wants to know of a call before it is sent, as one that opens a span does."""

    def begin(self, event: CallEvent) -> Listener:
        """Return what is called with each request's event; exactly one of them is the last, whatever happens."""


if TYPE_CHECKING:
    Hook: TypeAlias = Listener | CallHook
