"""The header of a migration file: its directives, what each may say, and what is wrong with them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from sendoka.migrations.flaw import broken

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sendoka.migrations.flaw import Flaw

__all__ = [
    "ANSWERS",
    "DIRECTIVES",
    "DIRECTIVE_LINE",
    "FILE_NAME",
    "Adopted",
    "Directive",
    "Header",
    "Parent",
    "Replaced",
    "directive_in",
    "number_of",
    "read_header",
]

ANSWERS = ("renamed", "created", "allowed")
"""The directives with what a person answered when the file was generated."""

DIRECTIVES = (
    "sendoka",
    "parent",
    "replaces",
    "adopts",
    *ANSWERS,
    "requires-backfill",
    "lock-timeout",
    "statement-timeout",
    "transaction",
    "done-when",
)
"""The header lines a file may have, in the order in which they are written."""

FILE_NAME = re.compile(r"(?P<number>[0-9]{4,10})_[a-z0-9]+(?:_[a-z0-9]+)*")

_MANY = frozenset({*ANSWERS, "requires-backfill"})
_DIRECTIVE = re.compile(r"--\s*(?P<key>[A-Za-z][A-Za-z_-]*)\s*:\s*(?P<value>.*?)\s*")
_DURATION = "-- {key}: 30s, a whole number above 0 with ms, s, min or h"

# Patterns as text: a cold start compiles those that its one file needs, and no others.
_REPLACED = r"(?P<first>\S+) [–-] (?P<last>\S+) sha256:(?P<checksum>[0-9a-f]{64})"
_ADOPTED = r"(?P<namespace>[\w$]+)\.(?P<table>[\w$]+) (?P<name>\S+) sha256:(?P<hash>[0-9a-f]{64}) (?P<when>[0-9]{1,18})"
_PARENT = r"(?P<name>\S+) sha256:(?P<checksum>[0-9a-f]{64})"

# What the value of a directive looks like, and how it is written. Others may say anything.
_FORMS = {
    "parent": (f"none|{_PARENT}", "-- parent: NAME sha256:CHECKSUM"),
    "replaces": (_REPLACED, "-- replaces: FIRST – LAST sha256:CHECKSUM, with the names and the last one's checksum"),
    "adopts": (_ADOPTED, "-- adopts: drizzle.__drizzle_migrations NAME sha256:HASH MILLISECONDS, as drizzle noted it"),
    "requires-backfill": (r"[\w.-]+", "-- requires-backfill: NAME, one backfill a line"),
    "lock-timeout": (r"[1-9][0-9]*(?:ms|s|min|h)", _DURATION.format(key="lock-timeout")),
    "statement-timeout": (r"[1-9][0-9]*(?:ms|s|min|h)", _DURATION.format(key="statement-timeout")),
    "transaction": ("none", "-- transaction: none, or leave the line out: a file is one transaction"),
    "done-when": (r"(?i:select\b.*)", "-- done-when: select … that is true once it is done"),
}

DIRECTIVE_LINE = r"(?m)^--\s*(?:transaction|done-when|(?:lock|statement)-timeout|requires-backfill|replaces|adopts)\s*:"
"""A line that means something in a header, and that nobody writes as a comment by chance: a pattern."""

_MILLISECONDS = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000}
_MOST = 2**31 - 1  # what Postgres keeps a number of milliseconds, and our tables a migration's number, in


class Directive(NamedTuple):
    """One header line, `-- key: value`, and its number, from 1."""

    line: int
    key: str
    value: str


class Parent(NamedTuple):
    """The migration that another one follows."""

    name: str
    checksum: str


class Replaced(NamedTuple):
    """The migrations that one file stands for: the names of the first and the last, and the last one's checksum."""

    first: str
    last: str
    checksum: str


