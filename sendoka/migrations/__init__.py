"""Forward-only migrations: the files and their chain, the history in a database, and how one follows the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendoka.migrations.files import Migration as Migration
    from sendoka.migrations.files import read_folder as read_folder
    from sendoka.migrations.history import compare as compare
    from sendoka.migrations.overview import status as status
    from sendoka.migrations.runner import MigrationReport as MigrationReport
    from sendoka.migrations.runner import migrate as migrate

__all__ = ["Migration", "MigrationReport", "compare", "migrate", "read_folder", "status"]

_HOME = {
    "Migration": "files",
    "MigrationReport": "runner",
    "compare": "history",
    "migrate": "runner",
    "read_folder": "files",
    "status": "overview",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
