"""Migration files as values: what one says, what its checksum is, and how one is written.

A file's checksum covers the line that names its parent's checksum, so the files form a hash chain, like commits: an
edit below the head, a renumbering, a fork and a lost file show offline, and the newest file's checksum names them all.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

from sendoka.database.transaction import after_blanks, control_command, first_words
from sendoka.migrations.conflict import conflict_line
from sendoka.migrations.flaw import broken
from sendoka.migrations.header import ANSWERS, Adopted, Parent, Replaced, number_of, read_header
from sendoka.script import chunks, join, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sendoka.migrations.flaw import Flaw
    from sendoka.migrations.header import Header

__all__ = ["MOST_BYTES", "Migration", "Parent", "Replaced", "checksum", "flaws", "normal", "parse", "render"]

MOST_BYTES = 64 * 1024 * 1024 - 64 * 1024
"""What the statements of one file may come to as JSON: Neon takes 64 MiB at once, and ours go beside them."""

_WORD = re.compile("[A-Za-z]+")
_SUSPECT = frozenset(
    {"ABORT", "BEGIN", "COMMIT", "END", "PREPARE", "RELEASE", "ROLLBACK", "SAVEPOINT", "START"}
)  # what a transaction command may begin with

_ESCAPE = 6  # the most bytes that JSON makes of one character


class Migration(NamedTuple):
    """One file, such as `0042_reflective_fury`.

    `text` has its line endings and BOM normalised; `checksum` is what the file is in the chain: that of its text, and
    for one that `replaces` others the last one's. `answers` are the (directive, value) pairs a person decided.
    `done_when` is the query, true or false, that tells whether its one statement is done, of a file that runs in no
    transaction; None for all others. `requires` are the names of the backfills that must be done before it, and the
    timeouts are as Postgres reads them, `2s`; None where the file has none of its own. `adopts` is the row of drizzle's
    that it stands for in a database that drizzle made.
    """

    number: int
    name: str
    text: str
    checksum: str
    parent: Parent | None
    answers: tuple[tuple[str, str], ...]
    done_when: str | None = None
    replaces: Replaced | None = None
    requires: tuple[str, ...] = ()
    lock_timeout: str | None = None
    statement_timeout: str | None = None
    adopts: Adopted | None = None

    @property
    def digest(self) -> str:
        """The sha256, in hex, of its own text: its checksum, unless it stands for another one."""
        return self.checksum if self.replaces is None else checksum(self.text)

    @property
    def as_parent(self) -> Parent:
        """What the file after it names as its parent: itself, or the last one that it replaces."""
        return Parent(self.name if self.replaces is None else self.replaces.last, self.checksum)

    @property
    def statements(self) -> list[str]:
        """Its SQL statements, in order."""
        lines = self.text.split("\n")
        return split("\n".join(lines[read_header(self.name, lines).length :]))


def checksum(text: str) -> str:
    """Return the sha256, in hex, of a migration's text. Line endings and a BOM do not count."""
    return hashlib.sha256(normal(text).encode()).hexdigest()