class Adopted(NamedTuple):
    """The newest row of drizzle's that a file stands for: in which (namespace, table), and all that drizzle noted."""

    table: tuple[str, str]
    name: str
    hash: str
    when: int

    def __str__(self) -> str:
        return f"{'.'.join(self.table)} {self.name} sha256:{self.hash} {self.when}"


def number_of(name: str) -> int | None:
    """Return the number of a migration's name, None where that is not the name of a migration."""
    found = FILE_NAME.fullmatch(name)
    number = int(found["number"]) if found else _MOST + 1
    return number if number <= _MOST else None


def read_header(name: str, lines: Sequence[str]) -> Header:
    """Return the header of the file `name` (without `.sql`), whatever is wrong with it: `flaws` says that."""
    length = _length(lines)
    found = []
    for number, line in enumerate(lines[:length], 1):
        match = _DIRECTIVE.fullmatch(line)
        if match is not None and (match["key"] == match["key"].lower() or _near(match["key"])):
            found.append(Directive(number, match["key"], match["value"]))
    return Header(name, length, tuple(found))


def directive_in(line: str, number: int) -> Directive | None:
    """Return the directive that a line, wherever it stands, would be in a header; None for any other comment."""
    found = _DIRECTIVE.fullmatch(line) if re.match(DIRECTIVE_LINE, line) else None
    if found is None or not re.fullmatch(_FORMS[found["key"]][0], found["value"]):
        return None
    return Directive(number, found["key"], found["value"])


