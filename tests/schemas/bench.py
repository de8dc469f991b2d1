"""Where schemas are changed into each other: two databases of one server, and fresh ones for what must be committed."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING, Any, Self

from sendoka.schema.from_catalog import model_from_catalog
from tests.schemas.changing import changed, way
from tests.schemas.session import Session
from tests.schemas.values import fill

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import psycopg

    from sendoka.local.postgres import Postgres
    from sendoka.schema.model import Model

__all__ = ["Bench"]


class Bench:
    """`here` is a database that is changed, `beside` an empty one, where schemas are built to be read.

    Both are empty again after each use, for what is done to them is undone. Use it in `with`.
    """

    def __init__(self, server: Postgres) -> None:
        self.server = server
        self._open = contextlib.ExitStack()
        self.here = self._open.enter_context(self.fresh())
        self.beside = self._open.enter_context(self.fresh())

    @contextlib.contextmanager
    def fresh(self) -> Iterator[Session]:
        """Give a database of its own."""
        databases, name = self.server.databases, f"bench_{secrets.token_hex(6)}"
        databases.create(name, owner=databases.admin.user)
        connection: psycopg.Connection[Any] = databases.admin.to(name).connect()
        try:
            yield Session(connection)
        finally:
            connection.close()
            databases.drop(name)

    async def read(self, sql: str) -> Model:
        """Return the schema that a text of SQL makes."""
        with self.beside.undone():
            self.beside.execute(sql)
            return await model_from_catalog(self.beside)

    async def change(self, sql: str, old: Model, new: Model, renames: Sequence[str] = (), rows: str = "") -> int:
        """Build what `sql` makes, which is `old`, with rows; change it to `new`, and compare. Return how many rows.

        The statements `rows` insert some; other tables get such as their columns' types can hold. What is committed on
        the way needs a database of its own.
        """
        committed = len(way(old, new, renames).plan.transactions) > 1
        with self.fresh() if committed else self._undone() as here:
            here.execute(sql)
            here.execute(rows)
            filled = fill(here, old)
            await changed(here, self.beside, old, new, renames)
            return filled

    @contextlib.contextmanager
    def _undone(self) -> Iterator[Session]:
        with self.here.undone():
            yield self.here

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
