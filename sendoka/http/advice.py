"""What to do about an error of Postgres that a slip in the call explains, where text and parameters show the slip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.http.scan import tokens

if TYPE_CHECKING:
    from sendoka.database.statement import Statement
    from sendoka.errors import DatabaseError

__all__ = ["advice", "placeholders"]


def advice(error: DatabaseError, statement: Statement) -> str:
    """Return what to do about `error` of `statement`, "" where nothing is known that Postgres does not say."""
    if error.sqlstate == "08P01":
        return _count(statement)
    return ""


def placeholders(text: str) -> int:
    """Return how many parameters Postgres wants for `text`: the highest number of its `$1, $2, …`."""
    return max((int(token.text[1:]) for token in tokens(text) if token.kind == "parameter"), default=0)


def _count(statement: Statement) -> str:
    wanted, given = placeholders(statement.text), len(statement.params)
    if wanted == given:
        return ""
    has = {0: "no $1", 1: "$1 alone"}.get(wanted, f"$1 to ${wanted}")
    got = "1 parameter was" if given == 1 else f"{given or 'no'} parameters were"
    return f"the statement has {has}, and {got} given: a value for each $n"
