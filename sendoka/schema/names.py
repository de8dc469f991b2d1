"""The names that Postgres itself gives to what was declared without one."""

from __future__ import annotations

__all__ = ["MAX_NAME", "default_name"]

MAX_NAME = 63
"""The bytes of a name that Postgres keeps."""


def default_name(table: str, columns: str, label: str) -> str:
    """Return `table_columns_label`, each part cut as Postgres cuts it: the longer first, to 63 bytes together.

    Source: makeObjectName() of PostgreSQL's src/backend/commands/indexcmds.c.
    """
    one, two = len(table.encode()), len(columns.encode())
    room = MAX_NAME - len(label.encode()) - 1 - (1 if columns else 0)
    while one + two > room:
        if one > two:
            one -= 1
        else:
            two -= 1
    return "_".join(part for part in (_cut(table, one), _cut(columns, two), label) if part)


def _cut(name: str, size: int) -> str:
    return name.encode()[:size].decode(errors="ignore")
