"""Which statements an error is about: of a batch the one, where that is proven; the protocol itself does not say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sendoka.database.home import Ours
from sendoka.http.advice import fits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database.statement import Statement
    from sendoka.errors import DatabaseError, TransportError

__all__ = ["place", "suspects"]

# Messages whose position is known to be that of the name, or of the very text, between the quotes.
_NAME = re.compile(r'(?:relation|column) "(?P<name>[^\']+)" does not exist')
_TEXT = re.compile(r".* at or near \"(?P<text>[^']+)\"", re.DOTALL)
# An identifier where the scanner begins to read it; what else begins there (a literal, a parameter) is not judged.
_IDENTIFIER = re.compile(
    r'"(?P<quoted>(?:[^"]|"")+)"|(?P<bare>[A-Za-z_][A-Za-z0-9_$]*)(?![A-Za-z0-9_$&\'"\x80-\U0010ffff])'
)
_NAME_END = re.compile(r"[A-Za-z0-9_$\x80-\U0010ffff]\Z")
_LITERAL = re.compile(r"(?:[eEbBxXnN]|[uU]&)?'|\$")
_NO_NAME = re.compile(r"[\s(),;0-9]")
# More of a name that has several parts, or a comment in front of it.
_MORE = re.compile(r"\s*(?:\.|--|/\*)")
# Postgres cuts a longer name; its own text then shows another one.
_LONGEST = 63


# What stands before the caller's own statements: a transaction's settings, and the key of `once=`.
_SETTINGS = "select set_config($1, $2, true)"
# statement_timeout or a cancellation, lock_timeout, a deadlock: to set something takes no time, and no lock.
_TOOK_LONG = frozenset({"57014", "55P03", "40P01"})


def place(error: TransportError, statements: Sequence[Statement], *, only_reads: bool) -> None:
    """Let an error whose end is unknown say which statements may have run, without the values written into them."""
    from sendoka.http.observe import head

    theirs = [each for each in statements if not isinstance(each, Ours)]
    own = [each for each in theirs if not each.text.startswith(_SETTINGS)]
    error.where = error.where or f"in: {head(own or statements)}"
    if only_reads:
        error.todo = error.todo or "it only reads: it can be sent again"


def suspects(statements: Sequence[Statement], error: DatabaseError) -> list[Statement]:
    """Return those of a batch that `error` can be about, each once.

    They are found by ruling out all others: those in which something else stands at the position, those that have all
    their parameters where one has not, and a setting where something took too long. Where all that are left have one
    text, it is proven; never a guess.
    """
    found = list(dict.fromkeys(statements))
    if len(found) > 1 and error.sqlstate in _TOOK_LONG:
        return [statement for statement in found if not statement.text.startswith(_SETTINGS)]
    if len(found) > 1 and error.sqlstate == "08P01":
        return [statement for statement in found if not fits(statement)]
    if len(found) > 1 and error.position is not None:
        at = error.position - 1
        return [statement for statement in found if _is_possible(statement.text, error.message, at)]
    return found


def _is_possible(text: str, message: str, at: int) -> bool:
    # The text of a literal is read by its type, and what the type says of it may look like anything.
    if _LITERAL.match(text, at):
        return True
    near = _TEXT.fullmatch(message)
    if near:
        # A token ends where it can: `selec` is not the beginning of `select`.
        whole = message.startswith("syntax error") and _NAME_END.search(near["text"]) is not None
        end = at + len(near["text"])
        return text.startswith(near["text"], at) and not (whole and _NAME_END.match(text, end, end + 1))
    named = _NAME.fullmatch(message)
    if named:
        return _may_name(text, at, named["name"])
    # Any other message: a position behind the end is the one thing that cannot be.
    return at <= len(text)


def _may_name(text: str, at: int, name: str) -> bool:
    """Tell whether the identifier at `at` may be `name`, or the first part of one that ends in it."""
    if at >= len(text) or _NO_NAME.match(text, at):
        return False
    found = _IDENTIFIER.match(text, at)
    if found is None:
        return True
    value = found["quoted"].replace('""', '"') if found["quoted"] else found["bare"].lower()
    return name == value or len(value.encode()) > _LONGEST or _MORE.match(text, found.end()) is not None
