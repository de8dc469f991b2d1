"""A folder looked at from end to end: all that is wrong with it, and not the first thing alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sendoka.database.home import NAMESPACE
from sendoka.errors import SchemaError
from sendoka.migrations.comments import late_directives, literal_flaws
from sendoka.migrations.folder import look
from sendoka.migrations.header import number_of, read_header
from sendoka.migrations.syntax import is_installed, why_not

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.lint import Finding
    from sendoka.migrations.files import Migration
    from sendoka.migrations.flaw import Flaw
    from sendoka.migrations.folder import Folder

__all__ = ["folder_findings", "not_looked_at", "refuse_planned", "refuse_statements"]


def folder_findings(
    folder: str | Path | Folder, namespace: str = NAMESPACE, *, shown: str | None = None
) -> list[Finding]:
    """Return what is wrong with the files of a folder and the chain they make, in the order of the files.

    The statements are looked at where the grammar is installed; `not_looked_at` says so where it is not. Reads files
    only. `shown` is what the folder is called in the findings, its name unless you say. Raises SettingsError where
    there is no such folder.
    """
    name = Path(folder).name if isinstance(folder, str) else folder.name
    return [_finding(shown or name, flaw) for flaw in _flaws(folder, namespace)]


def not_looked_at() -> str | None:
    """Return a line for a person where the statements of the files are not looked at, None where they are."""
    why = why_not()
    if why is None:
        return None
    return f'the statements of the migrations were not read, for postgast {why}: pip install "sendoka[lint]"'


def refuse_statements(migrations: Sequence[Migration], namespace: str | None = NAMESPACE) -> None:
    """Raise InvalidMigration for the first thing that is wrong with the statements of `migrations`.

    Without the grammar only breakpoints are looked at. What it does not know is left to the database, whose Postgres
    may be newer.
    """
    for migration in migrations:
        for flaw in _statements(migration.name, migration.text, migration.done_when is not None, namespace):
            if flaw.kind != "syntax":
                raise flaw.error


def refuse_planned(migration: Migration) -> None:
    """Raise SchemaError where a statement that was planned cannot stand in a file: a text in the schema is at fault.

    What it names of ours is left to `check`, which knows the settings.
    """
    for flaw in _statements(migration.name, migration.text, migration.done_when is not None, None):
        said = flaw.error.what.removeprefix(f"{flaw.file} ")
        line = migration.text.split("\n")[flaw.line - 1].strip() if flaw.line else ""
        raise SchemaError(
            f"a text in the schema is no SQL: {said.partition('grammar: ')[2] or said}"
            if flaw.kind == "syntax"
            else f"a text in the schema makes a migration that {said}",
            where=f"in what was planned of it: {line[:200]}",
            todo=(f"{flaw.error.todo}, in" if flaw.kind == "session" else "mend")
            + " the default, check, predicate or query that it comes from",
        )


def _flaws(folder: str | Path | Folder, namespace: str) -> list[Flaw]:
    found = look(folder)
    flaws = list(found.flaws)
    texts = [*((each.name, each.text) for each in found.migrations), *found.broken]
    conflicting = {flaw.file for flaw in flaws if flaw.kind == "conflict"}
    for name, text in texts:
        if f"{name}.sql" in conflicting:
            continue
        alone = read_header(name, text.split("\n")).one("transaction") is not None
        mine = late_directives(name, text) + _statements(name, text, alone, namespace)
        # The grammar finds the command itself where the format sees what a statement begins with.
        known = {(flaw.kind, flaw.file) for flaw in mine if flaw.kind != "directive"}
        flaws = [flaw for flaw in flaws if (flaw.kind, flaw.file) not in known] + mine
    return sorted(flaws, key=lambda flaw: (number_of(flaw.file.removesuffix(".sql")) or 0, flaw.file, flaw.line))


def _statements(name: str, text: str, alone: bool, namespace: str | None) -> list[Flaw]:
    flaws = literal_flaws(name, text)
    if is_installed():
        from sendoka.migrations.grammar import statement_flaws

        flaws += statement_flaws(name, text, alone=alone, namespace=namespace)
    return flaws


def _finding(folder: str, flaw: Flaw) -> Finding:
    from sendoka.lint import Finding

    error = flaw.error
    what = error.what if error.where in {"", flaw.place} else f"{error.what} ({error.where})"
    file = f"{folder}/{flaw.file}"
    return Finding(f"folder/{flaw.kind}", file, what, error.todo, file, flaw.line or None)
