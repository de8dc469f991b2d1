"""Grants against a real Postgres: roles, owners, what is not managed of them, and schemas that are silent."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from sendoka import neon
from sendoka.database import Statement
from sendoka.schema import declare, grant, view
from sendoka.schema.diff import diff
from sendoka.schema.from_catalog import model_from_catalog
from sendoka.schema.from_python import model_from_tables
from sendoka.schema.from_snapshot import model_from_snapshot, snapshot_of
from sendoka.schema.kinds.grant import Grant
from sendoka.schema.plan import plan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from sendoka.http.client import Neon
    from sendoka.schema.model import Model


@pytest.fixture
async def sql(database_url: str) -> AsyncIterator[Neon]:
    async with neon(database_url) as client:
        yield client


@pytest.fixture
def role(direct: Any) -> Iterator[str]:
    """A role of this test alone: roles belong to the whole server."""
    name = f"Role '{secrets.token_hex(4)}"
    direct.execute(f'create role "{name}"')
    yield name
    direct.execute(f'drop owned by "{name}" cascade')
    direct.execute(f'drop role "{name}"')


async def _run(sql: Neon, *texts: str) -> Model:
    await sql.run_all([Statement(text) for text in texts])
    return await model_from_catalog(sql)


def _held(model: Model) -> list[tuple[str, str, str | None, tuple[str, ...], tuple[str, ...]]]:
    return [(each.target, each.name, each.column, each.privileges, each.grantable) for each in model.all(Grant)]


async def test_an_explicit_list_that_equals_the_default_is_none(sql: Neon) -> None:
    made = (
        "create table t (a int)",
        "create function f() returns int language sql return 1",
        "create type e as enum ()",
    )
    before = await _run(sql, *made)
    after = await _run(
        sql,
        "grant select on t to pg_monitor",
        "revoke select on t from pg_monitor",
        "grant execute on function f() to public",
        "grant all on type e to current_user",
    )
    assert (await sql("select relacl is null from pg_class where relname = 't'").value()) is False
    assert after == before
    assert after.silent == before.silent == frozenset()


async def test_a_role_of_any_name_is_granted_what_is_declared(sql: Neon, role: str) -> None:
    metadata = sa.MetaData()
    table = sa.Table("t", metadata, sa.Column("a", sa.Integer, sa.Identity(), primary_key=True))
    numbers = Grant(name=role, on="identity", target="t", column="a", privileges=("usage",))
    declare(
        metadata,
        grant("select", on="t", to=role, grantable=True),
        grant("update", on="t", columns="a", to=role),
        numbers,
    )
    declared = model_from_tables([table])
    found = await _run(sql, *(step.text for step in plan(diff(await model_from_catalog(sql), declared)).steps))
    assert not diff(found, declared)
    assert {(each.on, each.name) for each in found.all(Grant)} == {("table", role), ("identity", role)}
    assert model_from_snapshot(snapshot_of(found), "snapshot").silent == frozenset()


async def test_what_is_not_managed_of_privileges_is_named_and_left(sql: Neon, direct: Any, role: str) -> None:
    await _run(
        sql,
        "create table t (a int)",
        "create table u (a int)",
        "create function f(int) returns int language sql return 1",
    )
    for text in (
        f'grant select on t to "{role}" with grant option',
        f'set role "{role}"; grant select on t to pg_monitor; reset role',
        f'alter table u owner to "{role}"',
        f'alter function f owner to "{role}"',
        f'revoke insert on u from "{role}"',
        "grant select on u to pg_monitor",
        "alter default privileges in schema public grant select on tables to pg_monitor",
        "revoke usage on type t from public",
        "revoke all on language plpgsql from public",
        f"revoke temporary on database {direct.info.dbname} from public",
        "select lo_create(4711)",
        "grant select on large object 4711 to pg_monitor",
    ):
        direct.execute(text)
    found = await model_from_catalog(sql)
    admin = direct.info.user
    assert found.unmanaged == (
        f"default privileges of {admin} in public: tables that are made get them unasked",
        "privileges on language plpgsql",
        "privileges on large objects",
        "privileges on the database",
        f"the owner of function public.f(integer): {role}",
        f"the owner of table public.u: {role}",
        f"the privileges of {role}, who owns table public.u",
        "the privileges on the row type of public.t",
        f"the privileges that {role} granted on table public.t",
    )
    assert _held(found) == [
        ("t", role, None, ("select",), ("select",)),
        ("u", "pg_monitor", None, ("select",), ()),
    ]


async def test_a_silent_schema_leaves_privileges_and_what_it_makes_anew_keeps_them(sql: Neon) -> None:
    made = ("create table t (a int)", "create view v as select a from t", "grant select on t, v to pg_monitor")
    before = await _run(sql, *made)
    metadata = sa.MetaData()
    table = sa.Table("t", metadata, sa.Column("a", sa.BigInteger))
    declare(metadata, view("v", "SELECT t.a\n   FROM public.t"))
    steps = plan(diff(before, model_from_tables([table])))
    (note,) = [note for note in steps.notes if "grants" in note]
    assert note.endswith("left as they are: t.pg_monitor, v.pg_monitor")
    after = await _run(sql, *(step.text for step in steps.steps))
    assert after.all(Grant) == before.all(Grant)


async def test_a_role_that_is_not_there_fails_by_its_name(sql: Neon) -> None:
    metadata = sa.MetaData()
    declare(metadata, grant("select", on="t", to="nobody_of_that_name"))
    declared = model_from_tables([sa.Table("t", metadata, sa.Column("a", sa.Integer))])
    with pytest.raises(Exception, match='role "nobody_of_that_name" does not exist'):
        await _run(sql, *(step.text for step in plan(diff(await model_from_catalog(sql), declared)).steps))


async def test_all_of_it_is_left_whole_by_a_change_of_one_privilege(sql: Neon) -> None:
    before = await _run(sql, "create table t (a int)", "grant all on t to pg_monitor with grant option")
    (found,) = before.all(Grant)
    assert (found.privileges, found.grantable) == (("all",), ("all",))
    less = replace(found, grantable=("select",))
    texts = [step.text for step in plan(diff(before, _with(before, less))).steps]
    assert _held(await _run(sql, *texts)) == [("t", "pg_monitor", None, ("all",), ("select",))]


def _with(model: Model, changed: Grant) -> Model:
    return model.of(changed if each.id == changed.id else each for each in model)
