"""The cases of the fault sweep: what is sent, where its exchange breaks, what became of it, and whether that was true.

A case follows from its number alone. `GRID` holds every combination once; further rounds of it differ in their waits.
"""

from __future__ import annotations

import asyncio
import inspect
import random
import socket
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from sendoka import Retry, neon
from sendoka.errors import DatabaseError, TransportError
from sendoka.http.client import Neon
from tests.fixtures.proxy import GARBAGE, PASS, POINTS, Break, How, Proxy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sendoka.local import Endpoint

__all__ = ["GRID", "TABLES", "Case", "Report", "case", "run"]

TABLES = (
    "create table effects (key text, part int)",
    "create table kept (key text primary key)",
)

HAS_ONCE = "once" in inspect.signature(Neon.transaction).parameters
"""Whether transactions take `once=`; the sweep then has its cases too."""

RETRY = Retry(attempts=8, first=0.005, longest=0.05)
PATIENCE = 60.0
DEADLINE = 0.25
LARGE = "x" * (6 * 1024 * 1024)


# ------------------------------------------------------------------ what is sent


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to use the client. `rows` is what it leaves behind; `repeatable` is met by sending again."""

    call: Callable[[Neon, str, float, float], Awaitable[Any]]
    rows: int
    repeatable: bool = False


INSERT = "insert into effects select $1, {} from pg_sleep($2) /* {} */ returning key"
SELECT = "select $1::text as key from pg_sleep($2) /* {} */"


async def _write(sql: Neon, key: str, nap: float, timeout: float) -> Any:
    return await sql(INSERT.format(1, key), key, nap, timeout=timeout).value() == key


async def _large(sql: Neon, key: str, nap: float, timeout: float) -> Any:
    text = "insert into effects select $1, length($2) - $3 /* {} */ returning part"
    return await sql(text.format(key), key, LARGE, len(LARGE) - 1, timeout=timeout).value() == 1


async def _batch(sql: Neon, key: str, nap: float, timeout: float) -> Any:
    return await sql.transaction(_two(sql, key, nap), timeout=timeout) == [[(key,)], [(key,)]]


async def _once(sql: Neon, key: str, nap: float, timeout: float) -> Any:
    given: dict[str, Any] = {"once": key}
    done = await sql.transaction(_two(sql, key, nap), timeout=timeout, **given)
    return done.replayed or done == [[(key,)], [(key,)]]


async def _kept(sql: Neon, key: str, nap: float, timeout: float) -> Any:
    text = f"insert into kept select $1 from pg_sleep($2) /* {key} */ on conflict do nothing"
    return (await sql(text, key, nap, idempotent=True, timeout=timeout).result()).command == "INSERT"


async def _read(sql: Neon, key: str, nap: float, timeout: float) -> Any:
    return await sql(SELECT.format(key), key, nap, timeout=timeout).value() == key


async def _read_only(sql: Neon, key: str, nap: float, timeout: float) -> Any:
    return await sql(SELECT.format(key), key, nap, read_only=True, timeout=timeout).value() == key


async def _read_batch(sql: Neon, key: str, nap: float, timeout: float) -> Any:
    reads = [sql(SELECT.format(key), key, nap), sql("select 1 as one")]
    return await sql.transaction(reads, read_only=True, timeout=timeout) == [[(key,)], [(1,)]]


def _two(sql: Neon, key: str, nap: float) -> list[Any]:
    return [sql(INSERT.format(1, key), key, nap), sql(INSERT.format(2, key), key, 0)]


KINDS = {
    "write": Kind(_write, 1),
    "batch": Kind(_batch, 2),
    "idempotent write": Kind(_kept, 1, repeatable=True),
    "read": Kind(_read, 0),
    "read only": Kind(_read_only, 0, repeatable=True),
    "read only batch": Kind(_read_batch, 0, repeatable=True),
    "large write": Kind(_large, 1),
} | ({"once": Kind(_once, 2, repeatable=True)} if HAS_ONCE else {})


# ------------------------------------------------------------------ where it breaks


@dataclass(frozen=True, slots=True)
class Fault:
    """A break of the proxy's, or a fault of the endpoint's; `ending` says what ends a stall: deadline or cancel."""

    at: Break = PASS
    ending: str = ""
    endpoint: str = ""
    refused: bool = False

    def __str__(self) -> str:
        if self.refused:
            return "connection refused"
        at = self.at
        words = [self.endpoint or at.place, at.point, at.then, self.ending or at.how, "reused" * bool(at.after)]
        return " ".join(word for word in words if word)


ENDS: list[tuple[How, str]] = [("fin", ""), ("rst", ""), ("stall", "deadline"), ("stall", "cancel")]
CUTS: list[How] = ["fin", "rst"]
ANSWER_POINTS = ("nothing", *POINTS, "whole")


def _faults() -> list[Fault]:
    places = [Break("accept"), Break("held"), Break("running")]
    places += [Break("request", point=point) for point in POINTS]
    places += [Break("answer", point=point) for point in ANSWER_POINTS]
    broken = [Fault(replace(at, how=how), ending) for at, (how, ending) in product(places, ENDS)]
    broken += [Fault(Break("held", how=how, then="late"), ending) for how, ending in ENDS]
    slow = [Break("request", "stall", point, then="late") for point in POINTS]
    broken += [Fault(at, ending) for at, ending in product(slow, ("deadline", "cancel"))]
    broken += [Fault(Break("held", then="twice")), Fault(PASS)]
    broken += [Fault(Break(place, "garbage", name)) for place in ("held", "answer") for name in GARBAGE]
    broken += [Fault(endpoint=name) for name in ("connection_closed", "cut_after", "cut_before", "refuse", "late")]
    again = [replace(fault, at=replace(fault.at, after=1)) for fault in broken if fault.at.place != "accept"]
    again += [Fault(Break("idle", how=how, after=1)) for how in CUTS]
    shaken = [Fault(Break("handshake", how=how, point="html"), ending) for how, ending in [*ENDS, ("garbage", "")]]
    return [*broken, *again, *shaken, Fault(refused=True)]


def _is_fair(kind: str, fault: Fault) -> bool:
    """Leave out what nobody could be right about, and large bodies where their size tells nothing."""
    if fault.at.then == "twice" and kind in {"write", "batch", "large write"}:
        # Who delivers a request twice by himself breaks HTTP; only what may be repeated survives it.
        return False
    return kind != "large write" or fault.at.place == "accept" or _cut(fault.at) == HALF


HALF = Break("request", point="half the body")


def _cut(at: Break) -> Break:
    return Break(at.place, point=at.point)


GRID = [(kind, fault) for kind, fault in product(KINDS, _faults()) if _is_fair(kind, fault)]


@dataclass(frozen=True, slots=True)
class Case:
    """One case; all of it follows from `seed` and the transport."""

    seed: int
    transport: str
    kind: str
    fault: Fault
    waits: tuple[float, float]

    @property
    def key(self) -> str:
        """What its rows are called."""
        return f"{self.transport}-{self.seed}"

    @property
    def fair(self) -> bool:
        """False for a handshake that is given up over httpx: httpcore leaves its connection open."""
        return not (self.transport == "httpx" and self.fault.at.place == "handshake" and self.fault.ending)

    def __str__(self) -> str:
        return f"seed {self.seed}, {self.transport}: {self.kind}, {self.fault}"


def case(seed: int, transport: str) -> Case:
    """Return case number `seed`."""
    dice = random.Random(seed)
    kind, fault = GRID[seed % len(GRID)]
    waits = (dice.uniform(0, 0.006), dice.uniform(0, 0.012))
    return Case(seed, transport, kind, replace(fault, at=replace(fault.at, seconds=waits[1])), waits)


# ------------------------------------------------------------------ running one


@dataclass(frozen=True, slots=True)
class Report:
    """What a case's caller was told, how often its request was delivered, and whether it came to the break at all."""

    case: Case
    said: str
    delivered: int | None = None
    reached: bool = True
    error: BaseException | None = None

    def complaints(self, rows: int) -> list[str]:
        """Return what is wrong, given the rows that are there in the end."""
        wanted, found = KINDS[self.case.kind].rows, []
        if self.said == "succeeded" and rows != wanted:
            found.append(f"it succeeded, and left {rows} rows of {wanted}")
        if self.said in {"not_sent", "refused", "failed"} and rows:
            found.append(f"it was {self.said}, and left {rows} rows")
        if rows not in {0, wanted}:
            found.append(f"it left {rows} rows, neither none nor {wanted}")
        if self.delivered == 0 and rows:
            found.append(f"it was never delivered, and left {rows} rows")
        if not self.reached:
            found.append("it never came to the break")
        if self.said not in _allowed(self.case):
            found.append(f"it {self.said}, and not one of: {', '.join(sorted(_allowed(self.case)))}")
        return [f"{self.case}: {complaint} ({self.error!r})" for complaint in found]