def normal(text: str) -> str:
    """Return `text` without a BOM and with `\\n` as its only line ending."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def render(
    name: str,
    parent: Migration | None,
    statements: Sequence[str],
    answers: Iterable[tuple[str, str]],
    done_when: str | None = None,
    *,
    replaces: Replaced | None = None,
    requires: Iterable[str] = (),
    lock_timeout: str | None = None,
    statement_timeout: str | None = None,
    adopts: Adopted | None = None,
) -> str:
    """Return the text of a new migration file; with `done_when` it is one that runs in no transaction."""
    known = f"{parent.as_parent.name} sha256:{parent.checksum}" if parent else "none"
    header: list[tuple[str, str | None]] = [
        ("sendoka", name),
        ("parent", known),
        ("replaces", f"{replaces.first} – {replaces.last} sha256:{replaces.checksum}" if replaces else None),
        ("adopts", str(adopts) if adopts else None),
        *answers,
        *(("requires-backfill", each) for each in requires),
        ("lock-timeout", lock_timeout),
        ("statement-timeout", statement_timeout),
        ("transaction", None if done_when is None else "none"),
        ("done-when", done_when),
    ]
    written = "".join(f"-- {key}: {value}\n" for key, value in header if value is not None)
    return written + "\n" + join(list(statements))


def parse(name: str, content: str) -> Migration:
    """Return the migration in the file `name` (without `.sql`). Raises InvalidMigration for what breaks the format."""
    text = normal(content)
    header = read_header(name, text.split("\n"))
    for flaw in _flaws(header, text):
        raise flaw.error
    replaces = header.replaces
    return Migration(
        number=number_of(name) or 0,
        name=name,
        text=text,
        checksum=replaces.checksum if replaces else checksum(text),
        parent=header.parent,
        answers=tuple((each.key, each.value) for each in header.directives if each.key in ANSWERS),
        done_when=header.one("done-when"),
        replaces=replaces,
        requires=header.all("requires-backfill"),
        lock_timeout=header.one("lock-timeout"),
        statement_timeout=header.one("statement-timeout"),
        adopts=header.adopts,
    )


def flaws(name: str, content: str) -> list[Flaw]:
    """Return all that breaks the format in the file `name` (without `.sql`), of which `parse` raises the first."""
    text = normal(content)
    return list(_flaws(read_header(name, text.split("\n")), text))


def _flaws(header: Header, text: str) -> Iterator[Flaw]:
    name = header.name
    conflict = conflict_line(text)
    if conflict is not None:  # nothing else that is wrong with it says more
        what = "holds a merge conflict of Git: two branches made a file of this name"
        todo = (
            "keep the one that was applied or merged first, with its snapshot (git checkout --ours, or --theirs), and "
            "write the other's change anew: `sendoka generate`"
        )
        yield broken("conflict", name, conflict, what, todo)
        return
    if number_of(name) is None:
        what, todo = "is not the name of a migration", "expected four digits and words: 0042_reflective_fury.sql"
        yield broken("file-name", name, 0, what, todo)
    yield from header.flaws()
    if "\0" in text:
        what, todo = "holds NUL, which Postgres cannot read", "leave the character out"
        yield broken("encoding", name, text.count("\n", 0, text.index("\0")) + 1, what, todo)
    statements = chunks(text)
    for number, chunk in enumerate(statements, 1):
        command = _transaction_command(chunk.text)
        if command:
            what = f"holds {command} as statement {number}, and would not be one transaction"
            line = chunk.line + chunk.text.count("\n", 0, after_blanks(chunk.text, 0))
            yield broken("transaction-command", name, line, what, "leave it out: a file is one transaction")
    alone = header.one("transaction")
    if alone is not None and len(statements) != 1:
        what = f"runs in no transaction and holds {len(statements)} statements"
        todo = "put one statement into it, and each other one into a file of its own"
        yield broken("several-commands", name, statements[1].line if statements else 0, what, todo)
    yield from _too_large(header, text)


def _transaction_command(statement: str) -> str | None:
    """Return the command that `statement` begins with where it begins, ends or divides a transaction."""
    word = _WORD.match(statement)
    if word is not None and word[0].upper() not in _SUSPECT:
        return None  # as nearly all, and without reading over comments
    first = next(iter(first_words(statement, 1)), "")
    return first if first in {"SAVEPOINT", "RELEASE", "ROLLBACK"} else control_command(statement)


def _too_large(header: Header, text: str) -> Iterator[Flaw]:
    """Yield what is wrong where the file makes a request that is too large; most are far too small to be looked at."""
    if len(text) < MOST_BYTES // _ESCAPE:
        return
    import json

    body = "\n".join(text.split("\n")[header.length :])
    size = sum(len(json.dumps(each, ensure_ascii=False).encode()) for each in split(body))
    if size > MOST_BYTES:
        what = f"makes a request of {size:,} bytes, and {MOST_BYTES:,} are the most that one file may"
        yield broken("too-large", header.name, 0, what, "make several files of it, or load the data by a backfill")
