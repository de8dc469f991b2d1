"""SQL inside of SQLAlchemy's `text()`."""

from __future__ import annotations

import re

from sendoka.schema.to_python.code import Block, Text

__all__ = ["bindless", "written"]

# What SQLAlchemy takes for a parameter, and for a colon that is none. Source: BIND_PARAMS of sql/compiler.py.
_PARAMETER = re.compile(r"(?<![:\w\\]):(?=\w+(?![:\w]))|\\(?=:\w*(?![:\w]))")


def bindless(sql: str) -> str:
    """Return SQL as `text()` must be given it, so that nothing in it is taken for a parameter."""
    return _PARAMETER.sub(lambda match: "\\" + match[0], sql)


def written(sql: str) -> Text | Block:
    """Return a string of SQL: over several lines where it has some."""
    return Block(sql) if "\n" in sql else Text(sql)
