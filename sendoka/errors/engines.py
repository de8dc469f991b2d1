"""What the schema, the migrations and the backfills raise."""

from __future__ import annotations

from typing import Any, ClassVar

from sendoka.errors.base import Outcome, SendokaError

__all__ = [
    "BackfillChanged",
    "BackfillError",
    "BackfillRunning",
    "BatchFailed",
    "CatalogMoved",
    "ChecksumMismatch",
    "FleetFailed",
    "ForkedHistory",
    "InvalidBackfill",
    "InvalidMigration",
    "MigrationError",
    "MigrationFailed",
    "MissingMigration",
    "PushRefused",
    "SchemaError",
    "UnknownBackfill",
]


class SchemaError(SendokaError):
    """The declared schema contradicts itself, or its folder cannot be loaded.

    `.traceback` is the text of a failed module's own, without the frames of whoever imported it; else it is empty.

    What to do: mend the file of `schema/` that the text names.
    """

    exit_code = 2
    traceback: str = ""


class CatalogMoved(SchemaError):
    """The database's schema was changed while it was read, again and again.

    What to do: try again once the migrations that run there are through.
    """

    exit_code = 3


class MigrationError(SendokaError):
    """A migrations folder, or the history in a database, is not what it should be.

    What to do: mend the folder as the text says; the database was not changed.
    """

    exit_code = 1


class InvalidMigration(MigrationError):
    """A file breaks the format: its name, header, a directive, or what it holds.

    What to do: mend that file if it was applied nowhere yet; otherwise take it back from version control.
    """


class ChecksumMismatch(MigrationError):
    """A file is not the one its successor, or the database, knows under that name: it was edited after it was used.

    What to do: take the file back from version control, and write the change as the next migration.
    """


class MissingMigration(MigrationError):
    """A file that the chain, or the database, needs is not in the folder.

    What to do: take it back from version control, or deploy the folder whole.
    """


class ForkedHistory(MigrationError):
    """Two files follow the same parent, or the database followed another branch.

    What to do: generate the file again that was applied nowhere, on top of the other.
    """


class MigrationFailed(MigrationError):
    """A statement of a migration, or of a push, failed; what remains of it, nothing as a rule, the text says.

    `.migration` is the file's name, empty for a push, `.statement` the number of the statement, from 1, and `.position`
    the place in it, in characters from 1; None where they cannot be known. `.sqlstate` is that of the database's own
    error, which is the cause. `.outcome` is `unknown` where what was sent may still be applied.

    What to do: what the text says; mend the statement, the schema or the data, and give the command again.
    """

    exit_code = 3
    outcomes: ClassVar[tuple[Outcome, ...]] = (Outcome.FAILED, Outcome.UNKNOWN)

    def __init__(
        self,
        what: str,
        *,
        migration: str = "",
        statement: int | None = None,
        position: int | None = None,
        sqlstate: str = "",
        outcome: Outcome = Outcome.FAILED,
        where: str = "",
        todo: str = "",
    ) -> None:
        super().__init__(what, where=where, todo=todo)
        self.migration = migration
        self.statement = statement
        self.position = position
        self.sqlstate = sqlstate
        self.outcome = outcome

    @property
    def file(self) -> str:
        """The name of the migration's file, empty for a push."""
        return f"{self.migration}.sql" if self.migration else ""


class PushRefused(MigrationError):
    """`push` was called for a database that is not marked `dev`: nothing was sent but the reading of its mark.

    What to do: change that database by migrations, or, where it is one to try things out in, `sendoka mark dev`.
    """

    exit_code = 2


class BackfillError(SendokaError):
    """A backfill cannot be declared, found or run.

    What to do: what the text says; what was committed before stays, and its checkpoint with it.
    """


class InvalidBackfill(BackfillError):
    """A backfill is declared wrongly, or a script declares none.

    What to do: mend the declaration that the text names; nothing was sent.
    """

    exit_code = 2


class UnknownBackfill(BackfillError):
    """No script, or more than one, has the name that was asked for.

    What to do: choose one of the names that the text lists.
    """

    exit_code = 2


class BatchFailed(BackfillError):
    """A batch could not be applied, also not after it was tried again. The batches before it stay.

    `.cursor` is the last key that was applied. The database's own error is the cause.

    What to do: mend the script or the rows behind the cursor, and run it again: it goes on there.
    """

    def __init__(self, what: str, *, cursor: tuple[Any, ...] | None = None, where: str = "", todo: str = "") -> None:
        super().__init__(what, where=where, todo=todo)
        self.cursor = cursor


class BackfillRunning(BackfillError):
    """Another runner holds this backfill.

    What to do: leave it to that one; if it died, its lease ends by itself and the next run goes on.
    """


class FleetFailed(BackfillError):
    """The workers that dask was to give cannot be had: no scheduler answers, none is there, they have another Sendoka.

    What to do: what the text says. What was changed stays, and `run` goes on from there, with a fleet or without.
    """


class BackfillChanged(BackfillError):
    """The script is not the one that this run was started with.

    What to do: `--accept-change` goes on with the new one; `cancel`, and then `run --again`, starts over.
    """

    exit_code = 1
