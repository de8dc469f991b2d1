"""Comments: a property of every object, read and written in the same way for all kinds."""

from __future__ import annotations

__all__ = ["described"]


def described(catalog: str, oid: str, column: str = "0") -> str:
    """Return the join that gives an object's comment as `z.description`, NULL where it has none.

    `catalog` is the catalog that the object with `oid` stands in; `column` the number of a column, for a column's.
    """
    return (
        f"left join pg_description z on z.objoid = {oid} and z.objsubid = {column}"
        f" and z.classoid = 'pg_catalog.{catalog}'::regclass"
    )
