"""What to do about an error of Postgres that a slip in the call explains, where text and parameters show the slip."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sendoka.errors import ProgrammingError
from sendoka.http.scan import operation, tokens

if TYPE_CHECKING:
    from sendoka.database.statement import Statement
    from sendoka.errors import DatabaseError

__all__ = ["advice", "fits"]

_DOLLARS = 'placeholders are $1, $2, …, and the values follow the text: sql("… where id = $1", id)'
_BRACES = f'braces are for fragment("… {{}}", value); in text {_DOLLARS}'
_NAME = 'a parameter stands for a value; a name goes in by ident(): sql(fragment("… {}", ident(name)))'
_IN_A_LIST = "put it into one list with what it is for: await sql.transaction([sql(…), sql(…)])"
_LIST = "write `= any($1)` and give a list"
_SEVERAL = "a statement is one command; several are one list: await sql.transaction([sql(…), sql(…)])"
_LITERAL = 'takes no parameters; a value goes into its text by literal(): sql(fragment("… {}", literal(value)))'
_AS_ARRAY = "a list is sent as a Postgres array; for json write Json([...])"
_AS_TEXT = "a text for json has to be JSON itself; Json(value) makes it of any value"

# Statements that Postgres plans, and therefore looks for parameters in.
_PLANNED = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE", "EXPLAIN", "CALL"})
# Placeholders of other drivers, as they stand where Postgres' scanner stumbles over them.
_FOREIGN = re.compile(r"%(?:[sd](?![A-Za-z0-9_])|\()|:[A-Za-z_]")
_IN_BRACES = re.compile(r"\{[A-Za-z0-9_]*\}")
# `=?` and `=%s` are read as operators, and what follows as a name.
_GLUED = re.compile(r"[=<>!]+(?:\?|%)")
_S = re.compile(r"s(?![A-Za-z0-9_])")
_PARAMETER = re.compile(r"\$[0-9]+")
_LAST_WORD = re.compile(r"([A-Za-z]+)\s*\Z")
_TYPES = frozenset({"interval", "date", "time", "timestamp", "timestamptz"})
_DOTTED = re.compile(r'"((?:[^"]|"")+\.(?:[^"]|"")+)"')
# A list as it is sent: elements in quotes or NULL, and no colon behind the first.
_ARRAY = re.compile(r'\{+(?:NULL|"(?:[^"\\]|\\.)*")[,}]', re.DOTALL)
_IN = re.compile(r"\bin\s*\(\s*\$([0-9]+)(?:::\w+)?\s*\)", re.IGNORECASE)
_JSON = re.compile(r"\bjson\b")


def advice(error: DatabaseError, statement: Statement) -> str:
    """Return what to do about `error` of `statement`, "" where nothing is known that Postgres does not say."""
    if error.sqlstate == "08P01":  # which Neon's proxy says of a query that was cancelled, too
        return _count(statement) if isinstance(error, ProgrammingError) else ""
    if error.sqlstate == "25P01":
        return _IN_A_LIST
    if error.sqlstate == "22P02" and _JSON.search(error.message):  # in whatever language, the type's name comes last
        return _json(error.context or "", statement.params)
    if error.sqlstate in {"22P02", "22007"}:
        return _in_a_list(statement)
    if error.sqlstate == "42601" and error.position is None:
        return _SEVERAL if _has_several(statement.text) else ""
    if error.position is None:
        return ""
    text, at = statement.text, error.position - 1
    if error.sqlstate == "42601" and _PARAMETER.match(text, at):
        return _misplaced(text, at)
    if error.sqlstate in {"42601", "42883", "42703"} and _IN_BRACES.match(text, at):
        return _BRACES
    if _is_foreign(error.sqlstate, text, at):
        return _DOLLARS
    return _dotted(text, at) if error.sqlstate in {"42P01", "42703"} else ""


def fits(statement: Statement) -> bool:
    """Tell whether Postgres would take the statement's parameters, by their number."""
    given = len(statement.params)
    return given == _placeholders(statement.text) and (given == 0 or operation(statement.text) in _PLANNED)


def _placeholders(text: str) -> int:
    """Return how many parameters Postgres wants for `text`: the highest number of its `$1, $2, …`."""
    return max((int(token.text[1:]) for token in tokens(text) if token.kind == "parameter"), default=0)


def _count(statement: Statement) -> str:
    wanted, given = _placeholders(statement.text), len(statement.params)
    if wanted == given:
        return f"{operation(statement.text)} {_LITERAL}"
    has = {0: "no $1", 1: "$1 alone"}.get(wanted, f"$1 to ${wanted}")
    got = "1 parameter was" if given == 1 else f"{given or 'no'} parameters were"
    return f"the statement has {has}, and {got} given; {_DOLLARS}"


def _json(context: str, params: tuple[str | None, ...]) -> str:
    """Return the advice for a parameter that is no JSON: the one that Postgres names, else one that was a list."""
    named = [int(found[1:]) for found in _PARAMETER.findall(context.rpartition("\n")[2])]
    if len(named) == 1 and 0 < named[0] <= len(params):
        return _AS_ARRAY if _ARRAY.match(params[named[0] - 1] or "") else _AS_TEXT
    return _AS_ARRAY if any(_ARRAY.match(param or "") for param in params) else ""


def _in_a_list(statement: Statement) -> str:
    """Return the advice for a list where one value is wanted: `in ($1)`."""
    for found in _IN.finditer(statement.text):
        number = int(found[1])
        is_list = 0 < number <= len(statement.params) and _ARRAY.match(statement.params[number - 1] or "")
        if is_list and not _is_inside(statement.text, found.end() - 1):
            return f"a list is one value, an array: write `= any(${number})` in place of `in (${number})`"
    return ""


def _has_several(text: str) -> bool:
    """Tell whether a semicolon of `text` has a command behind it."""
    ended, at = False, 0
    for token in tokens(text):
        ended = ended or ";" in text[at : token.start]
        at = token.end
        if ended and token.kind != "comment":
            return True
    return False


def _misplaced(text: str, at: int) -> str:
    before = _LAST_WORD.search(text, 0, at)
    word = before[1].lower() if before else ""
    if word == "in":
        return _LIST
    return f"write $1::{word}" if word in _TYPES else _NAME


def _is_foreign(sqlstate: str, text: str, at: int) -> bool:
    """Tell whether at or before `at` stands a placeholder of another driver: `%s`, `%(x)s`, `:x`, `?`, `@x`."""
    before = text[:at].rstrip()
    if sqlstate == "42601":
        return _FOREIGN.match(text, at) is not None or (before.endswith("?") and not _is_inside(text, len(before) - 1))
    if sqlstate == "42883":
        return _GLUED.match(text, at) is not None or (text[at : at + 1] == "?" and before[-1:] in {"(", ",", "="})
    return sqlstate == "42703" and (
        (text[at - 1 : at] == "%" and _S.match(text, at) is not None) or text[at - 1 : at] == "@"
    )


def _is_inside(text: str, at: int) -> bool:
    """Tell whether the character at `at` belongs to a literal, a comment or a quoted name."""
    return any(token.start <= at < token.end for token in tokens(text))


def _dotted(text: str, at: int) -> str:
    found = _DOTTED.match(text, at)
    if found is None:
        return ""
    names = found[1].replace('""', '"').split(".")
    apart = ", ".join(f'"{name}"' for name in names)
    return f"that is one name with a dot in it; its parts are given one by one: ident({apart})"
