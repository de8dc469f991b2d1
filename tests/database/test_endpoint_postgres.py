"""A PostgreSQL of our own: found, started, kept, and never left behind."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from sendoka.errors import SettingsError
from sendoka.local import given_postgres, own_postgres, project_postgres
from sendoka.local.place import open_place
from sendoka.local.postgres import ROLE
from sendoka.local.programs import OLDEST, find_programs
from tests.fixtures.processes import ends, lives, parent_of, user_of

if TYPE_CHECKING:
    from sendoka.local import Postgres


def available() -> list[str]:
    """Return where this machine has programs from; the suite does not run where there are none."""
    found = []
    for source in ("path", "wheel"):
        with suppress(SettingsError):
            found.append(find_programs(source=source).source)
    return found


SOURCES = available()

START = """
import sys, time
from pathlib import Path
from sendoka.local import own_postgres
postgres = own_postgres(Path(sys.argv[1]) if sys.argv[1] else None)
print(postgres.data, flush=True)
time.sleep(60)
"""


def ask(postgres: Postgres, statement: str) -> object:
    with postgres.databases.admin.connect() as connection:
        row = connection.execute(statement.encode()).fetchone()
    return row[0] if row else None


def do(postgres: Postgres, statement: str) -> None:
    with postgres.databases.admin.connect() as connection:
        connection.execute(statement.encode())


def postmaster(data: Path) -> int:
    return int((data / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])


@pytest.fixture
def project(open_folder: Path) -> Path:
    """A project's folder."""
    return open_folder


