"""The endpoint's logins over HTTP: who is let in, and as whom."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from sendoka.local import Endpoint, in_process
from tests.fixtures.caller import Caller

if TYPE_CHECKING:
    import psycopg

    from sendoka.local import Postgres


class TestLogins:
    async def test_with_a_wrong_password_are_refused_in_neons_words(self, call: Caller) -> None:
        assert (await call("select 1")).status_code == 200
        user = urlsplit(call.url).username
        for _ in range(2):
            answer = await call("select 1", url=call.url.replace("@", "x@"))
            assert answer.status_code == 400
            assert answer.json()["message"] == f"password authentication failed for user '{user}'"
            assert answer.json()["code"] == ""
        assert (await call("select 1")).status_code == 200

    async def test_of_an_unknown_role_look_the_same(self, call: Caller) -> None:
        answer = await call("select 1", url=call.url.replace("://", "://un"))
        assert answer.json()["message"].startswith("password authentication failed for user 'un")

    async def test_to_an_unknown_database_say_so(self, call: Caller) -> None:
        answer = await call("select 1", url=call.url + "x")
        assert (answer.status_code, answer.json()["code"], answer.json()["severity"]) == (400, "3D000", "FATAL")

    async def test_without_the_right_to_connect_are_a_500(self, call: Caller, direct: psycopg.Connection[Any]) -> None:
        name = urlsplit(call.url).path[1:]
        direct.execute(f'alter database "{name}" owner to current_user')
        direct.execute(f'revoke connect on database "{name}" from public')
        answer = await call("select 1")
        assert (answer.status_code, answer.json()["code"]) == (500, "42501")

    async def test_with_a_new_password_succeed_at_once(
        self, call: Caller, direct: psycopg.Connection[Any], database: str
    ) -> None:
        direct.execute(f"create role {database}_r login password 'one'")
        try:
            first = f"postgresql://{database}_r:one@localhost/{database}"
            assert (await call("select 1", url=first)).status_code == 200
            direct.execute(f"alter role {database}_r password 'two%%@/'")
            second = f"postgresql://{database}_r:two%25%25%40%2F@localhost/{database}"
            assert (await call("select 1", url=second)).status_code == 200
            assert (await call("select 1", url=second.replace("two", "three"))).status_code == 400
        finally:
            direct.execute(f"drop role {database}_r")

    async def test_with_an_outdated_password_are_found_out_in_time(
        self, postgres: Postgres, direct: psycopg.Connection[Any], database: str
    ) -> None:
        direct.execute(f"create role {database}_r login password 'one'")
        endpoint = Endpoint(postgres, password_seconds=0.4)
        try:
            async with in_process(endpoint) as client:
                client.base_url = httpx.URL("http://localhost")
                call = Caller(client, f"postgresql://{database}_r:one@localhost/{database}")
                pids = {await call.value("select pg_backend_pid()") for _ in range(5)}
                assert len(pids) == 1  # one login for all of them
                direct.execute(f"alter role {database}_r password 'two'")
                assert (await call("select 1")).status_code == 200  # as with Neon, which keeps a secret for a while
                await asyncio.sleep(0.4)
                assert (await call("select 1")).status_code == 400
                assert (await call("select 1", url=call.url.replace(":one@", ":two@"))).status_code == 200
                assert (await call("select 1")).status_code == 400
        finally:
            await endpoint.aclose()
            direct.execute(f"drop role {database}_r")

    async def test_of_several_roles_and_databases_stand_side_by_side(
        self, call: Caller, postgres: Postgres, direct: psycopg.Connection[Any], database: str
    ) -> None:
        other = f"{database}_other"
        postgres.databases.create(other, owner=postgres.login.user)
        direct.execute(f"create role {database}_r login password 'pw'")
        try:
            urls = {
                (user, name): f"postgresql://{user}:{password}@any.host/{name}"
                for user, password in ((postgres.login.user, postgres.login.password), (f"{database}_r", "pw"))
                for name in (database, other)
            }
            asked = [(who, call("select current_user, current_database()", url=url)) for who, url in urls.items()] * 1
            answers = await asyncio.gather(*(answer for _, answer in asked))
            assert [tuple(answer.json()["rows"][0]) for answer in answers] == [who for who, _ in asked]
            pids = {
                who: (await call("select pg_backend_pid()", url=url)).json()["rows"][0][0] for who, url in urls.items()
            }
            assert len(set(pids.values())) == 4
            mixed = urls[f"{database}_r", other].replace("pw", postgres.login.password)
            assert (await call("select 1", url=mixed)).status_code == 400
        finally:
            postgres.databases.drop(other)
            direct.execute(f"drop role {database}_r")

    async def test_to_a_postgres_that_is_not_there_are_a_500(self, call: Caller) -> None:
        async with in_process(Endpoint("postgresql://u:p@127.0.0.1:1/db")) as client:
            answer = await client.post(
                "http://any.host/sql",
                json={"query": "select 1"},
                headers={"Neon-Connection-String": "postgresql://u:p@h/db"},
            )
        assert answer.status_code == 500
        assert answer.json()["message"] == "Couldn't connect to compute node"

    async def test_use_an_ordinary_role(self, call: Caller) -> None:
        assert await call.value("select rolsuper from pg_roles where rolname = current_user") == "f"
        assert (await call("create schema s", "create table s.t (i int)")).status_code == 200
