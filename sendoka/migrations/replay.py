"""Replay: all migrations, run from nothing on a scratch database, must make the declared schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sendoka.database.statement import Statement
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import DatabaseError, SettingsError
from sendoka.errors.masking import without
from sendoka.lint import Finding
from sendoka.migrations.checked import Checked
from sendoka.migrations.differences import Sort, differences
from sendoka.migrations.failure import failing_statement, place
from sendoka.migrations.history import settings_statement
from sendoka.schema.from_catalog import read_catalog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database.seam import Database
    from sendoka.migrations.differences import Difference
    from sendoka.migrations.drift import Spell
    from sendoka.migrations.files import Migration
    from sendoka.schema.model import Model

__all__ = ["Empty", "Failed", "check_replay", "rehearse"]

_TIMEOUT = 600.0
"""Seconds that one file may take; nobody's live system waits for it."""


class Empty(Protocol):
    """A database with nothing in it, that is nobody's."""

    @property
    def sql(self) -> Database: ...

    async def supply(self, error: DatabaseError) -> bool:
        """Make what `error` says that the server lacks and every real one has, a role; tell whether it was made."""

    def is_left_over(self, error: DatabaseError) -> bool:
        """Tell whether `error` says that a role is there already, on a server that is not emptied between two uses."""


async def check_replay(
    empty: Empty, files: Sequence[Migration], folder: str, wanted: Model, spell: Spell, *, is_declared: bool = True
) -> Checked:
    """Run `files` in `empty`, each as `migrate` would, and compare what comes out with `wanted`.

    `wanted` is the declared schema, or with `is_declared=False` that of the newest snapshot. The first file that fails
    is a finding and ends the replay. Raises SettingsError where the scratch server lacks an extension, else what the
    exchange raises.
    """
    for migration in files:
        failed = await rehearse(empty, migration)
        if failed is not None:
            return Checked.of("replay", [_failed(failed, folder)], f"{migration.name}.sql is the first that fails")
    catalog = await read_catalog(empty.sql)
    changes, doubt = await spell(catalog.model, wanted)
    found = [_differs(each) for each in differences(changes)]
    against = "the schema" if is_declared else "the newest snapshot, as the schema has changes that are not generated"
    says = f"{len(files)} migration{'s' * (len(files) != 1)} on Postgres {catalog.version}, compared with {against}"
    return Checked.of("replay", found, says, [doubt] if doubt else [])


# ------------------------------------------------------------------ one file


@dataclass(frozen=True, slots=True)
class Failed:
    """A file that failed: `number` is its statement's, from 1, None at COMMIT; `line` is from 1."""

    migration: Migration
    number: int | None
    said: str
    line: int | None

    def __str__(self) -> str:
        return f"{place(self.migration.statements, self.number)}: {self.said}"


async def rehearse(empty: Empty, migration: Migration) -> Failed | None:
    """Run a file in `empty` as `migrate` would; what Postgres refuses is returned. Raises what `check_replay` does."""
    texts = list(migration.statements)
    while True:
        try:
            if migration.done_when is None:
                await _run_whole(empty.sql, texts)
                return None
            return await _run_alone(empty.sql, migration, migration.done_when)
        except DatabaseError as error:
            if await empty.supply(error):
                continue
            if _lacks_extension(error):
                raise SettingsError(
                    f"the scratch server cannot replay {migration.name}.sql: {error.message}",
                    todo="name a server that has it with --scratch URL",
                ) from error
            number: int | None = 1
            if migration.done_when is None:
                number = await failing_statement(empty.sql, texts, error)
            if number is not None and empty.is_left_over(error):
                texts[number - 1] = _PASSED_OVER
                continue
            return _failure(migration, number, error)


_PASSED_OVER = "select 'what this statement makes is there already'"


async def _run_whole(database: Database, texts: Sequence[str]) -> None:
    statements = [settings_statement(), *(Statement(text) for text in texts), Statement("set local role to default")]
    await database.run_all(statements, TransactionOptions(timeout=_TIMEOUT))


async def _run_alone(database: Database, migration: Migration, done_when: str) -> Failed | None:
    """Run the one statement of a file that runs in no transaction, and ask whether it is done."""
    await database.run(Statement(migration.statements[0]))
    answer = await database.run(Statement(done_when))
    if answer.rows and answer.rows[0] and answer.rows[0][0] in {"t", "true"}:
        return None
    return Failed(migration, 1, "it ran, and its done-when does not say that it is done", _line(migration, 1))


def _failure(migration: Migration, number: int | None, error: DatabaseError) -> Failed:
    said = f"{error.message} ({error.sqlstate})" + (f"; {error.detail}" if error.detail else "")
    said = without(said, *migration.statements)
    return Failed(migration, number, said, None if number is None else _line(migration, number, error.position))


def _line(migration: Migration, number: int, position: int | None = None) -> int | None:
    """Return the line of a file that its statement begins in, or that `position`, a character of it from 1, is in."""
    at = 0
    for statement in migration.statements[:number]:
        start = migration.text.find(statement, at)
        if start < 0:
            return None
        at = start + len(statement)
    statement = migration.statements[number - 1]
    inside = _first_word(statement) if position is None else position - 1
    return migration.text.count("\n", 0, at - len(statement) + inside) + 1


def _first_word(statement: str) -> int:
    """Return where a statement begins, after the comments and empty lines above it."""
    at = 0
    for line in statement.splitlines(keepends=True):
        if line.strip() and not line.lstrip().startswith("--"):
            return at
        at += len(line)
    return 0


def _lacks_extension(error: DatabaseError) -> bool:
    return error.sqlstate in {"0A000", "58P01"} and error.message.startswith("extension ")


# ------------------------------------------------------------------ findings


def _failed(failed: Failed, folder: str) -> Finding:
    file = f"{folder}/{failed.migration.name}.sql"
    return Finding(
        "replay/failed",
        file,
        str(failed),
        "an applied file is never edited: if it is applied nowhere, mend it; else mend what it stands on",
        file,
        failed.line,
    )


def _differs(each: Difference) -> Finding:
    what = {
        Sort.MISSING: "no migration makes it",
        Sort.EXTRA: "the migrations make it, and it is not declared",
        Sort.DIFFERS: f"the migrations make it another way: {each.how}",
    }
    instead = "put the missing step into a migration of your own, `sendoka generate --custom`"
    return Finding("replay/differs", each.id.address, f"{each.id}: {what[each.sort]}", instead)