def _allowed(one: Case) -> set[str]:
    """Return what a caller may be told, apart from what the rows say."""
    fault, repeatable = one.fault, KINDS[one.kind].repeatable
    at = fault.at
    if fault.refused:
        return {"not_sent"}
    whole = {"succeeded"} if at.point == "whole" else set()
    if fault.ending == "cancel":
        return {"was cancelled"} | whole
    if at.place == "handshake":
        return {"not_sent"}
    if fault.ending:
        return {"unknown", "not_sent"} | whole
    if at.how == "garbage" and at.point in {"empty", "cut json", "other json"} and one.kind != "once":
        return {"unknown"}
    if (at.place == "never" and fault.endpoint in {"", "refuse"}) or at.then == "twice":
        return {"succeeded"}
    if repeatable:
        return {"succeeded"}
    return {"succeeded", "unknown", "not_sent"} if _may_pass(one) else {"unknown"}


def _may_pass(one: Case) -> bool:
    """Tell whether what is broken may still succeed, or be known not to be sent, without being repeatable."""
    at = one.fault.at
    return at.place in {"accept", "idle"} or at.point == "whole" or one.kind == "large write"


async def run(one: Case, endpoint: Endpoint, port: int, url: Callable[[int], str]) -> Report:
    """Run a case against the endpoint at `port`; `url(port)` leads to its database by any port."""
    if one.fault.endpoint:
        name: Any = one.fault.endpoint
        more: dict[str, Any] = {"seconds": 0.02} if name == "late" else {}
        endpoint.faults.add(name, match=f"/* {one.key} */", **more)
    with socket.socket() as closed:
        # Bound, and not listened to: nobody else gets this port meanwhile.
        closed.bind(("127.0.0.1", 0))
        async with asyncio.timeout(PATIENCE), Proxy(port, one.fault.at) as proxy:
            place = closed.getsockname()[1] if one.fault.refused else proxy.port
            said, error = await _told(one, proxy, url(place), place)
        delivered = None if one.fault.at.then else proxy.delivered - one.fault.at.after
        reached = proxy.reached.is_set() or one.fault.at.place == "never" or one.fault.ending == "deadline"
    return Report(one, said, delivered, reached, error)


