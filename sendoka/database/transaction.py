"""What a list of statements run as one transaction may say, and what it may not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database.statement import Statement

__all__ = [
    "DEFAULT",
    "LEVELS",
    "READ_ONLY",
    "TransactionOptions",
    "after_blanks",
    "control_command",
    "first_words",
    "is_repeatable",
    "isolation_level",
    "only_reads",
]

LEVELS = {
    "ReadUncommitted": "read uncommitted",
    "ReadCommitted": "read committed",
    "RepeatableRead": "repeatable read",
    "Serializable": "serializable",
}
"""The isolation levels: Neon's spelling, and SQL's."""

_SPELLINGS = {name.lower(): name for name in LEVELS}


class TransactionOptions(NamedTuple):
    """How a transaction is opened. None leaves the choice to the role's and the database's defaults.

    `isolation_level` is one of ReadUncommitted, ReadCommitted, RepeatableRead, Serializable. `idempotent` is the
    caller's word that running the statements twice does no harm, so that a lost answer may be met by sending again;
    `insistent` asks for that whatever the reason. With `meets_conflicts` the caller meets conflicts of transactions
    himself: 40001 and 40P01 are raised at once. `timeout` is the seconds this call may take, where it is not the
    client's own.
    """

    isolation_level: str | None = None
    read_only: bool | None = None
    deferrable: bool | None = None
    idempotent: bool = False
    timeout: float | None = None
    insistent: bool = False
    meets_conflicts: bool = False


DEFAULT = TransactionOptions()
READ_ONLY = TransactionOptions(read_only=True)


def isolation_level(spelling: str | None) -> str | None:
    """Return Neon's spelling of a level written in any usual way (`repeatable read`, `REPEATABLE_READ`, …).

    Raises ValueError for anything else.
    """
    if spelling is None:
        return None
    level = _SPELLINGS.get(re.sub(r"[\s_-]+", "", str(spelling)).lower())
    if level is None:
        raise ValueError(
            f"{spelling!r} is not an isolation level; use 'read committed', 'repeatable read' or 'serializable'"
        )
    return level


# What Postgres reads over before the first word: white space, empty statements and comments, which nest.
_BLANK = re.compile(r"[\s;]+|--[^\r\n]*")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_CONTROL = frozenset({"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT"})


def control_command(text: str) -> str | None:
    """Return the transaction command that `text` starts with, None where it is an ordinary statement.

    Such a command would be accepted by the server and break the transaction it stands in. `ROLLBACK TO SAVEPOINT` is
    no such command, and `PREPARE name AS …` is not `PREPARE TRANSACTION`.
    """
    word, at = _next_word(text, 0)
    if word == "PREPARE":
        return "PREPARE TRANSACTION" if _next_word(text, at)[0] == "TRANSACTION" else None
    if word not in _CONTROL:
        return None
    if word == "ROLLBACK":
        following, at = _next_word(text, at)
        if following in {"WORK", "TRANSACTION"}:
            following, at = _next_word(text, at)
        if following == "TO":
            return None
    return word


def first_words(text: str, most: int) -> list[str]:
    """Return up to `most` words that `text` begins with, in capitals; anything else but white space ends them."""
    words: list[str] = []
    at = 0
    while len(words) < most:
        word, at = _next_word(text, at)
        if not word:
            break
        words.append(word)
    return words


def is_repeatable(options: TransactionOptions, statements: Sequence[Statement]) -> bool:
    """Tell whether a lost answer of this transaction may be met by sending it again."""
    return options.idempotent or only_reads(options, statements)


def only_reads(options: TransactionOptions, statements: Sequence[Statement]) -> bool:
    """Tell whether the server was told that this transaction only reads, and nothing in it can change that."""
    return bool(options.read_only) and not any(_may_leave_read_only(statement.text) for statement in statements)


# Before its first query a transaction that was opened READ ONLY lets itself be made READ WRITE; and behind its end
# every statement runs by itself.
_LEAVING = _CONTROL | {"SET", "RESET", "PREPARE"}


def _may_leave_read_only(text: str) -> bool:
    return _next_word(text, 0)[0] in _LEAVING


def _next_word(text: str, at: int) -> tuple[str, int]:
    at = after_blanks(text, at)
    word = _WORD.match(text, at)
    return (word[0].upper(), word.end()) if word else ("", at)


def after_blanks(text: str, at: int) -> int:
    """Return where the first command begins in `text` from `at` on: behind white space, comments and lone `;`."""
    while True:
        blank = _BLANK.match(text, at)
        if blank:
            at = blank.end()
        elif text.startswith("/*", at):
            at = _end_of_comment(text, at)
        else:
            return at


def _end_of_comment(text: str, at: int) -> int:
    depth = 0
    for mark in re.finditer(r"/\*|\*/", text[at:]):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return at + mark.end()
    return len(text)
