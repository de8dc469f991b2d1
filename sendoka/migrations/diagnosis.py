"""What is wrong between a folder and the history of a database, each thing with the repair for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.migrations.comparison import agree
from sendoka.migrations.divergence import divergences
from sendoka.migrations.folder import look
from sendoka.migrations.inquiry import ask_all
from sendoka.migrations.shape import Problem, read_shape, row_problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sendoka.database.seam import Database
    from sendoka.lint import Finding
    from sendoka.migrations.files import Migration
    from sendoka.migrations.history import Entry

__all__ = ["diagnose"]


async def diagnose(database: Database, migrations: Path) -> list[Problem]:
    """Return all that is wrong with the folder, with the history, and between the two; nothing is changed.

    Where the table of the history is not as it was made, its rows are not looked at. What is only pending is not wrong.
    Raises SettingsError where there is no such folder, MigrationError for a role that may not read the history and for
    tables of a newer Sendoka, else the DatabaseError or TransportError of a question.
    """
    found = look(migrations)
    problems = [
        Problem(f"folder/{flaw.kind}", flaw.file.removesuffix(".sql"), flaw.error.what, flaw.error.todo)
        for flaw in found.flaws
    ]
    table = await read_shape(database)
    if any(each.id not in {"table/key", "table/not-null"} for each in table):
        return [*problems, *table]
    history, *_ = await ask_all(database)
    if history is None:
        return [*problems, *table]
    rows = await row_problems(database, found.migrations)
    told = {each.migration for each in (*problems, *rows)}
    parting = [each for each in _between(found.migrations, history, migrations.name) if each.migration not in told]
    return [*problems, *table, *rows, *([] if rows else parting)]


def _between(files: Sequence[Migration], history: Sequence[Entry], folder: str) -> Iterator[Problem]:
    rows = {entry.seq: entry for entry in history}
    for finding in divergences(files, history, folder):
        name = finding.place.removeprefix(f"{folder}/").removesuffix(".sql")
        yield Problem(finding.id, name, finding.what, finding.instead, _command(finding, name, files, history))
    # One without a transaction is finished by whoever migrates next, so it is no finding of `check`.
    for file in files:
        entry = rows.get(file.number)
        if file.done_when is not None and entry is not None and entry.state == "running" and agree(file, entry):
            what = f"{file.name} was begun and is not finished (by {entry.applied_by or 'somebody'})"
            todo = "`sendoka migrate` finishes it; what the server says of it is told by the repair"
            yield Problem("history/running", file.name, what, todo, f"sendoka repair --settle {file.name}")


def _command(finding: Finding, name: str, files: Sequence[Migration], history: Sequence[Entry]) -> str | None:
    """Return the repair for a finding, None where there is none but what it says."""
    if finding.id == "history/running":
        return f"sendoka repair --settle {name}"
    newest = bool(files) and files[-1].name == name == history[-1].name
    return f"sendoka repair --accept {name}" if finding.id == "history/altered" and newest else None
