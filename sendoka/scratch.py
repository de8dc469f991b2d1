"""Databases for a moment, on this machine or on a server that was named for it: to build a schema in, and read it back.

Never on the server that a schema is read from or written to: what is tried out there stands beside what counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
from typing import TYPE_CHECKING, Any

from sendoka.errors import SchemaError, SettingsError
from sendoka.quoting import ident

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from types import TracebackType
    from typing import Self

    from sendoka.errors import DatabaseError
    from sendoka.http.client import Neon
    from sendoka.local.app import Endpoint
    from sendoka.local.credentials import Login
    from sendoka.local.postgres import Postgres

__all__ = ["Scratch", "ScratchDatabase"]

_ROLE = re.compile(r'role "(?P<name>.+)" does not exist')
_LACKING = re.compile(r'extension ".+" is not available')
# What psql alone understands, and what makes no object: it is passed over.
_META = re.compile(
    r"^\\(?:(?:un)?restrict|connect|c|(?:un)?set|q?echo|warn|timing|pset|encoding)\b.*$", re.MULTILINE | re.ASCII
)
_COPY = re.compile(r"^copy\b[^;]*\bfrom\s+stdin\b", re.IGNORECASE | re.MULTILINE)
_MADE = re.compile(r'role "(?P<name>.+)" already exists')
_PUBLIC = re.compile(r"\bcreate\s+schema\s+public\s*;", re.IGNORECASE)
_CONCURRENTLY = re.compile(r"\bindex\s+concurrently\b", re.IGNORECASE)
MOST_ROLES = 100
"""Roles that are made for one text; more is no schema."""


class ScratchDatabase:
    """An empty database, until it is filled."""

    def __init__(self, sql: Neon, login: Login, *, own: bool) -> None:
        self.sql = sql
        self._login = login
        self._own = own
        self._roles: set[str] = set()

    async def load(self, texts: Sequence[str], where: str) -> None:
        """Run each text, a script of any number of statements, in a transaction of its own.

        Where the server is ours, roles that the texts speak of and that it lacks are made. What a text makes and is
        there anyway, a role or the namespace public, is passed over, and indexes are built in the transaction. Raises
        SchemaError, naming `where`, for what Postgres refuses, and SettingsError for a dump that holds data.
        """
        await asyncio.to_thread(self._load, texts, where)

    async def supply(self, error: DatabaseError) -> bool:
        """Make the role that `error` says is lacking, once and only where the server is ours; tell whether it was."""
        lacking = _ROLE.search(error.message) if self._own else None
        if lacking is None or lacking["name"] in self._roles or len(self._roles) == MOST_ROLES:
            return False
        self._roles.add(lacking["name"])
        await asyncio.to_thread(self._make_role, lacking["name"])
        return True

    def is_left_over(self, error: DatabaseError) -> bool:
        """Tell whether `error` is about a role that an earlier use of this server, which is not ours, left there."""
        return not self._own and _MADE.fullmatch(error.message) is not None

    def _make_role(self, name: str) -> None:
        with self._login.connect() as connection:
            connection.execute(f"create role {ident(name)}".encode())

    def _load(self, texts: Sequence[str], where: str) -> None:
        import psycopg

        with self._login.connect() as connection:
            for text in texts:
                script = _META.sub("", text)
                if _COPY.search(script):
                    raise SettingsError("the file holds rows", where=f"in {where}", todo="dump it with --schema-only")
                for _ in range(MOST_ROLES):
                    try:
                        connection.execute(script.encode())
                        break
                    except psycopg.Error as error:
                        connection.rollback()
                        said = error.diag.message_primary or ""
                        lacking = _ROLE.search(said) if self._own else None
                        if lacking is not None:
                            connection.execute(f"create role {ident(lacking['name'])}".encode())
                            continue
                        again = _without_what_is_there(script, said)
                        if again == script:
                            raise _refused(error, script, where) from error
                        script = again


def _without_what_is_there(script: str, said: str) -> str:
    """Return a script as it can be run here, after Postgres said why it cannot; the same where that is the schema's."""
    made = _MADE.search(said)
    if made is not None:
        name = re.escape(made["name"])
        return re.sub(rf'\bcreate\s+(?:role|user|group)\s+(?:"{name}"|{name}\b)[^;]*;', "", script, flags=re.IGNORECASE)
    if said == 'schema "public" already exists':
        return _PUBLIC.sub("", script)
    if "CONCURRENTLY cannot run inside a transaction block" in said:
        return _CONCURRENTLY.sub("index", script)
    return script


def _refused(error: Any, script: str, where: str) -> SchemaError:
    place = error.diag.statement_position
    line = f", line {script.count(chr(10), 0, int(place) - 1) + 1}" if place else ""
    said = error.diag.message_primary or str(error).partition("\n")[0]
    todo = error.diag.message_hint or ""
    if _LACKING.fullmatch(said):
        todo = "name a server that has it with --scratch URL, or take the schema from a database: that needs no server"
    if said == 'syntax error at or near "\\"':
        todo = "it may be a command of psql: write into the file what it does"
    return SchemaError(f"Postgres refuses it: {said}", where=f"in {where}{line}", todo=todo)


class Scratch:
    """Where databases for a moment are made: at `url`, or in a PostgreSQL of our own, started for the first of them.

    Use it in `async with`. `version` is the server's major version, None before there was a database.
    """

    def __init__(self, url: str | None = None) -> None:
        self._url = url
        self._postgres: Postgres | None = None
        self._endpoint: Endpoint | None = None
        self.version: int | None = None

    @property
    def is_given(self) -> bool:
        """Tell whether somebody named the server."""
        return self._url is not None

    @contextlib.asynccontextmanager
    async def database(self) -> AsyncIterator[ScratchDatabase]:
        """Give an empty database, which is dropped afterwards. Raises SettingsError where there can be none."""
        from sendoka.http.client import neon
        from sendoka.local import in_process

        postgres, endpoint = await self._start()
        admin = postgres.databases.admin
        name = f"sendoka_scratch_{secrets.token_hex(6)}"
        await asyncio.to_thread(postgres.databases.create, name, owner=admin.user)
        try:
            login = admin.to(name)
            async with in_process(endpoint) as client, neon(login.url, transport=client) as sql:
                yield ScratchDatabase(sql, login, own=self._url is None)
        finally:
            await asyncio.to_thread(postgres.databases.drop, name)

    async def _start(self) -> tuple[Postgres, Endpoint]:
        from sendoka.local import Endpoint, own_postgres

        if self._postgres is None or self._endpoint is None:
            if self._url is None:
                self._postgres = await asyncio.to_thread(own_postgres)
            else:
                self._postgres = await self._given(self._url)
            self.version = self._postgres.version
            self._endpoint = Endpoint(self._postgres.databases.admin)
        return self._postgres, self._endpoint

    async def _given(self, url: str) -> Postgres:
        from sendoka.local import given_postgres

        try:
            return await asyncio.to_thread(given_postgres, url)
        except SettingsError as error:
            error.todo = "correct --scratch postgresql://user:password@host/dbname, or leave it out"
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._endpoint is not None:
            await self._endpoint.aclose()
        if self._postgres is not None:
            await asyncio.to_thread(self._postgres.stop)