class Header(NamedTuple):
    """The directives of the file `name`, in order; `length` is the number of its lines."""

    name: str
    length: int
    directives: tuple[Directive, ...]

    @property
    def parent(self) -> Parent | None:
        """The migration that it follows, None for the first one."""
        found = re.fullmatch(_FORMS["parent"][0], self.one("parent") or "none")
        return Parent(found["name"], found["checksum"]) if found and found["name"] else None

    @property
    def replaces(self) -> Replaced | None:
        """The migrations that it stands for, None for all but a squash."""
        value = self.one("replaces")
        found = None if value is None else re.fullmatch(_REPLACED, value)
        return Replaced(found["first"], found["last"], found["checksum"]) if found else None

    @property
    def adopts(self) -> Adopted | None:
        """The row of drizzle's that it stands for, None for all but what an adopted database begins with."""
        value = self.one("adopts")
        found = None if value is None else re.fullmatch(_ADOPTED, value)
        return (
            Adopted((found["namespace"], found["table"]), found["name"], found["hash"], int(found["when"]))
            if found
            else None
        )

    def one(self, key: str) -> str | None:
        """Return the first value of `key`, None where the file has none."""
        return next((each.value for each in self.directives if each.key == key), None)

    def all(self, key: str) -> tuple[str, ...]:
        """Return the values of `key`, in order."""
        return tuple(each.value for each in self.directives if each.key == key)

    def flaws(self) -> Iterator[Flaw]:
        """Yield what is wrong with it, the name first, for what is not of this file may be anything."""
        yield from self._misnamed()
        seen: dict[str, int] = {}
        for each in self.directives:
            if each.key not in DIRECTIVES:
                yield self._unknown(each)
            elif each.key in seen and each.key not in _MANY:
                what = f"has the directive {each.key} twice, in the lines {seen[each.key]} and {each.line}"
                yield self._flaw(each.line, what, "keep one of them")
            elif each.key in _FORMS:
                yield from self._unreadable(each)
            seen.setdefault(each.key, each.line)
        yield from self._parentless()
        yield from self._half_alone()
        yield from self._wrong_squash()
        yield from self._late_adoption()

    def _flaw(self, line: int, what: str, todo: str) -> Flaw:
        return broken("directive", self.name, line, what, todo)

    def _misnamed(self) -> Iterator[Flaw]:
        first = self.directives[0] if self.directives else None
        if first is None or first.key != "sendoka" or first.line != 1:
            todo = f"a migration begins with the line: -- sendoka: {self.name}"
            yield self._flaw(1, "does not begin with its name", todo)
        elif first.value != self.name:
            what, todo = f"says that it is {first.value}: the file was renamed", f"rename it back to {first.value}.sql"
            yield broken("file-name", self.name, 1, what, todo)

    def _unknown(self, directive: Directive) -> Flaw:
        near = _near(directive.key)
        meant = f"did you mean {near}? " if near else ""
        todo = f"{meant}known are {', '.join(DIRECTIVES)}; a comment of your own goes below the first empty line"
        return self._flaw(directive.line, f"has the unknown directive {directive.key!r}", todo)

    def _unreadable(self, directive: Directive) -> Iterator[Flaw]:
        form, example = _FORMS[directive.key]
        if re.fullmatch(form, directive.value) is None:
            what = f"has a {directive.key} that cannot be read: {directive.value[:200]}"
            yield self._flaw(directive.line, what, f"write: {example}")
        elif directive.key.endswith("-timeout") and _milliseconds(directive.value) > _MOST:
            what = f"has a {directive.key} that is too long: {directive.value}"
            yield self._flaw(directive.line, what, "Postgres knows none above 596h: write that")

    def _parentless(self) -> Iterator[Flaw]:
        if not any(each.key == "parent" and each.line == 2 for each in self.directives):
            todo = "write: -- parent: NAME sha256:CHECKSUM, or -- parent: none in the first migration"
            yield self._flaw(2, "does not name its parent in its second line", todo)

    def _half_alone(self) -> Iterator[Flaw]:
        """Yield what does not go with, or lacks, its other half in a file that runs in no transaction."""
        alone = {each.key: each for each in self.directives if each.key in {"transaction", "done-when"}}
        if len(alone) == 1:
            (only,) = alone.values()
            what = "must have each of the lines transaction and done-when once, or neither"
            todo = "write: -- transaction: none, and below it -- done-when: select … that is true once it is done"
            yield self._flaw(only.line, what, todo)
        for each in self.directives:
            if alone and each.key.endswith("-timeout"):
                what = f"has a {each.key} and runs in no transaction: its statement is sent alone, without settings"
                yield self._flaw(each.line, what, f"leave the line {each.key} out")

    def _late_adoption(self) -> Iterator[Flaw]:
        if self.one("adopts") is not None and self.one("parent") not in {None, "none"}:
            what = "stands for what drizzle ran, and names a parent"
            yield self._flaw(2, what, "only the first file adopts a database: leave the line adopts out")

    def _wrong_squash(self) -> Iterator[Flaw]:
        replaced = self.replaces
        if replaced is None:
            return
        line = next(each.line for each in self.directives if each.key == "replaces")
        first, last, own = number_of(replaced.first), number_of(replaced.last), number_of(self.name)
        if first is None or last is None or first > last:
            what = f"replaces {replaced.first} – {replaced.last}, which are not two migrations in order"
            yield self._flaw(line, what, f"write: {_FORMS['replaces'][1]}")
        elif own is not None and last != own:
            what = f"replaces what ends with {replaced.last}, and has another number"
            yield self._flaw(line, what, f"give it the number {last:04d}: what follows it stays as it is")
        if self.one("parent") not in {None, "none"}:
            what = "replaces all migrations before it, and names a parent"
            yield self._flaw(2, what, "write: -- parent: none")


def _length(lines: Sequence[str]) -> int:
    """Return how many lines at the top are comments."""
    for count, line in enumerate(lines):
        if not line.startswith("--") or line.startswith("-->"):
            return count
    return len(lines)


def _near(key: str) -> str | None:
    """Return the directive that was meant by `key`, None where it is like none."""
    import difflib  # only where something is wrong

    return next(iter(difflib.get_close_matches(key.lower().replace("_", "-"), DIRECTIVES, n=1, cutoff=0.7)), None)


def _milliseconds(duration: str) -> int:
    digits = duration.rstrip("mshin")
    return int(digits) * _MILLISECONDS[duration[len(digits) :]]
