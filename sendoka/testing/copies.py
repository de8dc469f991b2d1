"""Fresh databases for tests: copies of one template, made one ahead and dropped behind by a thread of their own."""

from __future__ import annotations

import contextlib
import itertools
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from sendoka.errors import SendokaError
from sendoka.local.credentials import Login
from sendoka.local.databases import Databases
from sendoka.local.postgres import given_postgres, own_postgres
from sendoka.quoting import ident

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from types import TracebackType
    from typing import Self

    from sendoka.local.postgres import Postgres

__all__ = ["Copies", "Run", "start_run", "sweep"]

_LOCK_CLASS = 0x5E7D0CA  # the first key of the advisory lock that every run holds
_NAME = re.compile(r"sendoka_run_([0-9a-f]{8})(?=_|$)")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of tests: its PostgreSQL, and what all of its databases are named after."""

    postgres: Postgres
    name: str


@contextlib.contextmanager
def start_run(url: str | None) -> Iterator[Run]:
    """Lend a PostgreSQL to a run of tests: the server at `url`, else one of our own that ends with the run.

    On a given server the run holds an advisory lock as long as it lives, and what runs that were killed left there is
    dropped first. Raises SettingsError where no server can be had.
    """
    if not url:
        # Vacuuming by itself would hold a database that is to be copied.
        with own_postgres(settings={"autovacuum": "off"}) as own:
            yield Run(own, "test")
        return
    number = secrets.randbits(31)
    name = f"sendoka_run_{number:08x}"
    admin = Login.from_url(url)
    sweep(admin)
    with admin.connect() as alive:
        alive.execute("select pg_advisory_lock(%s, %s)", (_LOCK_CLASS, number))
        with given_postgres(url, role=name, password=secrets.token_urlsafe(18), database=name) as given:
            try:
                yield Run(given, name)
            finally:
                _remove(given.databases, name, role=given.has_own_role)


def sweep(admin: Login) -> list[str]:
    """Drop what runs left on a server whose process is gone, and return their names. Raises SettingsError.

    A run lives while any session of the server holds its lock, on whatever machine its process is. What cannot be
    dropped (another run does it now, it is somebody else's) is let be.
    """
    databases = Databases(admin)
    databases.check()
    swept = []
    with admin.connect() as session:
        for name, number in _runs(session):
            if not _take_over(session, number):
                continue
            with contextlib.suppress(SendokaError, psycopg.Error):
                _remove(databases, name, role=databases.may_create_roles())
                swept.append(name)
            session.execute("select pg_advisory_unlock(%s, %s)", (_LOCK_CLASS, number))
    databases.close()
    return swept


def _runs(session: psycopg.Connection[tuple[Any, ...]]) -> list[tuple[str, int]]:
    """Return the runs that databases or roles are named after."""
    rows = session.execute("select datname from pg_database union select rolname from pg_roles").fetchall()
    matches = [match for (name,) in rows if (match := _NAME.match(name))]
    return sorted({(match[0], int(match[1], 16)) for match in matches})


def _take_over(session: psycopg.Connection[tuple[Any, ...]], number: int) -> bool:
    """Take the lock of a run that nobody holds. Locks belong to a database each, what pg_locks shows to the server."""
    held = "select from pg_locks where locktype = 'advisory' and classid = %s and objid = %s and objsubid = 2"
    text = f"select not exists ({held}) and pg_try_advisory_lock(%s, %s)"
    row = session.execute(text.encode(), (_LOCK_CLASS, number, _LOCK_CLASS, number)).fetchone()
    return bool(row and row[0])


def _remove(databases: Databases, name: str, *, role: bool) -> None:
    for database in databases.names():
        if database == name or database.startswith(f"{name}_"):
            databases.drop(database)
    if role:
        databases.drop_role(name)


class Copies:
    """Copies of one template database. Fill the database named `template`, then `take()` and `give_back()`.

    The next copy is made while a test runs, and a used one is dropped then too. What is left when it is closed goes
    with the run.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._numbers = itertools.count(1)
        self._worker = ThreadPoolExecutor(1, "sendoka-copies")
        self._ahead: Future[str] | None = None
        self._session: psycopg.Connection[tuple[Any, ...]] | None = None
        self.template = f"{run.name}_template"
        run.postgres.databases.create(self.template, owner=run.postgres.login.user)

    def take(self) -> str:
        """Return the name of a fresh copy, and have the next one made. Raises SendokaError where Postgres refuses."""
        ready = self._ahead or self._worker.submit(self._make)
        self._ahead = self._worker.submit(self._make)
        return ready.result()

    def give_back(self, name: str) -> None:
        """Have a copy dropped; whoever is still connected to it is cut off."""
        self._worker.submit(self._run.postgres.databases.drop, name)

    def _make(self) -> str:
        """Make a copy, in the worker's thread."""
        name, owner = f"{self._run.name}_{next(self._numbers)}", self._run.postgres.login.user
        if self._session is None:
            # The first time, who is still connected to the template has to go.
            self._run.postgres.databases.create(name, owner=owner, template=self.template)
            self._session = self._run.postgres.databases.admin.connect()
        else:
            text = f"create database {ident(name)} owner {ident(owner)} template {ident(self.template)}"
            try:
                self._session.execute(f"{text}{self._strategy}".encode())
            except psycopg.Error as error:
                raise SendokaError(f"the database {name} could not be created: {error}") from error
        return name

    @property
    def _strategy(self) -> str:
        """To copy files is quicker than to log them, but waits for a disk, if there is one that counts."""
        postgres = self._run.postgres
        return " strategy file_copy" if postgres.data is not None and postgres.version >= 15 else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._worker.shutdown(cancel_futures=True)
        if self._session is not None:
            self._session.close()
