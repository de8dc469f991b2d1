"""Schemas that hang on what no kind manages: the rest is changed, and what cannot be is named or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendoka import neon
from sendoka.errors import SchemaError
from sendoka.schema.diff import diff
from sendoka.schema.from_catalog import model_from_catalog
from sendoka.schema.plan import plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.local.credentials import Login
    from sendoka.local.postgres import Postgres
    from sendoka.local.server import Server
    from sendoka.schema.model import Model
    from tests.fixtures.postgres import Supply


class _Built:
    """A database that a superuser fills: much of what is not managed only one may make."""

    def __init__(self, login: Login, url: str) -> None:
        self._login = login
        self._url = url

    async def run(self, *texts: str) -> Model:
        """Run the texts, and return the schema afterwards."""
        with self._login.connect() as connection:
            for text in texts:
                connection.execute(text.encode())
        async with neon(self._url) as sql:
            return await model_from_catalog(sql)


@pytest.fixture
def two(server: Server, postgres: Postgres, databases: Supply, database: str) -> Iterator[tuple[_Built, _Built]]:
    """Two empty databases."""
    second = databases.take()
    admin = postgres.databases.admin
    one, other = (_Built(admin.to(name), server.connection_string(name)) for name in (database, second))
    yield one, other
    databases.give_back(second)


FOREIGN = """
create foreign data wrapper w; create server s foreign data wrapper w;
create foreign table far (id int, mood mood) server s;"""
MOOD = "create type mood as enum ('sad', 'glad');"
CALLED = "create function called() returns event_trigger language plpgsql as 'begin end';"
EVENT = "create event trigger e on ddl_command_end execute function called()"
BEFORE_INSERT = "before insert on far for each row execute function suppress_redundant_updates_trigger()"
TABLE = "create table t (id text);"
SPAN = """
create type span as range (subtype = int); alter table t add s span; create view v as select s from t;
create table u (s span, check (s <> 'empty'))"""
OWN = """
create text search configuration own (copy = simple);
create index i on t using gin (to_tsvector('public.own'::regconfig, id))"""
CAST = """
create type pair as (a int);
create function to_pair(int) returns pair language sql immutable as 'select row($1)::pair';"""


@pytest.mark.parametrize(
    ("common", "tied", "left"),
    [
        (MOOD, f"{FOREIGN} create view v as select * from far", "view v is left as it is: it needs foreign table"),
        (MOOD, f"{FOREIGN} create trigger t {BEFORE_INSERT}", "trigger far.t is left"),
        (CALLED, EVENT, ""),
        ("", f"{CALLED} {EVENT}", "event trigger e needs it"),
        ("", f"{CAST} create cast (int as pair) with function to_pair(int)", "cast (integer AS public.pair) needs it"),
        (TABLE, SPAN, "column t.s is left as it is: it needs type public.span"),
        (TABLE, OWN, "index t.i is left as it is: it needs text search configuration public.own"),
    ],
)
async def test_what_hangs_on_what_is_not_managed_is_left_and_named(
    two: tuple[_Built, _Built], common: str, tied: str, left: str
) -> None:
    one, other = two
    old = await one.run(f"{common} create table gone (id int)")
    new = await other.run(f"{common} create table come (id int); {tied}")
    said: list[str] = []
    for database, before, after in ((one, old, new), (other, new, old)):
        steps = plan(diff(before, after))
        now = await database.run(*(step.text for step in steps.steps))
        assert plan(diff(now, after)).steps == ()
        assert 'DROP TABLE "public"."' in " ".join(step.text for step in steps.steps)
        said.extend(steps.notes)
    assert left in " ".join(said)


async def test_a_type_that_a_foreign_table_has_is_not_made_anew(two: tuple[_Built, _Built]) -> None:
    one, other = two
    old = await one.run(MOOD + FOREIGN)
    new = await other.run(MOOD.replace("'sad', ", "") + FOREIGN)
    with pytest.raises(SchemaError, match=r"enum mood must be made anew, and foreign table public\.far needs it"):
        plan(diff(old, new))


async def test_a_column_that_a_publication_filters_by_keeps_its_type(two: tuple[_Built, _Built]) -> None:
    one, other = two
    old = await one.run("create table t (id int primary key, n int); create publication p for table t where (id > 3)")
    new = await other.run("create table t (id bigint primary key, n bigint); create publication p for table t")
    with pytest.raises(SchemaError, match=r"column t\.id must change its type, and publication .* needs it"):
        plan(diff(old, new))


async def test_an_extension_is_moved_to_another_namespace(two: tuple[_Built, _Built]) -> None:
    one, other = two
    old = await one.run("create schema s; create extension citext; create table t (name citext)")
    new = await other.run("create schema s; create extension citext schema s; create table t (name s.citext)")
    steps = plan(diff(old, new)).steps
    assert steps[0].text == 'ALTER EXTENSION "citext" SET SCHEMA "s"'
    assert await one.run(*(step.text for step in steps)) == new


async def test_an_index_of_a_partitioned_table_alone_is_made_so(two: tuple[_Built, _Built]) -> None:
    """It is not valid, and Python cannot declare it: one for all partitions is meant."""
    one, other = two
    parts = "create table a (x int) partition by range (x); create table b partition of a default;"
    old, new = await one.run(parts), await other.run(f"{parts} create index i on only a (x)")
    steps = plan(diff(old, new)).steps
    assert [step.text for step in steps] == ['CREATE INDEX "i" ON ONLY "public"."a" ("x")']
    assert await one.run(steps[0].text) == new
