"""Start a local Neon endpoint over a real PostgreSQL, until Ctrl-C."""

from __future__ import annotations

import signal
import threading
from ipaddress import ip_address
from typing import TYPE_CHECKING

import click

from sendoka.cli._options import json_option, print_json, say
from sendoka.errors import AnswerMissing, SendokaError
from sendoka.settings import read_settings

if TYPE_CHECKING:
    from types import FrameType

    from sendoka.local.faults import Fault
    from sendoka.local.postgres import Postgres

__all__ = ["dev"]

PORT = 4444


@click.command
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0 takes a free one.")
@click.option("--host", default="localhost", show_default=True, metavar="ADDRESS", help="Listen on this address.")
@click.option("--reachable-by-others", is_flag=True, help="Allow an ADDRESS that other machines can reach.")
@click.option("--temporary", is_flag=True, help="Keep nothing: an empty database, gone at the end.")
@click.option("--reset", is_flag=True, help="Delete the data in .sendoka/ and start with an empty database.")
@click.option(
    "--postgres", "url", metavar="URL", help="Use this server. Without: SENDOKA_POSTGRES, else one of our own is run."
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="KIND[:SQL]",
    help="Let the next request fail, or the next whose statements contain SQL: cut_after, connection_closed, …",
)
@json_option
def dev(
    port: int,
    host: str,
    reachable_by_others: bool,
    temporary: bool,
    reset: bool,
    url: str | None,
    faults: tuple[str, ...],
    as_json: bool,
) -> int:
    """Start a local Neon endpoint over a real PostgreSQL, until Ctrl-C.

    Prints one line with the connection string when it is ready. Data is kept in .sendoka/ beside pyproject.toml. It
    listens on this machine only. Ctrl-C or SIGTERM is how it ends, so the exit status is then 0 (130 before it was
    ready).
    """
    _check_host(host, reachable_by_others)
    from sendoka.local import Endpoint, Server, project_postgres

    # A stop that comes while PostgreSQL starts takes the same way out as Ctrl-C.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    folder = read_settings().root / ".sendoka"
    asked = [_fault(text) for text in faults]
    with project_postgres(folder, url=url, temporary=temporary, reset=reset) as postgres:
        endpoint = Endpoint(postgres)
        for fault in asked:
            endpoint.faults.arm(fault)
        with Server(endpoint, host=host, port=port) as server:
            stop = _stop_on_signals()
            _tell(server.connection_string(), postgres, server.port, as_json)
            while not stop.wait(1):
                last_words = postgres.ended()
                if last_words is not None:
                    raise SendokaError("PostgreSQL ended by itself", where=last_words)
    return 0


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


def _fault(text: str) -> Fault:
    from sendoka.local import Fault

    kind, _, match = text.partition(":")
    return Fault(kind, match)


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def note(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, note)
    return stop


def _tell(connection_string: str, postgres: Postgres, port: int, as_json: bool) -> None:
    if as_json:
        print_json({"connection_string": connection_string, "port": port, "postgres": postgres.version})
    else:
        say(f"ready: {connection_string}")
