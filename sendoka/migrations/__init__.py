"""Forward-only migrations: the files and their chain, the history in a database, and how one follows the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendoka.migrations.comparison import compare as compare
    from sendoka.migrations.event import Event as Event
    from sendoka.migrations.files import Migration as Migration
    from sendoka.migrations.folder import read_folder as read_folder
    from sendoka.migrations.overview import status as status
    from sendoka.migrations.runner import MigrationReport as MigrationReport
    from sendoka.migrations.runner import migrate as migrate

__all__ = ["Event", "Migration", "MigrationReport", "compare", "migrate", "read_folder", "status"]

_HOME = {
    "Event": ".event",
    "Migration": ".files",
    "MigrationReport": ".runner",
    "compare": ".comparison",
    "migrate": ".runner",
    "read_folder": ".folder",
    "status": ".overview",
}


def __getattr__(name: str) -> object:
    from sendoka.lazy import load

    return load(__name__, _HOME, name)
