"""Where the history of a database and a folder part, as findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.lint import Finding
from sendoka.migrations.checked import Checked
from sendoka.migrations.comparison import Comparison, State, agree, compare, paired
from sendoka.migrations.failure import refusal
from sendoka.migrations.inquiry import ask_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sendoka.database.seam import Database
    from sendoka.migrations.files import Migration
    from sendoka.migrations.history import Entry

__all__ = ["check_history", "divergences"]


async def check_history(database: Database, files: Sequence[Migration], folder: str) -> Checked:
    """Compare the history of `database` with `files`, a whole folder, oldest first; one request, nothing is changed.

    What is only pending is said and is no finding. Raises MigrationError for a role that may not read the history,
    else the DatabaseError or TransportError of the question.
    """
    history, *_ = await ask_all(database)
    pending = len(compare(files, history or []).pending)
    says = f"{len(files) - pending} applied" + (f", {pending} pending" if pending else "")
    return Checked.of("history", divergences(files, history or [], folder), says)


def divergences(files: Sequence[Migration], history: Sequence[Entry], folder: str) -> list[Finding]:
    """Return a finding for each migration in which the two differ; after a fork nothing more can be said."""
    found = []
    for parting in _partings(files, history):
        error = refusal(parting)
        if error is not None and parting.at is not None:
            file = f"{folder}/{parting.at[0].name}.sql"
            what = f"{error.what} ({error.where})"
            found.append(Finding(f"history/{parting.state}", file, what, error.todo, file))
        if parting.state in {State.BEHIND, State.FORKED}:
            return found
    return [*found, *_newer(files, history)]


def _partings(files: Sequence[Migration], history: Sequence[Entry]) -> Iterator[Comparison]:
    whole = compare(files, history)
    if whole.state is State.BEHIND:
        yield whole
        return
    for file, entry in paired(files, history).pairs:
        if file is None or entry is None:
            return
        if not agree(file, entry):
            yield Comparison(State.ALTERED if file.name == entry.name else State.FORKED, at=(file, entry))
        elif entry.state != "applied":
            yield Comparison(State.RUNNING, at=(file, entry))


def _newer(files: Sequence[Migration], history: Sequence[Entry]) -> Iterator[Finding]:
    for file, entry in paired(files, history).pairs:
        if file is None and entry is not None:
            yield Finding(
                "history/newer",
                entry.name,
                f"the database has it, and the folder has not (by {entry.applied_by or 'somebody'})",
                "merge the branch that has its file, or check out the code that was deployed",
            )
