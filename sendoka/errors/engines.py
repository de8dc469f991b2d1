"""What the schema, the migrations and the backfills raise."""

from __future__ import annotations

from typing import Any

from sendoka.errors.base import SendokaError

__all__ = [
    "BackfillChanged",
    "BackfillError",
    "BackfillRunning",
    "BatchFailed",
    "ChecksumMismatch",
    "ForkedHistory",
    "InvalidBackfill",
    "InvalidMigration",
    "MigrationError",
    "MigrationFailed",
    "MissingMigration",
    "SchemaError",
    "UnknownBackfill",
]


class SchemaError(SendokaError):
    """The declared schema contradicts itself, or cannot be loaded."""

    exit_code = 2


class MigrationError(SendokaError):
    """A migrations folder, or the history in a database, is not what it should be."""

    exit_code = 1


class InvalidMigration(MigrationError):
    """A file that breaks the format: name, header, directive, or what it holds."""


class ChecksumMismatch(MigrationError):
    """A file is not the one its successor, or the database, knows under that name."""


class MissingMigration(MigrationError):
    """A file that the chain, or the database, needs is not in the folder."""


class ForkedHistory(MigrationError):
    """Two files follow the same parent, or the database followed another branch."""


class MigrationFailed(MigrationError):
    """A statement of a migration was refused by the database. `.statement` is its number, from 1."""

    exit_code = 3

    def __init__(
        self, what: str, *, migration: str = "", statement: int | None = None, where: str = "", todo: str = ""
    ) -> None:
        super().__init__(what, where=where, todo=todo)
        self.migration = migration
        self.statement = statement


class BackfillError(SendokaError):
    """A backfill cannot be declared, found or run."""


class InvalidBackfill(BackfillError):
    """A backfill that is declared wrongly, or a script that declares none."""

    exit_code = 2


class UnknownBackfill(BackfillError):
    """No script, or more than one, has the name that was asked for."""

    exit_code = 2


class BatchFailed(BackfillError):
    """A batch could not be applied. `.cursor` is the last key that was."""

    def __init__(self, what: str, *, cursor: tuple[Any, ...] | None = None, where: str = "", todo: str = "") -> None:
        super().__init__(what, where=where, todo=todo)
        self.cursor = cursor


class BackfillRunning(BackfillError):
    """Another runner holds this backfill."""


class BackfillChanged(BackfillError):
    """The script is not the one that this run was started with."""

    exit_code = 1
