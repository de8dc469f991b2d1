"""The file that a new backfill begins as: dated, documented, and refused by the database until it is written."""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING

from sendoka.backfills.scripts import names
from sendoka.errors import InvalidBackfill
from sendoka.quoting import ident

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from sendoka.backfills.target import Target

__all__ = ["checked_name", "script"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_RESERVED = frozenset(
    """all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create
    current_catalog current_date current_role current_time current_timestamp current_user default deferrable desc
    distinct do else end except false fetch for foreign from grant group having in initially intersect into lateral
    leading limit localtime localtimestamp not null offset on only or order placing primary references returning select
    session_user some symmetric system_user table then to trailing true union unique user using variadic when where
    window with""".split()  # noqa: SIM905 - a list of them would be a line each
)
"""The words that Postgres takes for no name unless they are quoted."""

_HEAD = '''"""Say here in one line what this changes: `sendoka backfill list` shows it.

Then say why, and who wanted it: this file is kept, and so is what it did.

    sendoka backfill run {name}        goes on where it stands, as often as it is stopped
    sendoka backfill status {name}     how far it is
    sendoka backfill verify {name}     how many rows are left
"""

from __future__ import annotations
'''

_OPTIONS = """{key}    # The rows still to be changed. The change makes it false; no such row, and it is done.
    # Where counting those rows does not say so, verify= is a query that counts what is left.
    where="THE_COLUMN is null",
    # source="select {select} from …", or keys=[…], keys=Path("ids.csv"), walks those rows alone.
    # after=["ANOTHER_BACKFILL"] lets it begin only where that one is done.
"""

_SQL = '''
from sendoka.backfills import backfill

{name} = backfill(
    table={literal},
{options}    # One INSERT, UPDATE or DELETE that reads `page`: the batch's rows that satisfy where=. No RETURNING.
    sql="""
        update {quoted} set THE_COLUMN = 'THE VALUE'
        from page
        where {join}
    """,
)
'''

_PYTHON = '''
from typing import Any

from sendoka.backfills import Batch, backfill


@backfill(
    table={literal},
{options}    # What a row of the batch holds; the key is always there. Without it: all columns.
    columns=[{columns}],
)
async def {name}(sql: Any, batch: Batch) -> Any:
    """Return what to write for the rows of one batch; it may ask other services. Nothing is written before it returns.

    A row that somebody changes meanwhile is left alone by batch.update(), and met again by the next pass. It is called
    while the batch before is still on its way; where it reads what that one wrote, say @backfill(ahead=False).
    """
    # One call for every row, ten at once, and a row whose call fails is left out alone:
    #     return batch.update(await batch.each(ask, limit=10, timeout=20, attempts=3))
    # where `async def ask(row)` returns {{"the_column": …}}. @backfill(model=…) makes the rows what you like.
    return batch.update({{{row_key}: {{"the_column": "THE VALUE"}} for row in batch.rows}})
'''


def checked_name(folder: Path, name: str) -> str:
    """Return `name`, where a new backfill may be called so.

    Raises InvalidBackfill for what is no name in Python, and for one that a script of `folder` has.
    """
    if keyword.iskeyword(name) or name == "backfill":
        raise InvalidBackfill(
            f"{name!r} cannot be the name of a backfill, for it means something else in its script",
            todo="give another: message_tenants",
        )
    if not _NAME.fullmatch(name):
        raise InvalidBackfill(
            f"{name!r} cannot be the name of a backfill",
            todo="give small letters, digits and underscores, 60 at most: message_tenants",
        )
    taken = names(folder).get(name)
    if taken:
        raise InvalidBackfill(
            f"there is a backfill {name} already: {taken[0]}.py",
            where=f"in {folder}",
            todo="a name belongs to one backfill for good; give the new one another",
        )
    return name


def script(name: str, *, day: date, table: str | None, target: Target | None, python: bool) -> tuple[str, str]:
    """Return the name of the file and its text, in the form in Python or in SQL.

    `target` is the table as the database has it, where one was asked: its key is filled in.
    """
    key = target.key if target else ("id",)
    known = target.shown if target else table or "TABLE"
    quoted = ".".join(_named(part) for part in known.split("."))
    parts = {
        "name": name,
        "literal": _quoted(known),
        "quoted": quoted,
        "join": " and ".join(f"{quoted}.{_named(column)} = page.{_named(column)}" for column in key),
        "columns": ", ".join(_quoted(column) for column in key),
        "row_key": _row_key(key),
        "options": _OPTIONS.format(key=_key_line(target), select=_in_comment(key)),
    }
    return f"{day:%Y_%m_%d}_{name}.py", _HEAD.format(**parts) + (_PYTHON if python else _SQL).format(**parts)


def _named(name: str) -> str:
    """Return a name for SQL, quoted where it must be, as it stands in a string of Python of three quotes."""
    return name if _is_plain(name) else f'"{_inside(ident(name)[1:-1])}"'


def _is_plain(name: str) -> bool:
    return _PLAIN.fullmatch(name) is not None and name not in _RESERVED


def _inside(text: str) -> str:
    """Return `text` as it stands in a string of Python, in one line: no quote of it ends the string."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def _key_line(target: Target | None) -> str:
    if target is None:
        return "    # Walked by the primary key; else key=[…], columns that are unique together and never null.\n"
    return f"    # Walked by the primary key: {', '.join(_inside(column) for column in target.key)}.\n"


def _in_comment(key: tuple[str, ...]) -> str:
    """Return the columns of a key for a SELECT that stands in a string of Python, of one quote."""
    return ", ".join(column if _is_plain(column) else _inside(ident(column)) for column in key)


def _row_key(key: tuple[str, ...]) -> str:
    """Return what finds a row for `batch.update()`: the value of its key, or the tuple of them."""
    values = [f"row[{_quoted(column)}]" for column in key]
    return values[0] if len(values) == 1 else f"({', '.join(values)})"


def _quoted(text: str) -> str:
    """Return a string for Python, as a formatter would write it."""
    return f'"{_inside(text)}"'
