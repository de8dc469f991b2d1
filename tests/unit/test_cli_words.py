"""What the commands say of a database: over a mock of its endpoint, in plain words."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NoReturn

import pytest

from sendoka.bookkeeping import FACTS
from sendoka.cli._database import connect
from sendoka.cli._group import run
from sendoka.database import Statement
from sendoka.errors import AdminShutdown, ConnectFailed, Outcome, TransportError
from sendoka.http.reply import Reply, read_single
from sendoka.http.transport import Timing
from sendoka.http.transport.failure import too_late
from sendoka.migrations.history import history_statement
from sendoka.settings import Source
from sendoka.testing import NeonMock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sendoka.testing.expected_statement import ExpectedStatement
    from sendoka.testing.mishaps import MishapName

ROW = ("1", "0001_owl", "ab" * 32, "ab" * 32, "applied", "2026-01-31T09:30:00.000000Z", "0.1", "ada", "t", "1")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "migrations").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql://ada:s3cret@ep-x.eu.aws.neon.tech/db")
    return tmp_path


@pytest.fixture
def mock() -> Iterator[NeonMock]:
    with NeonMock() as mock:
        yield mock


def history(mock: NeonMock) -> ExpectedStatement:
    mock.on(FACTS.text).rows().any_times()
    return mock.on(history_statement().text)


def happens(mock: NeonMock, error: TransportError) -> None:
    """Let `error` happen to every request."""

    def act(statement: Statement) -> NoReturn:
        raise error

    error.passing = False
    mock.on(re.compile("")).computes(act)


def read(body: bytes) -> TransportError:
    """Return the error that an answer of status 400 is."""
    with pytest.raises(TransportError) as caught:
        read_single(Reply(400, body), Statement("select 1"))
    return caught.value


class TestAFolderWithoutMigrations:
    def test_is_what_migrate_says(self, mock: NeonMock, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        history(mock).fails("42P01", 'relation "sendoka.migrations" does not exist')
        assert run(["migrate"]) == 0
        said = "has no migration yet; `sendoka generate` writes one from schema/"
        assert capsys.readouterr().out == f"nothing to do: {folder}/migrations {said}\n"

    def test_is_told_apart_from_a_database_that_is_ahead(
        self, mock: NeonMock, capsys: pytest.CaptureFixture[str]
    ) -> None:
        history(mock).rows(ROW)
        assert run(["migrate"]) == 0
        assert "and the database has some: the code here is older" in capsys.readouterr().out

    def test_is_what_status_says(self, mock: NeonMock, capsys: pytest.CaptureFixture[str]) -> None:
        history(mock).fails("42P01", 'relation "sendoka.migrations" does not exist')
        assert run(["status"]) == 0
        assert "no migration yet, neither here nor in the database: `sendoka generate`" in capsys.readouterr().out


def test_one_form_of_times_in_status_and_ledger(mock: NeonMock, capsys: pytest.CaptureFixture[str]) -> None:
    history(mock).rows(ROW)
    mock.on(re.compile("from sendoka.ledger where key"), "k").rows(("d", 1_769_851_800_000_000))
    assert run(["status"]) == 0
    assert run(["ledger", "show", "k"]) == 0
    assert capsys.readouterr().out.count("2026-01-31 09:30:00 UTC") == 2
    assert run(["ledger", "show", "k", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["committed_at"] == "2026-01-31T09:30:00.000000Z"


class TestAnEndpointThatRefuses:
    @pytest.mark.parametrize(
        ("mishap", "todo"),
        [
            ("endpoint_not_found", "check the host"),
            ("endpoint_disabled", "enable its compute in Neon's console"),
            ("quota", "look at what the project may use in Neon's console"),
            ("password", "check the user and password of the connection string"),
            ("cannot_connect", "it was sent again until now; try later, or look at it in Neon's console"),
        ],
    )
    def test_is_told_by_its_host_and_with_what_to_do(
        self, mock: NeonMock, mishap: MishapName, todo: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        history(mock).meets(mishap)
        assert run(["status"]) == 3
        *_, what, where, advice = capsys.readouterr().err.splitlines()
        assert what.startswith("error: ")
        assert where == "at ep-x.eu.aws.neon.tech, DATABASE_URL from the environment"
        assert advice.startswith(todo)

    def test_says_that_a_command_can_be_given_again_where_it_may_have_run(
        self, mock: NeonMock, capsys: pytest.CaptureFixture[str]
    ) -> None:
        history(mock).meets("msg")
        assert run(["status"]) == 3
        err = capsys.readouterr().err
        assert "at ep-x.eu.aws.neon.tech, " in err
        assert err.endswith("it may have run; give the command again: whatever ran is not done twice\n")

    async def test_says_so_too_where_the_session_was_ended(self) -> None:
        ended = AdminShutdown("terminating connection due to administrator command", sqlstate="57P01")
        ended.outcome = Outcome.UNKNOWN
        with pytest.raises(AdminShutdown) as caught:
            async with connect(Source("the environment", "postgresql://ada:s3cret@localhost/db")):
                raise ended
        assert caught.value.todo == "it may have run; give the command again: whatever ran is not done twice"

    @pytest.mark.parametrize("command", [["status"], ["ledger", "show", "k"], ["backfill", "status"]])
    def test_a_database_that_does_not_exist_shows_no_statement_of_ours(
        self, mock: NeonMock, command: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        mock.on(re.compile("")).fails("3D000", 'database "db" does not exist')
        assert run(command) == 3
        hint = "hint: check the database's name in DATABASE_URL, from the environment"
        assert capsys.readouterr().err == f'error: database "db" does not exist (3D000)\n{hint}\n'


@pytest.mark.parametrize("command", ["status", "fault"])
def test_a_connection_string_that_cannot_be_read_is_told_with_where_it_was_found(
    command: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    (folder / ".env.local").write_text("DATABASE_URL=s3cret\n", encoding="utf-8")
    assert run([command]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["error: the connection string is not a URL", "DATABASE_URL from .env.local"]
    assert "s3cret" not in "".join(lines)


@pytest.mark.parametrize(("command", "more"), [("status", "start the local endpoint"), ("fault", "start one with")])
def test_a_place_where_nothing_answers_is_told_once(
    command: str, more: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://ada:s3cret@localhost:1/db")
    assert run([command]) == 3
    err = capsys.readouterr().err
    assert err.count("localhost:1") == 1
    assert "\nDATABASE_URL from the environment\n" in err
    assert f"\n{more}" in err


def test_a_host_that_is_not_found_says_where_it_was_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://ada:s3cret@ep-x.invalid/db")
    assert run(["status"]) == 3
    *_, what, where, _ = capsys.readouterr().err.splitlines()
    assert what.startswith("error: the host api.invalid cannot be found")
    assert where.startswith("by Neon's rules it follows from ep-x.invalid, the host of the connection string")
    assert where.endswith("; DATABASE_URL from the environment")


class TestAdviceForCallsOfPython:
    """What is said to whoever calls `neon()` can be done by nobody who gives a command: that says its own."""

    @pytest.mark.parametrize("command", ["migrate", "status", "fault"])
    def test_of_an_address(
        self, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgresql://ada:s3cret@10.0.0.1/db")
        assert run([command]) == 2
        what, where, todo = capsys.readouterr().err.splitlines()
        assert what == "error: the host 10.0.0.1 is an address, and Neon's endpoint has a name"
        assert where == "DATABASE_URL from the environment"
        assert todo == "give the host that Neon's console shows; localhost is the local endpoint"

    @pytest.mark.parametrize(
        ("host", "look"),
        [("ep-x.eu.aws.neon.tech", "look at it in Neon's console"), ("localhost:4321", "see what `sendoka dev` says")],
    )
    def test_of_a_deadline(
        self, mock: NeonMock, host: str, look: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", f"postgresql://ada:s3cret@{host}/db")
        happens(mock, too_late(Timing.start(60), Outcome.NOT_SENT, "sending the request"))
        assert run(["status"]) == 3
        *_, what, where, todo = capsys.readouterr().err.splitlines()
        assert what == "error: the deadline of 60 s passed while sending the request"
        assert where == f"at {host}, DATABASE_URL from the environment"
        assert todo == f"it was not sent; give the command again, or {look}"

    def test_of_a_deadline_after_which_it_may_have_run(
        self, mock: NeonMock, capsys: pytest.CaptureFixture[str]
    ) -> None:
        history(mock).rows(ROW).after(1000)
        assert run(["status"]) == 3
        assert "it may have run; give the command again" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("error", "todo"),
        [
            (ConnectFailed("the certificate of x:443 does not verify: why", todo="… neon(url, ca=…)"), "SSL_CERT_FILE"),
            (read(b'{"message": "missing authentication credentials: required password", "code": ""}'), "no password"),
            (read(b'"query is not supported"'), "check the host and the port"),
        ],
        ids=["certificate", "password", "address"],
    )
    def test_of_an_argument(
        self, mock: NeonMock, error: TransportError, todo: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert re.search(r"[a-z]=", error.todo)
        happens(mock, error)
        assert run(["status"]) == 3
        last = capsys.readouterr().err.splitlines()[-1]
        assert todo in last
        assert not re.search(r"\b[a-z]+=", last)


class TestAWait:
    def test_is_said_once_a_cause(self, mock: NeonMock, capsys: pytest.CaptureFixture[str]) -> None:
        history(mock).meets("cannot_connect").times(6).rows(ROW)
        assert run(["status", "--json"]) == 0
        captured = capsys.readouterr()
        why = "Couldn't connect to compute node"
        assert captured.err == f"waiting: ep-x.eu.aws.neon.tech: {why}; sending again\n"
        assert json.loads(captured.out)["state"] == "newer"

    def test_of_a_moment_is_not_said(self, mock: NeonMock, capsys: pytest.CaptureFixture[str]) -> None:
        history(mock).meets("cannot_connect").rows(ROW)
        assert run(["status"]) == 0
        assert capsys.readouterr().err == ""
