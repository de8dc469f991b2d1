"""A catalog that is hard to read: it moves meanwhile, its server is old, the role has no rights."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from sendoka import neon
from sendoka.errors import CatalogMoved, DatabaseError, ProgrammingError, SchemaError
from sendoka.schema.from_catalog import model_from_catalog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sendoka.database import Cells, Result, Statement
    from sendoka.http.client import Neon
    from sendoka.local.postgres import Postgres
    from sendoka.local.server import Server


@pytest.fixture
async def sql(database_url: str) -> AsyncIterator[Neon]:
    async with neon(database_url) as client:
        yield client


class Moving:
    """A database whose catalog moves for some reads: an error in Postgres' words, or a definition that is gone."""

    def __init__(self, database: Neon, moves: Sequence[DatabaseError | None]) -> None:
        self.database = database
        self.moves = list(moves)

    async def run(self, statement: Statement) -> Result[Cells]:
        return await self.database.run(statement)

    async def run_all(self, statements: Sequence[Statement], options: Any = None) -> list[Result[Cells]]:
        results = await self.database.run_all(statements, options)
        if not self.moves:
            return results
        move = self.moves.pop(0)
        if move is not None:
            raise move
        return [replace(each, rows=[_gone(row) for row in each.rows]) for each in results]


def _gone(row: Any) -> Any:
    return [cell and re.sub(r'"canonical" *: *"[^"]*"', "", cell) for cell in row]


GONE = DatabaseError("could not open relation with OID 17023", sqlstate="XX000")
LOST = ProgrammingError("relation with OID 4711 does not exist", sqlstate="42P01")


@pytest.mark.parametrize("move", [GONE, LOST, DatabaseError("cache lookup failed for type 9", sqlstate="XX000"), None])
async def test_a_catalog_that_moves_is_read_again(sql: Neon, move: DatabaseError | None) -> None:
    await sql("create view v as select 1 as one")
    moving = Moving(sql, [move, move])
    assert await model_from_catalog(moving) == await model_from_catalog(sql)  # type: ignore[arg-type]  # all that is asked of it
    assert moving.moves == []


async def test_a_catalog_that_never_stands_still_is_said(sql: Neon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sendoka.schema.from_catalog._WAIT", 0)
    with pytest.raises(CatalogMoved, match="the schema was changed while it was read, 6 times") as caught:
        await model_from_catalog(Moving(sql, [GONE] * 6))  # type: ignore[arg-type]  # all that is asked of it
    assert caught.value.exit_code == 3
    assert "try again" in str(caught.value)


async def test_an_error_of_another_sort_is_raised_at_once(sql: Neon) -> None:
    moving = Moving(sql, [DatabaseError("out of disk", sqlstate="53100")])
    with pytest.raises(DatabaseError, match="out of disk"):
        await model_from_catalog(moving)  # type: ignore[arg-type]  # all that is asked of it


async def test_a_server_that_is_too_old_is_named(sql: Neon) -> None:
    class Old(Moving):
        async def run(self, statement: Statement) -> Result[Cells]:
            result = await super().run(statement)
            return replace(result, rows=[["", "13"]])

    with pytest.raises(SchemaError, match="the server is Postgres 13; Sendoka reads 14 and newer"):
        await model_from_catalog(Old(sql, [ProgrammingError("column c.x does not exist", sqlstate="42703")]))  # type: ignore[arg-type]  # all that is asked of it


async def test_a_role_without_rights_reads_the_whole_schema(
    server: Server, postgres: Postgres, database: str, sql: Neon
) -> None:
    await sql("create schema hidden")
    await sql("create table hidden.t (id int primary key default 7, s text check (s <> ''), g int)")
    await sql("create index on hidden.t (g) where g > 1")
    await sql("create view hidden.v as select id from hidden.t")
    await sql("create function hidden.f() returns int language sql as 'select 1'")
    await sql("revoke all on schema hidden from public")
    whole = await model_from_catalog(sql)
    with postgres.databases.admin.to(database).connect() as connection:
        connection.execute("create role reads_only login password 'reads_only'")
    try:
        address = urlsplit(server.connection_string(database))
        url = address._replace(netloc=f"reads_only:reads_only@{address.hostname}:{address.port}").geturl()
        async with neon(url) as reader:
            assert await model_from_catalog(reader) == whole
    finally:
        with postgres.databases.admin.to(database).connect() as connection:
            connection.execute("drop role reads_only")
