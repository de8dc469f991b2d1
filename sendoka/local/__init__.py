"""Neon's protocol over a real PostgreSQL, on this machine: for development and for tests.

Names are loaded when they are used. They need `pip install "sendoka[local]"`, and say so where it is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendoka.local.app import Endpoint as Endpoint
    from sendoka.local.databases import Login as Login
    from sendoka.local.faults import Fault as Fault
    from sendoka.local.faults import inject as inject
    from sendoka.local.postgres import Postgres as Postgres
    from sendoka.local.postgres import given_postgres as given_postgres
    from sendoka.local.postgres import own_postgres as own_postgres
    from sendoka.local.postgres import project_postgres as project_postgres
    from sendoka.local.server import Server as Server
    from sendoka.local.server import in_process as in_process
    from sendoka.local.server import serve as serve

_HOME = {
    "Endpoint": "app",
    "Fault": "faults",
    "Login": "databases",
    "Postgres": "postgres",
    "Server": "server",
    "given_postgres": "postgres",
    "in_process": "server",
    "inject": "faults",
    "own_postgres": "postgres",
    "project_postgres": "postgres",
    "serve": "server",
}

__all__ = [
    "Endpoint",
    "Fault",
    "Login",
    "Postgres",
    "Server",
    "given_postgres",
    "in_process",
    "inject",
    "own_postgres",
    "project_postgres",
    "serve",
]

_EXTRA = frozenset({"httptools", "psycopg", "psycopg_binary", "uvicorn"})


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'sendoka.local' has no attribute {name!r}")
    from importlib import import_module

    from sendoka.errors import SettingsError

    try:
        value = getattr(import_module(f"sendoka.local.{_HOME[name]}"), name)
    except ImportError as error:
        # psycopg is there without libpq: its own ImportError has no name.
        if error.name is None or error.name.partition(".")[0] in _EXTRA:
            raise SettingsError(
                f"the local endpoint needs a package that is not installed: {error.name or error}",
                todo='pip install "sendoka[local]"',
            ) from error
        raise
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(__all__) | set(globals()))
