"""One thing that is wrong with a migrations folder: where, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sendoka.errors import InvalidMigration

if TYPE_CHECKING:
    from sendoka.errors import MigrationError

__all__ = ["KINDS", "Flaw", "broken"]

KINDS = (
    "file-name",
    "duplicate-number",
    "unreadable",
    "encoding",
    "conflict",
    "too-large",
    "directive",
    "edited",
    "lost",
    "forked",
    "out-of-order",
    "squash",
    "transaction-command",
    "several-commands",
    "breakpoint",
    "no-transaction",
    "session",
    "own-namespace",
    "syntax",
)
"""What may be wrong with a folder, in the order of docs/format.md; the four last only the grammar finds."""


class Flaw(NamedTuple):
    """One thing that is wrong: its kind, a word of docs/format.md, the file's name, its line, and the error.

    The line counts from 1, and is 0 where the file as a whole is meant.
    """

    kind: str
    file: str
    line: int
    error: MigrationError

    @property
    def place(self) -> str:
        """File and line, as editors read them."""
        return f"{self.file}:{self.line}" if self.line else self.file


def broken(kind: str, name: str, line: int, what: str, todo: str) -> Flaw:
    """Return what is wrong inside the file `name` (without `.sql`): `what` goes on from the file's name."""
    where = f"{name}.sql:{line}" if line else ""
    return Flaw(kind, f"{name}.sql", line, InvalidMigration(f"{name}.sql {what}", where=where, todo=todo))
