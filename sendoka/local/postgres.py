"""A real PostgreSQL for development and tests: a given server, or one of our own that never outlives us."""

from __future__ import annotations

import os
import secrets
import shutil
from typing import TYPE_CHECKING

from sendoka.errors import SettingsError
from sendoka.local.account import can_run, choose_account
from sendoka.local.cluster import SUPERUSER, create_cluster, end, last_lines, launch, programs_for
from sendoka.local.credentials import Login
from sendoka.local.databases import Databases
from sendoka.local.place import Place, open_place, read_secrets, temporary_place
from sendoka.local.programs import find_programs

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

__all__ = ["DATABASE", "ROLE", "Postgres", "given_postgres", "own_postgres", "project_postgres"]

ROLE = "neondb_owner"
"""The applications' role: an ordinary one that may create databases, named as Neon names it."""

DATABASE = "neondb"
"""The applications' database, named as Neon names it."""


class Postgres:
    """A PostgreSQL that can be used: `databases` creates and drops, `login` is what applications connect with.

    `stop()` ends a server of our own and lets a given one be; leaving it as a context manager does the same.
    """

    def __init__(
        self,
        login: Login,
        databases: Databases,
        *,
        version: int,
        source: str,
        place: Place | None = None,
        process: subprocess.Popen[bytes] | None = None,
        temporary: bool = False,
    ) -> None:
        self.login = login
        self.databases = databases
        self.version = version
        self.source = source
        self._place = place
        self._process = process
        self._temporary = temporary

    def __enter__(self) -> Postgres:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def has_own_role(self) -> bool:
        """Tell whether applications use a role and a database that are ours, not those of a given URL."""
        return self.login.user != self.databases.admin.user

    @property
    def data(self) -> Path | None:
        """Return the data folder of a server of our own."""
        return self._place.data if self._place is not None else None

    def ended(self) -> str | None:
        """Return the last words of a server of our own that has ended by itself, None while it runs."""
        if self._place is None or self._process is None or self._process.poll() is None:
            return None
        return last_lines(self._place.log.read_text(encoding="utf-8", errors="replace"))

    def stop(self) -> None:
        """End a server of our own and wait until no process of it is left. Doing it twice does no harm.

        A given server goes on; what was made there for this time only is dropped.
        """
        if self._temporary:
            self._temporary = False
            self.databases.drop(self.login.database)
            self.databases.drop_role(self.login.user)
        self.databases.close()
        if self._place is not None:
            _give_up(self._place, self._process)
            self._place = self._process = None


def project_postgres(folder: Path, *, url: str | None = None, temporary: bool = False, reset: bool = False) -> Postgres:
    """Return the PostgreSQL of a project, whose `.sendoka` is `folder`, with its database made and marked `dev`.

    It is the server at `url`, else the one in SENDOKA_POSTGRES, else one of our own. `temporary` keeps nothing;
    `reset` begins with an empty database. Raises SettingsError.
    """
    url = url or os.environ.get("SENDOKA_POSTGRES")
    if not url:
        postgres = own_postgres(None if temporary else folder, reset=reset)
    elif temporary:
        postgres = given_postgres(url)
    else:
        postgres = given_postgres(url, role=ROLE, password=read_secrets(folder).role, database=DATABASE)
    try:
        if reset and url and not temporary:
            _reset(postgres)
        postgres.databases.ensure(postgres.login.database, owner=postgres.login.user)
        postgres.databases.mark(postgres.login, "dev")
    except BaseException:
        postgres.stop()
        raise
    return postgres


def _reset(postgres: Postgres) -> None:
    if not postgres.has_own_role:
        raise SettingsError(
            f"the database {postgres.login.database} was not made by sendoka, so --reset does not drop it",
            todo="drop it yourself, or give a URL whose role may create roles and databases",
        )
    postgres.databases.drop(postgres.login.database)


def given_postgres(
    url: str, *, role: str | None = None, password: str | None = None, database: str | None = None
) -> Postgres:
    """Return the server at `url`, which is not ours to stop.

    Where the URL's role may create roles, applications get an ordinary one: `role` with `password`, and `database`;
    without these, ones for this time only, which `stop()` drops. Where it may not, they get the URL's own role and
    database. Raises SettingsError where the server cannot be reached.
    """
    admin = Login.from_url(url)
    databases = Databases(admin)
    version = databases.check()
    if not databases.may_create_roles():
        return Postgres(admin, databases, version=version, source="given")
    name = f"sendoka_{secrets.token_hex(4)}"
    login = Login(
        admin.host,
        admin.port,
        role or name,
        password or secrets.token_urlsafe(18),
        database or name,
        admin.sslmode,
    )
    databases.ensure_role(login.user, login.password)
    return Postgres(login, databases, version=version, source="given", temporary=role is None)


def own_postgres(
    folder: Path | None = None,
    *,
    source: str | None = None,
    reset: bool = False,
    settings: Mapping[str, str] | None = None,
) -> Postgres:
    """Start a server of our own with its data in `folder` (a project's `.sendoka`), or for this time only.

    `source` insists on `path` or `wheel`, `reset` deletes the data first, `settings` go to the server. Raises
    SettingsError where there are no programs, the folder is in use, or its data belongs to another major version.
    """
    place = _temporary(source) if folder is None else open_place(folder, reset=reset)
    process = None
    try:
        programs = programs_for(place, source)
        if not place.data.exists():
            create_cluster(programs, place)
        port, process = launch(programs, place, settings or {})
        databases = Databases(Login("127.0.0.1", port, SUPERUSER, place.secrets.superuser, "postgres"))
        databases.ensure_role(ROLE, place.secrets.role)
    except BaseException:
        _give_up(place, process)
        raise
    login = Login("127.0.0.1", port, ROLE, place.secrets.role, DATABASE, socket=place.socket)
    return Postgres(login, databases, version=programs.version, source=programs.source, place=place, process=process)


def _temporary(source: str | None) -> Place:
    account = choose_account()
    # A file system in memory may forbid to run programs, so not where they must be copied to be reached.
    return temporary_place(account, in_memory=can_run(account, find_programs(source=source).folder))


def _give_up(place: Place, process: subprocess.Popen[bytes] | None) -> None:
    if process is not None:
        end(process)
    if place.remove:
        shutil.rmtree(place.base, ignore_errors=True)
    place.close()
