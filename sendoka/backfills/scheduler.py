"""A scheduler of dask.distributed, and what a call of `run` asks of it. Nothing else of ours knows dask.

Its client blocks, and lives in threads of its own; each question is asked in one of ours, so that a run may drive a
fleet from asyncio and from trio.
"""

from __future__ import annotations

import re
import time
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.to_thread

from sendoka import __version__
from sendoka.backfills import errand as errands
from sendoka.errors import FleetFailed, InvalidBackfill, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendoka.backfills.errand import Account, Errand
    from sendoka.backfills.parcel import Parcel

    T = TypeVar("T")

__all__ = ["Scheduler", "address_of", "connected"]

_PATIENCE = 10.0
"""Seconds for which a scheduler, and then a first worker, is waited for; fewer where dask's own setting says so."""

_ANSWER = 30.0
"""Seconds in which a scheduler that is there answers a question."""

_LEAVING = 0.5
"""Seconds for which the end of a connection is waited for."""

_ADDRESS = re.compile(r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?(?P<place>[^\s/@?#]+)/?")
_SCHEMES = frozenset({"tcp", "tls", "ws", "wss", "ucx", "inproc"})

_EXAMPLE = "it is what dask scheduler prints when it starts: tcp://host:8786"


def address_of(dask: object) -> tuple[str, Any]:
    """Return the address of the scheduler that is meant, and with what TLS it is spoken to, None for dask's settings.

    dask: an address, a `distributed.Client`, or a cluster. Raises InvalidBackfill for what is none of them.
    """
    if isinstance(dask, str):
        return _checked(dask), None
    remote = getattr(dask, "scheduler", None)
    address = getattr(dask, "scheduler_address", None) or getattr(remote, "address", None)
    if not isinstance(address, str) or not address:
        raise InvalidBackfill(
            f"dask= is the address of a scheduler, a distributed.Client or a cluster, and no {type(dask).__name__}"
            if not hasattr(dask, "scheduler")
            else "the scheduler of what was given as dask= is not there: it is closed, or was not started yet",
            todo=_EXAMPLE,
        )
    return address, getattr(dask, "security", None)


def _checked(text: str) -> str:
    """Return an address that may be one. What is refused is shown without a part that may be a password."""
    address = text.strip()
    found = _ADDRESS.fullmatch(address)
    scheme = found["scheme"] if found else None
    if found is None:
        raise InvalidBackfill("dask= is no address of a scheduler", todo=_EXAMPLE)
    if scheme in {"http", "https"}:
        raise InvalidBackfill(f"{address} is where dask shows its dashboard, not where its scheduler is", todo=_EXAMPLE)
    if scheme is not None and scheme not in _SCHEMES:
        raise InvalidBackfill(f"dask speaks no {scheme}, as dask={address} would have it", todo=_EXAMPLE)
    port = re.search(r":(\d+)$", found["place"])
    if scheme != "inproc" and (port is None or not 0 < int(port[1]) < 65536):
        raise InvalidBackfill(f"dask={address} lacks the scheduler's port", todo=_EXAMPLE)
    return address.rstrip("/")


async def _in_thread(ask: Callable[[], T], seconds: float = _ANSWER) -> T:
    with anyio.fail_after(seconds):
        return await anyio.to_thread.run_sync(ask, abandon_on_cancel=True)


def _distributed() -> Any:
    """Return the package. Raises SettingsError where it is not installed."""
    import importlib

    try:
        found = importlib.import_module("distributed")
    except ImportError as error:
        raise SettingsError("a fleet needs dask.distributed", todo='pip install "sendoka[dask]"') from error
    errands.pickle_errors_as_ours()
    return found


async def connected(dask: object, seconds: float | None = None) -> Scheduler:
    """Return a scheduler with workers that have our version; `seconds` is what this may take, if it is bounded.

    Raises SettingsError where dask is not installed, InvalidBackfill for no address, FleetFailed where the scheduler
    cannot be reached, has no workers, or has some with another Sendoka.
    """
    address, security = address_of(dask)
    distributed = _distributed()
    patience = min(_PATIENCE, _usual(), *(() if seconds is None else (max(0.1, seconds),)))

    def connect() -> Any:
        return distributed.Client(
            address, security=security, timeout=patience, set_as_default=False, name="sendoka", heartbeat_interval="5s"
        )

    try:
        client = await _in_thread(connect, patience + 5)
    except (OSError, TimeoutError) as error:
        raise FleetFailed(
            f"no scheduler of dask answers at {address} within {patience:g} s",
            where=_why(error),
            todo="start it, or check its address; or run without --dask (dask=): the run is the same one",
        ) from error
    except Exception as error:
        raise FleetFailed(f"dask cannot use the scheduler at {address}", where=_why(error)) from error
    scheduler = Scheduler(client, address)
    try:
        await scheduler.muster(patience)
    except BaseException:
        await scheduler.close()
        raise
    return scheduler


def _usual() -> float:
    """Return the seconds in which a connection is to be made, by the settings of dask."""
    import dask
    from dask.utils import parse_timedelta

    return float(parse_timedelta(dask.config.get("distributed.comm.timeouts.connect"), "s"))


def _why(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}".rstrip(": ")


class Scheduler:
    """A scheduler that is connected. `slots` are the errands that its workers do at once, as was read last."""

    def __init__(self, client: Any, address: str) -> None:
        self._client = client
        self.address = address
        self.slots = 0
        self._heard: deque[dict[str, Any]] = deque(maxlen=10_000)
        self._sent = 0
        client.subscribe_topic(errands.TOPIC, lambda event: self._heard.append(event[1]))

    async def muster(self, patience: float) -> None:
        """Wait for a worker, and see that all have our version. Raises FleetFailed for those that have another."""
        until = time.monotonic() + patience
        while await self.count() == 0:
            if time.monotonic() > until:
                raise FleetFailed(
                    f"the scheduler at {self.address} has no workers",
                    todo=f"start some, dask worker {self.address}; or run without --dask (dask=)",
                )
            await anyio.sleep(0.1)
        answers = await self._everywhere(errands.version)
        others = {worker: _version(answer) for worker, answer in sorted(answers.items()) if answer != __version__}
        others = {worker: told for worker, told in others.items() if told}
        if others:
            listed = ", ".join(f"{worker} has {told}" for worker, told in list(others.items())[:3])
            more = f", and {len(others) - 3} more" if len(others) > 3 else ""
            raise FleetFailed(
                f"{len(others)} of {len(answers)} workers have not the sendoka {__version__} that drives them",
                where=f"{listed}{more}; nothing was changed by this call",
                todo=f'install it where they run: pip install "sendoka[dask]=={__version__}"',
            )

    async def count(self) -> int:
        """Return how many errands can be done at once now. Raises FleetFailed where the scheduler does not answer."""
        try:
            threads = await _in_thread(self._client.nthreads)
        except Exception as error:
            raise self.gone(_why(error)) from error
        self.slots = sum(threads.values())
        return self.slots

    @property
    def lost(self) -> bool:
        """Whether the connection broke: what was sent is cancelled then, also where another one comes up."""
        return bool(self._client.status != "running")

    def gone(self, why: str = "") -> FleetFailed:
        """Return the error of a scheduler that is not there any more."""
        return FleetFailed(
            f"the scheduler of dask at {self.address} was lost",
            where=why,
            todo="what was changed stays; run it again, with --dask (dask=) or without: it goes on where it stands",
        )

    def send(self, parcel: Parcel, errand: Errand) -> Any:
        """Have an errand done by some worker; return its future. The key shows the shard, and nothing of what is sent.

        Raises FleetFailed where the scheduler is gone.
        """
        self._sent += 1
        key = f"sendoka-{parcel.name}-{parcel.call}-{errand.number}-{self._sent}"
        try:
            return self._client.submit(errands.do, parcel, errand, key=key, pure=False)
        except Exception as error:
            raise self.gone(_why(error)) from error

    async def account(self, future: Any) -> Account | BaseException:
        """Return what became of an errand that is over, or what dask says of it."""
        try:
            account: Account = await _in_thread(future.result)
        except Exception as error:  # noqa: BLE001 - whatever a worker raised, or dask itself
            return error
        return account

    def heard(self) -> list[dict[str, Any]]:
        """Return what workers said since the last time."""
        words = []
        while self._heard:
            words.append(self._heard.popleft())
        return words

    async def order(self, call: str, *, now: bool) -> None:
        """Tell every worker to end the errands of a call: after their batch, or `now`. Who cannot be told is not."""
        try:
            await self._everywhere(errands.order, call, now)
        except Exception:  # noqa: BLE001 - it is said again, and a lease ends by itself
            return

    async def _everywhere(self, function: Callable[..., object], *arguments: object) -> dict[str, Any]:
        return await _in_thread(lambda: self._client.run(function, *arguments, on_error="return"))

    async def close(self) -> None:
        """Leave the scheduler; what takes longer than a moment goes on in its thread."""
        with anyio.CancelScope(shield=True), anyio.move_on_after(_LEAVING):
            await anyio.to_thread.run_sync(lambda: self._client.close(timeout=1), abandon_on_cancel=True)


def _version(answer: object) -> str:
    """Return what a worker has, as words; empty for one that is just leaving."""
    if isinstance(answer, ImportError | AttributeError):
        return "none, or an older one"
    if isinstance(answer, Exception):
        return "" if isinstance(answer, OSError) else f"none that can be used ({type(answer).__name__})"
    return f"sendoka {answer}"