async def _told(one: Case, proxy: Proxy, url: str, port: int) -> tuple[str, BaseException | None]:
    options: dict[str, Any] = {"transport": one.transport, "retry": RETRY}
    if one.fault.at.place == "handshake":
        # The deadline of a handshake is that of connecting.
        options |= {"endpoint": f"https://localhost:{port}/sql", "retry": Retry(attempts=1)}
        options |= {"connect_timeout": DEADLINE} if one.fault.ending == "deadline" else {}
    async with neon(url, **options) as sql:
        if one.fault.at.after:
            await sql("select 1").value()
            await asyncio.sleep(one.waits[0])
        short = one.fault.ending == "deadline" and one.fault.at.place != "handshake"
        timeout = DEADLINE if short else PATIENCE
        said, error = await _awaited(one, proxy, KINDS[one.kind].call(sql, one.key, _nap(one), timeout))
        proxy.released.set()
        if one.fault.ending and error is not None and proxy.reached.is_set():
            # Who gives up ends the connection, while the client is still in use: the server is to notice. (On a busy
            # machine the time may be up before a byte was sent; then the connection stays, for the next request.)
            await proxy.ended.wait()
    return said, error


def _nap(one: Case) -> float:
    """A statement that is stalled would run for long, were it not cancelled."""
    if one.fault.at.place != "running":
        return 0
    return PATIENCE / 2 if one.fault.ending else one.waits[1]


async def _awaited(one: Case, proxy: Proxy, call: Awaitable[Any]) -> tuple[str, BaseException | None]:
    task = asyncio.ensure_future(call)
    if one.fault.ending == "cancel":
        await proxy.reached.wait()
        task.cancel()
    try:
        right = await task
    except (TransportError, DatabaseError) as error:
        return str(error.outcome), error
    except asyncio.CancelledError as error:
        return "was cancelled", error
    return ("succeeded" if right else "answered wrongly"), None
