"""A database that something else made: what it is already is noted as applied, and none of it is run.

Nothing is taken on trust. What is noted stands under a condition that Postgres judges in the transaction that notes it:
that the catalog is still what was compared, that drizzle's newest row is still the one that was matched. Where it is
not, a null meets a NOT NULL and nothing remains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.bookkeeping import BOOTSTRAP
from sendoka.errors import MigrationError
from sendoka.migrations.drizzle_rows import head_of, read_rows
from sendoka.migrations.history import TABLES, record_statement, settings_statement
from sendoka.quoting import ident, literal, qualified

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database.seam import Database
    from sendoka.database.statement import Statement
    from sendoka.migrations.drizzle_rows import DrizzleRow
    from sendoka.migrations.files import Migration
    from sendoka.migrations.header import Adopted

__all__ = ["adopting", "noting", "refuse_another"]

By = tuple[str, str, str]
"""The token, the operator and the version for the history."""


def noting(
    migrations: Sequence[Migration], by: By, *, catalog: str | None = None, adopted: Adopted | None = None
) -> list[Statement]:
    """Return the transaction that notes `migrations` as applied in a database without a history.

    It holds only where the digest of the catalog is still `catalog`, and drizzle's newest row still `adopted`, where
    they are given.
    """
    conditions = []
    if catalog is not None:
        from sendoka.schema.from_catalog import catalog_digest

        conditions.append(f"{catalog_digest()} = {literal(catalog)}")
    if adopted is not None:
        table = qualified(*adopted.table)
        newest = f"from {table} m order by m.created_at desc, m.id desc limit 1"
        told = f"({literal(adopted.hash)}, {literal(str(adopted.when))})"
        conditions.append(f"(select (m.hash, m.created_at::text) = {told} {newest})")
    notes = [record_statement(each, *by, condition=" and ".join(conditions) or "true") for each in migrations]
    return [*BOOTSTRAP, *TABLES, settings_statement(""), *notes]


async def adopting(database: Database, root: Migration, by: By) -> list[Statement] | None:
    """Return the transaction that notes `root`, which stands for what drizzle ran, None where drizzle ran nothing.

    For a database without a history of ours. Raises MigrationError where drizzle ran something else there.
    """
    if root.adopts is None:
        return None
    rows = await read_rows(database, root.adopts.table)
    if not rows:
        return None
    refuse_another(root, root.adopts, head_of(rows))
    return noting([root], by, adopted=root.adopts)


def refuse_another(root: Migration, adopted: Adopted, head: DrizzleRow) -> None:
    """Raise MigrationError where drizzle's newest row in a database is not the one that `root` stands for."""
    if (head.hash, head.when) == (adopted.hash, adopted.when):
        return
    behind = head.when < adopted.when
    table = ".".join(map(ident, adopted.table))
    raise MigrationError(
        f"{root.name}.sql stands for what drizzle ran up to {adopted.name}, and this database is elsewhere",
        where=f"the newest row of {table}: {head}",
        todo="run drizzle's migrator once more, then migrate"
        if behind
        else f"drizzle ran more here than the file stands for: bring {adopted.name} and what came after it into one "
        "history before",
    )
