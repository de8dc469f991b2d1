"""Databases and roles of the PostgreSQL that is used locally: created, copied, marked and dropped."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg

from sendoka.bookkeeping import BOOTSTRAP
from sendoka.errors import SendokaError, SettingsError
from sendoka.quoting import ident, literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.local.credentials import Login

__all__ = ["Databases"]


class Databases:
    """The databases of a server, seen by its administrator. One connection is kept; threads take turns."""

    def __init__(self, admin: Login) -> None:
        self.admin = admin
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._turn = threading.Lock()

    def close(self) -> None:
        """Close the administrator's connection; the next call opens another."""
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def check(self) -> int:
        """Return the server's major version. Raises SettingsError, without the URL, where it cannot be reached."""
        try:
            return int(self._ask("select current_setting('server_version_num')::int / 10000")[0][0])
        except psycopg.OperationalError as error:
            raise SettingsError(
                f"the PostgreSQL server at {self.admin.host}:{self.admin.port} cannot be used",
                where=str(error).partition("\n")[0].rpartition("failed: ")[2],
                todo="correct SENDOKA_POSTGRES, or leave it out to use a server of our own",
            ) from None

    def may_create_roles(self) -> bool:
        """Tell whether the administrator may create roles and set their passwords."""
        return bool(
            self._ask("select rolsuper or (rolcreaterole and rolcreatedb) from pg_roles where rolname = current_user")[
                0
            ][0]
        )

    def names(self) -> list[str]:
        """Return the names of the databases that can be connected to, sorted."""
        return [row[0] for row in self._ask("select datname from pg_database where datallowconn order by 1")]

    def ensure_role(self, name: str, password: str) -> None:
        """Create the ordinary role, or give it this password: it may create databases, and is no superuser."""
        known = name in [row[0] for row in self._ask("select rolname from pg_roles")]
        verb = "alter" if known else "create"
        self._ask(f"{verb} role {ident(name)} login createdb nosuperuser password {literal(password)}")

    def drop_role(self, name: str) -> None:
        """Drop the role if it exists; its databases must be gone."""
        self._ask(f"drop role if exists {ident(name)}")

    def create(self, name: str, *, owner: str, template: str | None = None) -> None:
        """Create the database, empty or as a copy of `template`, whose sessions are ended.

        Raises SendokaError where Postgres refuses.
        """
        copied = f" template {ident(template)}" if template else ""
        if template:
            self._empty(template)
        try:
            if owner != self.admin.user and not self._is_superuser():
                self._ask(f"grant {ident(owner)} to {ident(self.admin.user)}")
            self._ask(f"create database {ident(name)} owner {ident(owner)}{copied}")
        except psycopg.Error as error:
            raise SendokaError(f"the database {name} could not be created: {error.diag.message_primary}") from error

    def ensure(self, name: str, *, owner: str) -> None:
        """Create the database if it does not exist."""
        if name not in self.names():
            self.create(name, owner=owner)

    def drop(self, name: str) -> None:
        """Drop the database if it exists, ending whoever is connected to it."""
        self._empty(name)
        self._ask(f"drop database if exists {ident(name)} with (force)")

    def mark(self, login: Login, mark: str) -> None:
        """Mark the database that `login` goes to in `sendoka.facts`: `dev` is one that `push` may change."""
        with login.connect() as connection, connection.transaction():
            cursor = psycopg.RawCursor(connection)
            for statement in BOOTSTRAP:
                cursor.execute(statement.text.encode(), statement.params or None)
            cursor.execute(
                b"insert into sendoka.facts (name, value) values ('mark', $1) on conflict (name) do nothing", (mark,)
            )

    def _empty(self, name: str) -> None:
        """End the sessions with a database. Postgres' own ways to wait for them look only every 100 ms."""
        deadline = time.monotonic() + 5
        end = "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname ="
        while self._ask(f"{end} {literal(name)}")[0][0] and time.monotonic() < deadline:
            time.sleep(0.002)

    def _is_superuser(self) -> bool:
        return bool(self._ask("select rolsuper from pg_roles where rolname = current_user")[0][0])

    def _ask(self, text: str) -> list[tuple[Any, ...]]:
        with self._administrator() as connection:
            answer = connection.execute(text.encode())
            return answer.fetchall() if answer.description else []

    @contextmanager
    def _administrator(self) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        with self._turn:
            if self._connection is None or self._connection.closed:
                self._connection = self.admin.connect()
            yield self._connection
