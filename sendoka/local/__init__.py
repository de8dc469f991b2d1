"""Neon's protocol over a real PostgreSQL, on this machine: for development and for tests.

Names are loaded when they are used. They need `pip install "sendoka[local]"`, and say so where it is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendoka.local.app import Endpoint as Endpoint
    from sendoka.local.credentials import Login as Login
    from sendoka.local.faults import Fault as Fault
    from sendoka.local.faults import inject as inject
    from sendoka.local.front import Patience as Patience
    from sendoka.local.postgres import Postgres as Postgres
    from sendoka.local.postgres import given_postgres as given_postgres
    from sendoka.local.postgres import own_postgres as own_postgres
    from sendoka.local.postgres import project_postgres as project_postgres
    from sendoka.local.server import Server as Server
    from sendoka.local.server import in_process as in_process
    from sendoka.local.server import serve as serve

_HOME = {
    "Endpoint": ".app",
    "Fault": ".faults",
    "Login": ".credentials",
    "Patience": ".front",
    "Postgres": ".postgres",
    "Server": ".server",
    "given_postgres": ".postgres",
    "in_process": ".server",
    "inject": ".faults",
    "own_postgres": ".postgres",
    "project_postgres": ".postgres",
    "serve": ".server",
}

__all__ = [
    "Endpoint",
    "Fault",
    "Login",
    "Patience",
    "Postgres",
    "Server",
    "given_postgres",
    "in_process",
    "inject",
    "own_postgres",
    "project_postgres",
    "serve",
]

_EXTRA = frozenset({"psycopg", "psycopg_binary"})


def __getattr__(name: str) -> object:
    from sendoka.errors import SettingsError
    from sendoka.lazy import load

    try:
        return load(__name__, _HOME, name)
    except ImportError as error:
        # psycopg is there without libpq: its own ImportError has no name.
        if error.name is None or error.name.partition(".")[0] in _EXTRA:
            raise SettingsError(
                f"the local endpoint needs a package that is not installed: {error.name or error}",
                todo='pip install "sendoka[local]"',
            ) from error
        raise


def __dir__() -> list[str]:
    return sorted(set(__all__) | set(globals()))
