"""Faults on demand: what goes wrong between a client and its database, made to happen, the same each time.

    endpoint.faults.add("connection_closed", match="insert into orgs")     # commits, then answers 400
    endpoint.faults.add("cut_after", skip=2)                               # commits, then closes the connection

Another process does the same with `inject(connection_string, "cut_after")`.
"""

from __future__ import annotations

import json
import re
import threading
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from sendoka.errors import SettingsError
from sendoka.http.target import read_target

__all__ = ["CONTROL_PATH", "KINDS", "Fault", "FaultKind", "Faults", "control", "inject"]

CONTROL_PATH = "/sendoka"
"""Where faults are set from another process: GET lists, POST adds, DELETE clears; the password is asked for."""

FaultKind = Literal["connection_closed", "cut_after", "cut_before", "cut_body", "delay", "late", "refuse"]

KINDS: tuple[str, ...] = get_args(FaultKind)
"""The kinds of faults.

- `connection_closed`: runs, COMMIT included, then answers 400 `connection closed`
- `cut_after`: runs, COMMIT included, then closes the connection without an answer
- `cut_before`: closes the connection and does not run
- `cut_body`: runs, and closes the connection in the middle of the answer
- `delay`: waits `seconds` before it runs
- `late`: closes the connection at once and runs when the same request was sent again and answered; or after `seconds`
- `refuse`: does not run and answers `status` with `message`
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: it meets requests whose SQL holds `match` (a pattern where `regex`), but for the first `skip`.

    It does so `times` times, and `times` 0 means always. `seconds` belongs to `delay` and `late`; `status` and
    `message` to `refuse`.
    """

    kind: str
    match: str = ""
    regex: bool = False
    times: int = 1
    skip: int = 0
    seconds: float = 0.0
    status: int = 500
    message: str = "Control plane request failed"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SettingsError(f"{self.kind!r} is no fault", todo=f"use one of: {', '.join(KINDS)}")
        if self.times < 0 or self.skip < 0 or self.seconds < 0:
            raise SettingsError("a fault's times, skip and seconds cannot be negative")
        if self.regex:
            try:
                re.compile(self.match)
            except re.error as error:
                raise SettingsError(f"{self.match!r} is no pattern: {error}") from None

    def meets(self, sql: str) -> bool:
        """Tell whether the SQL of a request, its statements joined by newlines, is meant."""
        return re.search(self.match, sql) is not None if self.regex else self.match in sql


@dataclass(slots=True)
class _Armed:
    fault: Fault
    met: int = 0
    hits: int = 0

    def take(self, sql: str) -> bool:
        if not self.fault.meets(sql):
            return False
        self.met += 1
        if self.met <= self.fault.skip or (self.fault.times and self.hits >= self.fault.times):
            return False
        self.hits += 1
        return True


class Faults:
    """The faults of an endpoint, in the order in which they were added; the first that is due wins. Thread-safe."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []
        self._turn = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._armed)

    def add(
        self,
        kind: FaultKind,
        *,
        match: str = "",
        regex: bool = False,
        times: int = 1,
        skip: int = 0,
        seconds: float = 0.0,
        status: int = 500,
        message: str = "Control plane request failed",
    ) -> Fault:
        """Add a fault and return it; see `KINDS` and `Fault`. Raises SettingsError for what makes no sense."""
        fault = Fault(kind, match, regex, times, skip, seconds, status, message)
        self.arm(fault)
        return fault

    def arm(self, fault: Fault) -> None:
        """Add a fault that was made elsewhere."""
        with self._turn:
            self._armed.append(_Armed(fault))

    def clear(self) -> None:
        """Forget all faults."""
        with self._turn:
            self._armed.clear()

    def take(self, sql: str) -> Fault | None:
        """Return the fault that a request with this SQL meets, and count it."""
        with self._turn:
            return next((armed.fault for armed in self._armed if armed.take(sql)), None)

    def hits(self, fault: Fault | None = None) -> int:
        """Return how many requests met `fault`, or any of them."""
        with self._turn:
            return sum(armed.hits for armed in self._armed if fault is None or armed.fault is fault)

    def listed(self) -> list[dict[str, Any]]:
        """Return all faults and their `hits`, as JSON can carry them."""
        with self._turn:
            return [{**asdict(armed.fault), "hits": armed.hits} for armed in self._armed]


# ------------------------------------------------------------------ from another process


def inject(connection_string: str, kind: FaultKind, **options: Any) -> None:
    """Add a fault to the local endpoint that `connection_string` leads to; `options` are those of `Faults.add`.

    Raises SettingsError where no local endpoint of ours answers there, or it refuses the fault.
    """
    control(connection_string, "POST", {"kind": kind, **options})


def control(connection_string: str, method: str = "GET", body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask the endpoint's control route: `{"requests": n, "faults": […]}` comes back. DELETE forgets all faults.

    Raises SettingsError for a host that is not this machine, to which nothing is sent: the password would go in clear
    text.
    """
    target = read_target(connection_string)
    host = target.authority
    if not target.is_loopback:
        raise SettingsError(
            f"{target.database_host} is not this machine, and faults are for a local endpoint",
            todo="give the connection string that sendoka dev prints",
        )
    request = urllib.request.Request(
        f"http://{host}{CONTROL_PATH}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Neon-Connection-String": target.connection_string},
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=30) as answer:
            return dict(json.loads(answer.read()))
    except urllib.error.HTTPError as error:
        with error:
            said = error.read().decode("utf-8", "replace")
        raise SettingsError(f"the endpoint at {host} refused: {_message(said)}") from None
    except (OSError, ValueError):
        raise SettingsError(f"no local endpoint answers at {host}", todo="start one with: sendoka dev") from None


def _message(said: str) -> str:
    try:
        document = json.loads(said)
    except ValueError:
        return said[:200]
    return str(document.get("message", document)) if isinstance(document, dict) else str(document)
