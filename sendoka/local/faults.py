"""Faults on demand: what goes wrong between a client and its database, made to happen, the same each time.

    endpoint.faults.add("connection_closed", match="insert into orgs")     # commits, then answers 400
    endpoint.faults.add("cut_after", skip=2)                               # commits, then closes the connection
    endpoint.faults.add("random", seed=7, rate=0.2)                        # a fifth of the requests, the same each time

Another process does the same with `inject(connection_string, "cut_after")`, and a person with `sendoka fault`.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from sendoka.errors import ConnectFailed, EndpointError, Outcome, ProtocolError, SendokaError, SettingsError
from sendoka.http.target import read_target
from sendoka.local.fault import Fault, FaultKind, read_fault
from sendoka.local.kinds import KINDS

__all__ = ["CONTROL_PATH", "KINDS", "Fault", "FaultKind", "Faults", "control", "inject", "read_fault"]

CONTROL_PATH = "/sendoka"
"""Where faults are set from another process: GET lists, POST adds, DELETE clears; the password is asked for."""


@dataclass(slots=True)
class _Armed:
    """A fault, and how many requests it was asked about (`seen`), it fits (`met`), and it happened to (`hits`)."""

    fault: Fault
    optional: bool = False
    seen: int = 0
    met: int = 0
    hits: int = 0
    source: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.source = random.Random(self.fault.seed)  # noqa: S311 - it is to be repeatable

    def take(self, sql: str) -> Fault | None:
        self.seen += 1
        if not self.fault.meets(sql):
            return None
        self.met += 1
        if self.met <= self.fault.skip or (self.fault.times and self.hits >= self.fault.times):
            return None
        met = self.fault.draw(self.source) if self.fault.kind == "random" else self.fault
        self.hits += met is not None
        return met

    def listed(self) -> dict[str, Any]:
        return {**self.fault.told(), "hits": self.hits}

    @property
    def lacks(self) -> str:
        """Return why no request met it, for a person; empty where one did or need not."""
        if self.hits or self.optional or self.fault.kind == "random":
            return ""
        if self.met:
            return f"no request met the fault {self.fault}: its skip= let {self.met} of {self.fault.skip} pass"
        why = f"none of {self.seen} has SQL that fits it" if self.seen else "none came"
        return f"no request met the fault {self.fault}: {why}"


class Faults:
    """The faults of an endpoint, in the order in which they were added; the first that is due wins. Thread-safe."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []
        self._turn = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._armed)

    def add(self, /, kind: FaultKind, *, optional: bool = False, **options: Any) -> Fault:
        """Add a fault and return it; kinds and their options stand in `sendoka.local.kinds`. Raises SettingsError.

        `optional` is for one that need not be met: `verify()` asks for all others.
        """
        fault = Fault.of(kind, **options)
        self.arm(fault, optional=optional)
        return fault

    def arm(self, fault: Fault, *, optional: bool = False) -> None:
        """Add a fault that was made elsewhere."""
        with self._turn:
            self._armed.append(_Armed(fault, optional))

    def clear(self) -> None:
        """Forget all faults."""
        with self._turn:
            self._armed.clear()

    def take(self, sql: str) -> Fault | None:
        """Return the fault that a request with this SQL meets, and count it."""
        with self._turn:
            for armed in self._armed:
                met = armed.take(sql)
                if met is not None:
                    return met
            return None

    def hits(self, fault: Fault | None = None) -> int:
        """Return how many requests met `fault`, or any of them."""
        with self._turn:
            return sum(armed.hits for armed in self._armed if fault is None or armed.fault is fault)

    def unmet(self) -> list[str]:
        """Return a line on each fault that no request met, though it was to be met; chance (`random`) apart."""
        with self._turn:
            return [lacks for armed in self._armed if (lacks := armed.lacks)]

    def verify(self) -> None:
        """Raise AssertionError for the faults that no request met: a typing error in `match`, most likely."""
        unmet = self.unmet()
        if unmet:
            raise AssertionError("\n".join([*unmet, "say optional=True with one that need not be met"]))

    def listed(self) -> list[dict[str, Any]]:
        """Return all faults and their `hits`, as JSON can carry them."""
        with self._turn:
            return [armed.listed() for armed in self._armed]


# ------------------------------------------------------------------ from another process


def inject(connection_string: str, kind: FaultKind, **options: Any) -> None:
    """Add a fault to the local endpoint that `connection_string` leads to; `options` are those of `Faults.add`.

    Raises SettingsError where it refuses the fault, and what `control` raises.
    """
    control(connection_string, "POST", {"kind": kind, **options})


def control(connection_string: str, method: str = "GET", body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask the endpoint's control route: `{"requests": n, "faults": […]}` comes back. DELETE forgets all faults.

    Raises ConnectFailed where nothing answers, ProtocolError where something else does, EndpointError where the request
    is refused for another reason than the fault (a wrong password), and SettingsError for a fault that it does not take
    and for a host that is not this machine, to which nothing is sent: the password would go in clear text. A redirect
    is not followed.
    """
    target = read_target(connection_string)
    host = target.authority
    if not target.is_loopback:
        raise SettingsError(
            f"{target.database_host} is not this machine, and faults are for a local endpoint",
            todo="give the connection string that `sendoka dev` prints",
        )
    request = urllib.request.Request(
        f"http://{host}{CONTROL_PATH}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Neon-Connection-String": target.connection_string},
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    try:
        with direct.open(request, timeout=30) as answer:
            return dict(json.loads(answer.read()))
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(host, error) from None
    except (ValueError, TypeError, http.client.HTTPException):
        raise _not_ours(host) from None
    except OSError:
        raise ConnectFailed(
            f"no local endpoint answers at {host}",
            todo="start one with `sendoka dev`; where it listens elsewhere, give DATABASE_URL what it prints",
        ) from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none: the request carries the password. It ends as an answer with an error does."""


def _refused(host: str, answer: urllib.error.HTTPError) -> SendokaError:
    status = answer.code
    if status < 400:
        return _not_ours(host)  # a redirect
    try:
        said = str(json.loads(answer.read())["message"])
    except (ValueError, TypeError, KeyError, OSError, http.client.HTTPException):
        return _not_ours(host)
    what = f"the endpoint at {host} refused: {said}"
    if status != 401:
        return SettingsError(what) if status == 400 else EndpointError(what, status=status, outcome=Outcome.REFUSED)
    todo = "give DATABASE_URL the connection string that `sendoka dev` prints"
    return EndpointError(what, status=status, outcome=Outcome.REFUSED, todo=todo)


def _not_ours(host: str) -> ProtocolError:
    return ProtocolError(
        f"what answers at {host} is no local endpoint",
        passing=False,
        todo="start one with `sendoka dev`, and give DATABASE_URL what it prints",
    )
