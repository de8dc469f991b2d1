"""Start a local Neon endpoint over a real PostgreSQL, until Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shlex
import signal
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import click

from sendoka.cli._env_local import NAME, is_ignored, is_same, kept_source, leads_to, local_port, remember
from sendoka.cli._options import Whole, json_option, print_json, say
from sendoka.errors import AnswerMissing, SendokaError
from sendoka.http.target import LOCAL_PORT
from sendoka.settings import Source, look_for_source, read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import FrameType

    from sendoka.local import Endpoint
    from sendoka.local.fault import Fault
    from sendoka.local.postgres import Postgres

__all__ = ["dev"]


class _Size(click.ParamType[int]):
    """Bytes, or with a unit: `2000`, `512kB`, `64MB`. A kB is 1024 bytes, as for PostgreSQL."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of bytes."""
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"(\d{1,12})(?:([kKMG])i?B?)?", value)
        if found is None:
            self.fail(f"{value!r} is no size; write bytes, or a number with kB or MB", param, ctx)
        return int(found[1]) << {None: 0, "k": 10, "K": 10, "M": 20, "G": 30}[found[2]]


@click.command
@click.option(
    "--port",
    type=Whole(0, 65535),
    help=f"Where to listen; 0 takes a free one. Without: as .env.local says, else {LOCAL_PORT}.",
)
@click.option("--host", default="localhost", show_default=True, metavar="ADDRESS", help="Listen on this address.")
@click.option("--reachable-by-others", is_flag=True, help="Allow an ADDRESS that other machines can reach.")
@click.option("--temporary", is_flag=True, help="Keep nothing: an empty database, gone at the end.")
@click.option("--reset", is_flag=True, help="Delete the data in .sendoka/ and start with an empty database.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="FAULT",
    help="Let the next request fail: KIND, KIND:SQL or KIND,OPTION=VALUE:SQL. See `sendoka fault --help`.",
)
@click.option("--max-request", type=_Size(), default="64MB", show_default=True, help="Answer 413 to larger ones.")
@click.option("--max-response", type=_Size(), default="64MB", show_default=True, help="Answer 507 beyond it.")
@click.option(
    "--allow-origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    help="Let pages of https://app.example.com ask, beside those of this machine.",
)
@json_option
def dev(
    port: int | None,
    host: str,
    reachable_by_others: bool,
    temporary: bool,
    reset: bool,
    faults: tuple[str, ...],
    max_request: int,
    max_response: int,
    origins: tuple[str, ...],
    as_json: bool,
) -> int:
    """Start a local Neon endpoint over a real PostgreSQL, until Ctrl-C.

    Prints one line with the connection string when it is ready, and writes it to .env.local where the project has none
    yet, so that the other commands find it; where they would go elsewhere, it says so. Data is kept in .sendoka/ beside
    pyproject.toml. It listens on this machine only. PostgreSQL is one of our own, or the server that SENDOKA_POSTGRES
    names. `sendoka fault` lets requests fail. Ctrl-C or SIGTERM is how it ends, so the exit status is then 0 (130
    before it was ready).
    """
    if temporary and reset:
        raise click.UsageError("--reset deletes the data in .sendoka/, and --temporary does not use it: leave one out")
    _check_host(host, reachable_by_others)
    from sendoka.local import Endpoint, Server, project_postgres
    from sendoka.local.fault import read_fault
    from sendoka.local.origin import read_origins

    _stop_as_ctrl_c_does()
    settings = read_settings()
    asked = [read_fault(text) for text in faults]
    allowed = read_origins(origins)
    lasting = port != 0 and not temporary
    known = look_for_source(settings)
    if port is None:
        port = _usual_port(settings.root)
    with project_postgres(settings.root / ".sendoka", temporary=temporary, reset=reset) as postgres:
        endpoint = Endpoint(postgres, max_request=max_request, max_response=max_response, allow_origins=allowed)
        _arm(endpoint, asked)
        with Server(endpoint, host=host, port=port) as server:
            stop = _Stop()
            _tell(server.connection_string(), postgres, server.port, as_json)
            if known is not None:
                _say_where(server.connection_string(), known)
            elif lasting:
                _lead_here(settings.root, server.connection_string())
            _serve(postgres, stop)
    return 0


def _stop_as_ctrl_c_does() -> None:
    """Let a stop that comes while PostgreSQL starts take the same way out as Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


def _arm(endpoint: Endpoint, faults: Sequence[Fault]) -> None:
    for fault in faults:
        endpoint.faults.arm(fault)
        if fault.kind == "random":
            say(f"random faults of seed {fault.seed}: the same requests meet the same ones again", err=True)


def _serve(postgres: Postgres, stop: _Stop) -> None:
    """Return when a signal asks for the end. Raises SendokaError where PostgreSQL ends before."""
    while not stop.wait(1):
        last_words = postgres.ended()
        if last_words is not None:
            raise SendokaError("PostgreSQL ended by itself", where=last_words)


def _check_host(host: str, allowed: bool) -> None:
    try:
        local = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local and not allowed:
        raise AnswerMissing(
            f"--host {host} lets other machines reach this database, with nothing but its password before it",
            todo="say so with --reachable-by-others, or leave --host out",
        )


def _usual_port(root: Path) -> int:
    kept = kept_source(root)
    return (kept and local_port(kept)) or LOCAL_PORT


def _say_where(url: str, known: Source) -> None:
    """Say on stderr where the other commands do not find this endpoint, and what lets them."""
    here, there = leads_to(Source("", url)), leads_to(known)
    if there.lower() != here.lower():
        wrong = f"leads to {there}, not here"
    elif not is_same(Source("", url), known):
        wrong = "leads here with another user, password or database"
    else:
        return
    export = f"export DATABASE_URL={shlex.quote(url)}"
    say(f"DATABASE_URL in {known.name} {wrong}; for the other commands: {export}", err=True)


def _lead_here(root: Path, url: str) -> None:
    """Let the other commands find this endpoint, or say on stderr why they do not."""
    if is_ignored(root):
        say(f"{NAME}: {remember(root, url)} DATABASE_URL, so that the other commands find it", err=True)
    else:
        say(f"{NAME} is not written, because git would take it: add it to .gitignore, or set DATABASE_URL", err=True)


class _Stop:
    """Whether a signal asked for the end.

    A pipe, for a handler may come while the main thread is inside a wait: a lock that the wait holds would never be
    free for it.
    """

    def __init__(self) -> None:
        self._asked, self._note = os.pipe()
        os.set_blocking(self._note, False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(BlockingIOError):  # it is full of such notes already
            os.write(self._note, b".")

    def wait(self, seconds: float) -> bool:
        """Wait for a signal; return whether one came by then."""
        return bool(select.select([self._asked], [], [], seconds)[0])


def _tell(connection_string: str, postgres: Postgres, port: int, as_json: bool) -> None:
    if as_json:
        print_json({"connection_string": connection_string, "port": port, "postgres": postgres.version})
    else:
        say(f"ready: {connection_string}")
