"""What the commands say of a database: over a mock of its endpoint, in plain words."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from sendoka.cli._group import run
from sendoka.migrations.history import history_statement
from sendoka.testing import NeonMock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sendoka.testing.expected_statement import ExpectedStatement

ROW = ("1", "0001_owl", "ab" * 32, "applied", "2026-01-31T09:30:00.000000Z", "0.1", "ada", "t", "1")


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
    return mock.on(history_statement().text)


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