class TestPrograms:
    @pytest.mark.parametrize("source", SOURCES)
    def test_of_either_kind_run(self, source: str) -> None:
        with own_postgres(source=source) as postgres:
            assert postgres.source == source
            assert str(ask(postgres, "show server_version")).startswith(str(postgres.version))

    def test_that_are_nowhere_are_a_clear_error(self) -> None:
        with pytest.raises(SettingsError) as nowhere:
            find_programs(version=99)
        assert "no PostgreSQL 99 was found" in str(nowhere.value)
        assert "SENDOKA_POSTGRES" in nowhere.value.todo
        assert 'pip install "sendoka[local]"' in nowhere.value.todo

    def test_on_the_path_come_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        wheel = find_programs(source="wheel")
        monkeypatch.setenv("PATH", f"{wheel.folder}:{os.environ['PATH']}")
        assert find_programs() == type(wheel)(wheel.folder, wheel.version, "path")

    def test_that_are_broken_or_too_old_are_passed_over(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        for name in ("initdb", "postgres"):
            program = tmp_path / name
            program.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {OLDEST - 1}.4'\n", encoding="ascii")
            program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        assert find_programs().folder != tmp_path


class TestATemporaryOne:
    def test_leaves_nothing(self) -> None:
        postgres = own_postgres()
        data = postgres.data
        assert data is not None
        pid = postmaster(data)
        postgres.stop()
        postgres.stop()
        assert not lives(pid)
        assert not data.parent.exists()

    def test_is_utf8_and_has_no_locale_whatever_ours_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("LANG", "LC_ALL", "LC_MESSAGES"):
            monkeypatch.setenv(name, "tlh_QO.UTF-8")
        monkeypatch.setenv("PGOPTIONS", "-c nonsense=1")
        monkeypatch.setenv("PGPORT", "1")
        with own_postgres() as postgres:
            assert ask(postgres, "show server_encoding") == "UTF8"
            assert ask(postgres, "select datcollate from pg_database limit 1") == "C"
            assert ask(postgres, "show timezone") == "UTC"

    def test_listens_on_loopback_alone_and_asks_for_passwords(self) -> None:
        with own_postgres() as postgres:
            assert ask(postgres, "show listen_addresses") == "127.0.0.1"
            # Its socket lies where nobody else can enter, and asks for a password like TCP.
            assert postgres.data is not None
            assert ask(postgres, "show unix_socket_directories") == postgres.login.socket == str(postgres.data)
            assert postgres.data.stat().st_mode & 0o077 == 0
            for host in ("127.0.0.1", postgres.login.socket):
                with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                    psycopg.connect(host=host, port=postgres.login.port, user="postgres", password="wrong")

    @pytest.mark.parametrize("name", ["x" * 90, "with a space", "comma,comma"])
    def test_has_no_socket_where_its_path_cannot_be_used(self, project: Path, name: str) -> None:
        with own_postgres(project / name / ".sendoka") as postgres:
            assert ask(postgres, "show unix_socket_directories") == postgres.login.socket == ""

    def test_that_was_killed_leaves_no_socket_for_ever(self, project: Path) -> None:
        with own_postgres(project / ".sendoka") as postgres:
            data = postgres.data
            assert data is not None
        (data / ".s.PGSQL.1").touch()
        with own_postgres(project / ".sendoka"):
            assert len(list(data.glob(".s.PGSQL.*"))) == 2  # the socket and its lock

    def test_makes_databases_quickly(self) -> None:
        with own_postgres() as postgres:
            postgres.databases.create("template", owner=ROLE)
            took = []
            for number in range(5):
                started = time.monotonic()
                postgres.databases.create(f"copy_{number}", owner=ROLE, template="template")
                took.append(time.monotonic() - started)
            assert sorted(took)[2] < 0.25, took


class TestAProjects:
    def test_is_kept_with_its_passwords(self, project: Path) -> None:
        folder = project / ".sendoka"
        with project_postgres(folder) as postgres:
            first = postgres.login.password
            with postgres.login.connect() as connection:
                connection.execute("create table kept as select 42 as answer")
        with project_postgres(folder) as postgres:
            assert postgres.login.password == first
            with postgres.login.connect() as connection:
                assert connection.execute("select answer from kept").fetchone() == (42,)
                mark = connection.execute("select value from sendoka.facts where name = 'mark'").fetchone()
            assert mark == ("dev",)
        assert stat.S_IMODE((folder / "secrets.json").stat().st_mode) == 0o600
        assert (folder / ".gitignore").read_text(encoding="utf-8") == "*\n"

    def test_is_empty_after_a_reset(self, project: Path) -> None:
        with own_postgres(project) as postgres:
            postgres.databases.create("kept", owner=ROLE)
        with own_postgres(project, reset=True) as postgres:
            assert "kept" not in postgres.databases.names()

    def test_is_used_by_one_at_a_time(self, project: Path) -> None:
        with own_postgres(project), pytest.raises(SettingsError, match="is in use by another"):
            own_postgres(project)

    def test_of_a_version_that_is_not_there_is_a_clear_error(self, project: Path) -> None:
        own_postgres(project).stop()
        (project / "postgres" / "PG_VERSION").write_text("99\n", encoding="ascii")
        with pytest.raises(
            SettingsError, match=r"belongs to PostgreSQL 99, and only PostgreSQL \d+ was found"
        ) as error:
            own_postgres(project)
        assert "--reset" in error.value.todo

    def test_of_another_version_that_is_there_is_opened_with_it(self, project: Path) -> None:
        wheel = own_postgres(project, source="wheel")
        wheel.stop()
        with own_postgres(project) as postgres:
            assert postgres.version == wheel.version

    def test_with_damaged_passwords_is_a_clear_error(self, project: Path) -> None:
        (project / "secrets.json").write_text("{", encoding="ascii")
        with pytest.raises(SettingsError, match=r"secrets\.json is damaged"):
            own_postgres(project)

    def test_with_broken_data_says_what_postgres_says(self, project: Path) -> None:
        own_postgres(project).stop()
        (project / "postgres" / "global" / "pg_control").write_bytes(b"")
        with pytest.raises(Exception, match="PostgreSQL did not start") as broken:
            own_postgres(project)
        assert "pg_control" in str(broken.value)


class TestAfterACrash:
    def test_of_postgres_the_next_start_recovers(self, project: Path) -> None:
        postgres = own_postgres(project)
        assert postgres.ended() is None
        postgres.databases.create("kept", owner=ROLE)
        assert postgres.data is not None
        os.kill(postmaster(postgres.data), signal.SIGKILL)
        deadline = time.monotonic() + 10
        while postgres.ended() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert postgres.ended() is not None
        postgres.stop()
        with own_postgres(project) as again:
            assert "kept" in again.databases.names()

    def test_a_pid_file_of_another_process_is_no_obstacle(self, project: Path) -> None:
        own_postgres(project).stop()
        shown = f"{os.getpid()}\n{project}/postgres\n1\n1\n\n127.0.0.1\n"
        (project / "postgres" / "postmaster.pid").write_text(shown, encoding="ascii")
        with own_postgres(project) as postgres:
            assert ask(postgres, "select 1") == 1

    @pytest.mark.parametrize("kept", [False, True])
    def test_of_the_starter_nothing_is_left(self, kept: bool, project: Path) -> None:
        starter = subprocess.Popen(
            [sys.executable, "-c", START, str(project) if kept else ""], stdout=subprocess.PIPE, text=True
        )
        with starter:
            assert starter.stdout is not None
            data = Path(starter.stdout.readline().strip())
            pid = postmaster(data)
            starter.kill()
        assert ends(pid)
        if kept:
            with own_postgres(project) as postgres:
                assert ask(postgres, "select 1") == 1
        else:
            deadline = time.monotonic() + 10
            while data.parent.exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            assert not data.parent.exists()

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
    def test_of_the_watchdog_nothing_is_left(self) -> None:
        with own_postgres() as postgres:
            assert postgres.data is not None
            pid = postmaster(postgres.data)
            os.kill(parent_of(pid), signal.SIGKILL)
            assert ends(pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another user")
class TestAsRoot:
    def test_postgres_runs_as_somebody_else(self) -> None:
        with own_postgres() as postgres:
            assert postgres.data is not None
            assert postgres.data.stat().st_uid != 0
            assert user_of(postmaster(postgres.data)) == postgres.data.stat().st_uid

    def test_a_project_in_a_private_home_keeps_its_data_elsewhere(self, tmp_path: Path) -> None:
        home = tmp_path / "home"
        home.mkdir(mode=0o700)
        folder = home / "project" / ".sendoka"
        with own_postgres(folder) as postgres:
            postgres.databases.create("kept", owner=ROLE)
            data = postgres.data
        assert data is not None
        try:
            assert not data.is_relative_to(home)
            with own_postgres(folder) as postgres:
                assert "kept" in postgres.databases.names()
                assert postgres.data == data
        finally:
            shutil.rmtree(data.parent)
        with own_postgres(folder) as postgres:
            assert "kept" not in postgres.databases.names()
            data = postgres.data
        assert data is not None
        shutil.rmtree(data.parent)

    def test_programs_in_a_private_home_are_copied(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        site = tmp_path / "site"
        site.mkdir(mode=0o700)
        package = find_programs(source="wheel").folder.parents[1]
        for folder in (package, package.with_name(f"{package.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, site / folder.name, symlinks=True)
        monkeypatch.syspath_prepend(str(site))
        assert find_programs(source="wheel").folder.is_relative_to(site)
        with own_postgres(source="wheel") as postgres:
            assert ask(postgres, "select 1") == 1

    @pytest.fixture
    def private(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A folder that PostgreSQL cannot enter and that is not among temporary files; data goes to one beside it."""
        shared = tmp_path / "shared"
        shared.mkdir()
        monkeypatch.setattr("sendoka.local.place._SHARED", (str(shared),))
        monkeypatch.setattr(tempfile, "gettempdir", lambda: str(shared))
        folder = tmp_path / "private"
        folder.mkdir(mode=0o700)
        return folder

    def test_data_of_projects_that_are_gone_for_a_month_goes(self, private: Path) -> None:
        bases = []
        for name, days in (("old", 31), ("recent", 29), ("last", 0)):
            place = open_place(private / name)
            place.close()
            bases.append(place.base)
            if days:
                shutil.rmtree(private / name)
                long_ago = time.time() - days * 24 * 3600
                os.utime(place.base / "project", (long_ago, long_ago))
        assert [base.exists() for base in bases] == [False, True, True]

    def test_data_of_a_project_that_was_moved_stays(self, private: Path) -> None:
        first = open_place(private / "before")
        first.close()
        (private / "before").rename(private / "after")
        moved = open_place(private / "after")
        moved.close()
        open_place(private / "other").close()
        assert (moved.base, moved.base.exists()) == (first.base, True)

    def test_data_that_a_postgres_runs_on_stays(self, private: Path) -> None:
        running = open_place(private / "running")
        running.close()
        running.data.mkdir()
        (running.data / "postmaster.pid").write_text(f"{os.getpid()}\n", encoding="utf-8")
        shutil.rmtree(private / "running")
        open_place(private / "other").close()
        assert running.base.exists()


class TestAGivenOne:
    def test_gets_an_ordinary_role_for_this_time(self, postgres: Postgres) -> None:
        with given_postgres(postgres.databases.admin.url) as given:
            role, database = given.login.user, given.login.database
            given.databases.create(database, owner=role)
            with given.login.connect() as connection:
                assert connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone() == (
                    False,
                )
                connection.execute("create table t (i int)")
        assert database not in postgres.databases.names()
        assert ask(postgres, f"select count(*) from pg_roles where rolname = '{role}'") == 0

    def test_is_used_as_it_is_where_its_role_may_not_make_another(self, postgres: Postgres, database: str) -> None:
        with given_postgres(postgres.login.to(database).url) as given:
            assert (given.login.user, given.login.database) == (postgres.login.user, database)
            assert not given.has_own_role
        assert database in postgres.databases.names()

    def test_keeps_a_projects_database_until_it_is_reset(self, postgres: Postgres, tmp_path: Path) -> None:
        # A server for itself: a project's role and database have fixed names.
        with own_postgres() as server:
            url = server.databases.admin.url
            with project_postgres(tmp_path, url=url) as given, given.login.connect() as connection:
                connection.execute("create table kept (i int)")
            with project_postgres(tmp_path, url=url) as given, given.login.connect() as connection:
                assert connection.execute("select to_regclass('kept') is null").fetchone() == (False,)
            with project_postgres(tmp_path, url=url, reset=True) as given, given.login.connect() as connection:
                assert connection.execute("select to_regclass('kept') is null").fetchone() == (True,)

    def test_database_that_is_not_ours_is_not_reset(self, postgres: Postgres, database: str, tmp_path: Path) -> None:
        url = postgres.login.to(database).url
        with pytest.raises(SettingsError, match="was not made by sendoka"):
            project_postgres(tmp_path, url=url, reset=True)
        assert database in postgres.databases.names()

    @pytest.mark.parametrize(
        ("url", "message"),
        [
            ("postgresql://u:s3cret@127.0.0.1:1/db", "at 127.0.0.1:1 cannot be used\n.*refused"),
            ("postgresql://u:s3cret@127.0.0.1:notaport/db", "cannot be read"),
            ("s3cret", "cannot be read"),
        ],
    )
    def test_that_cannot_be_used_says_so_without_its_password(self, url: str, message: str) -> None:
        with pytest.raises(SettingsError, match=message) as error:
            given_postgres(url)
        assert "s3cret" not in str(error.value)

    def test_with_a_wrong_password_says_so(self, postgres: Postgres) -> None:
        url = postgres.databases.admin.url.replace("@", "x@")
        with pytest.raises(SettingsError, match="password authentication failed") as error:
            given_postgres(url)
        assert postgres.databases.admin.password not in str(error.value)
