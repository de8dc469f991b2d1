"""A schema's folder, watched: read afresh whenever one of its files changes.

In this process, not in a new one for each change: importing the schema again takes a fraction of what a Python with
SQLAlchemy needs to start, and the connection, what is known of the database and a server for comparisons stay.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sendoka.cli._options import say
from sendoka.cli._report import report
from sendoka.errors import AnswerMissing, PushRefused, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.schema.model import Model
    from sendoka.settings import Settings

__all__ = ["Watched"]

POLL = 0.15
"""Seconds between two looks at the files; a look at a hundred of them takes about a millisecond."""

SETTLE = 0.04
"""Seconds for which nothing may change any more: an editor empties a file before it writes it, or writes two."""


class Watched:
    """The folder of a schema, and the modules of the project that it imports."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.schema
        self._root = settings.root
        self._others = frozenset(sys.modules)
        self._seen: frozenset[tuple[str, int, int]] = frozenset()
        # The cache of byte code tells a file's versions apart by their second and size, and two saves may share both.
        sys.dont_write_bytecode = True

    def schema(self) -> Model:
        """Return the schema as its files say now. Raises SchemaError as `model_from_folder` does."""
        from sendoka.schema.from_python import model_from_folder

        self._seen = self._look()
        for name in self._imported():
            del sys.modules[name]
        return model_from_folder(self._folder)

    async def change(self) -> None:
        """Wait until a file is another than when the schema was read, and no longer changes."""
        now = self._look()
        while now == self._seen:
            await asyncio.sleep(POLL)
            now = self._look()
        while True:
            await asyncio.sleep(SETTLE)
            before, now = now, self._look()
            if before == now:
                return

    @contextlib.contextmanager
    def reports(self) -> Iterator[None]:
        """Show what goes wrong, for the next change may mend it; what no file of the schema can mend passes through."""
        try:
            yield
        except (PushRefused, SettingsError):
            raise
        except Exception as error:  # noqa: BLE001 - report() raises again what is a fault of ours
            report(error, ())
            if isinstance(error, AnswerMissing):
                say("give the answer to a `sendoka push` of its own, or change the schema", dim=True, err=True)
        say("watching; Ctrl-C ends it", dim=True, err=True)

    def _look(self) -> frozenset[tuple[str, int, int]]:
        """Return what tells the files of now from those of any other moment."""
        modules = (Path(sys.modules[name].__file__ or "") for name in self._imported())
        return frozenset(_state(file) for file in (*self._folder.rglob("*.py"), *modules))

    def _imported(self) -> list[str]:
        """Return the names of the modules that the schema brought along from elsewhere in the project."""
        return [name for name in sys.modules.keys() - self._others if self._is_ours(name)]

    def _is_ours(self, name: str) -> bool:
        file = Path(getattr(sys.modules[name], "__file__", None) or "/")
        return file.is_relative_to(self._root) and "site-packages" not in file.parts and not name.startswith("sendoka.")


def _state(file: Path) -> tuple[str, int, int]:
    try:
        known = file.stat()
    except OSError:  # it went between the list and the look, or never was one
        return str(file), 0, 0
    return str(file), known.st_mtime_ns, known.st_size
