"""A check: what it found, or why it could not be made; and the ids of all that can be found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sendoka.errors import SendokaError
    from sendoka.lint import Finding

__all__ = ["IDS", "Checked", "Verdict", "shown"]

IDS: Mapping[str, str] = {
    "folder/missing": "There is no migrations folder, and the schema is not empty.",
    "folder/unreadable": "A file cannot be read.",
    "folder/file-name": "A file's name is not that of a migration, or not the one in its first line.",
    "folder/encoding": "A file is not UTF-8, or holds a byte that Postgres takes in no text.",
    "folder/conflict": "A file holds both sides of a merge that Git could not make.",
    "folder/directive": "A line of a file's header is unknown, missing, twice there, or cannot be read.",
    "folder/too-large": "A file is larger than a request to Neon may be.",
    "folder/edited": "A file is not the one that its successor was made on top of.",
    "folder/lost": "A file is not there, and another one follows it.",
    "folder/duplicate-number": "Two files have one number.",
    "folder/out-of-order": "A file's number is not higher than that of the file it follows.",
    "folder/forked": "Two files follow the same one, or none: branches were merged.",
    "folder/squash": "A squashed file and those beside it do not go together.",
    "folder/snapshot": "A snapshot is not there, or its migration is not.",
    "folder/breakpoint": "A breakpoint stands inside a literal or a comment.",
    "folder/syntax": "A statement is no SQL to Postgres' grammar.",
    "folder/several-commands": "Several commands stand where one is taken.",
    "folder/transaction-command": "A statement would end, or begin, its file's transaction.",
    "folder/no-transaction": "A statement cannot run in a transaction, and the file does not say so.",
    "folder/session": "A statement needs, or changes, more than its own transaction.",
    "folder/own-namespace": "A statement touches what Sendoka keeps in the database.",
    "ungenerated": "The schema has a change that no migration holds.",
    "rule/…": "The schema breaks a rule of `[tool.sendoka.rules]`; the rule's name follows the stroke.",
    "backfills/undefined": "A migration requires a backfill that no script defines.",
    "history/altered": "A file is not the one that was applied under its name.",
    "history/forked": "The database and the folder went different ways.",
    "history/behind": "A squashed file stands for more than the database has.",
    "history/running": "A migration was begun in the database and is not finished.",
    "history/newer": "The database has a migration that the folder has not.",
    "drift/missing": "The database lacks what the applied migrations made.",
    "drift/extra": "The database has what no applied migration made.",
    "drift/differs": "The database has it in another form than the applied migrations made.",
    "replay/failed": "A migration fails where all of them are run from nothing.",
    "replay/differs": "All migrations, run from nothing, make another schema than is declared.",
    "since/changed": "A file that the other Git commit has is not the same here.",
    "since/removed": "A file that the other Git commit has was deleted here.",
    "since/renamed": "A file that the other Git commit has bears another name here.",
    "since/behind": "The other Git commit has a file that never was on this branch.",
    "since/order": "A new file does not come after all files of the other Git commit.",
}
"""What a finding's id means, by check."""


class Verdict(StrEnum):
    """What became of a check."""

    CLEAN = "clean"
    FOUND = "found"
    FAILED = "failed"
    """It was asked for and could not be made: nobody knows."""
    LEFT_OUT = "left out"
    """It was not asked for, or stands on another one that did not pass."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One check. `says` is what was looked at, or why nothing was; `notes` are what a person should know besides.

    `error` is why it could not be made, where `verdict` is FAILED.
    """

    name: str
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    says: str = ""
    notes: tuple[str, ...] = ()
    error: SendokaError | None = None

    @classmethod
    def of(cls, name: str, findings: Sequence[Finding], says: str = "", notes: Sequence[str] = ()) -> Checked:
        """Return a check that was made."""
        return cls(name, Verdict.FOUND if findings else Verdict.CLEAN, tuple(findings), says, tuple(notes))

    @classmethod
    def failed(cls, name: str, error: SendokaError) -> Checked:
        """Return a check that could not be made."""
        return cls(name, Verdict.FAILED, says=error.what, error=error)

    @classmethod
    def left_out(cls, name: str, why: str) -> Checked:
        """Return a check that was not made."""
        return cls(name, Verdict.LEFT_OUT, says=why)

    def of_database(self, name: str) -> Checked:
        """Return the check with the database that was asked in what it says."""
        return replace(self, says=f"{self.says}; {name}")


def shown(path: Path, root: Path) -> str:
    """Return a path as findings have it: relative to the project's folder `root` where it is inside, with `/`."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
