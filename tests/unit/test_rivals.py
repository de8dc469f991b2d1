"""Which errors are about our own tables: what Postgres says decides where it is enough, and else a question."""

from __future__ import annotations

import pytest

from sendoka.errors import InsufficientPrivilege, database_error
from sendoka.migrations.rivals import is_our_grant, is_rival
from sendoka.testing import FakeDatabase

OUR_INDEX = 'while inserting index tuple (0,2) in relation "migrations_pkey"'
CATALOG = 'while inserting index tuple (0,2) in relation "pg_type_typname_nsp_index"'


@pytest.mark.parametrize(
    ("sqlstate", "schema", "name", "rival"),
    [
        ("23505", "sendoka", "migrations_pkey", True),
        ("23503", "sendoka", "migrations_parent_fkey", True),
        ("23505", "public", "sendoka_customers_pkey", False),
        ("23503", "public", "sendoka_fk", False),
        ("23505", "sendoka_2", "migrations_pkey", False),
    ],
)
async def test_a_key_says_where_it_is(sqlstate: str, schema: str, name: str, rival: bool) -> None:
    error = database_error({"code": sqlstate, "schema": schema, "message": f'violates constraint "{name}"'})
    assert await is_rival(FakeDatabase(), error, new=False) is rival


@pytest.mark.parametrize(
    ("context", "new", "rival"), [(CATALOG, True, True), (CATALOG, False, False), ("", True, False)]
)
async def test_a_key_of_the_catalog_is_met_where_our_tables_are_created(context: str, new: bool, rival: bool) -> None:
    error = database_error({"code": "55P03", "message": "canceling statement", "where": context})
    assert await is_rival(FakeDatabase(), error, new=new) is rival


@pytest.mark.parametrize("says", [True, False])
async def test_an_index_of_our_name_is_asked_for(says: bool) -> None:
    error = database_error({"code": "55P03", "message": "canceling statement", "where": OUR_INDEX})
    database = FakeDatabase()
    database.on_transaction(read_only=True).results([{"met": says}])
    assert await is_rival(database, error, new=False) is says
    assert database.requests[0].statements[0].params == ("migrations_pkey", "sendoka")


async def test_what_cannot_be_asked_is_told_by_its_name() -> None:
    database = FakeDatabase()
    database.on_transaction().meets("connection_closed")
    error = database_error({"code": "55P03", "message": "canceling statement", "where": OUR_INDEX})
    assert await is_rival(database, error, new=False)


@pytest.mark.parametrize(
    ("message", "new", "ours"),
    [
        ("permission denied for schema sendoka", False, True),
        ("permission denied for schema sendoka_customers", False, False),
        ("permission denied for table sendoka_customers", False, False),
        ("permission denied for database sendoka", False, False),
        ("permission denied for database app", True, True),
        ('permission denied to create extension "sendoka"', False, False),
        ('permission denied to create extension "postgis"', True, False),
    ],
)
async def test_a_missing_grant_is_told_by_its_sentence(message: str, new: bool, ours: bool) -> None:
    error = database_error({"code": "42501", "message": message})
    assert isinstance(error, InsufficientPrivilege)
    assert await is_our_grant(FakeDatabase(), error, new=new) is ours


@pytest.mark.parametrize(
    ("message", "asks"),
    [
        ("permission denied for table migrations", ("migrations", "sendoka", "false")),
        ("permission denied for table facts", ("facts", "sendoka", "false")),
        ("permission denied for table dead_letters", ("dead_letters", "sendoka", "false")),
        ("must be owner of table migrations", ("migrations", "sendoka", "true")),
    ],
)
@pytest.mark.parametrize("says", [True, False])
async def test_a_table_of_our_name_is_asked_for(message: str, asks: tuple[str, ...], says: bool) -> None:
    error = database_error({"code": "42501", "message": message})
    assert isinstance(error, InsufficientPrivilege)
    database = FakeDatabase()
    database.on_transaction(read_only=True).results([{"lacks": says}])
    assert await is_our_grant(database, error) is says
    assert database.requests[0].statements[0].params == asks
