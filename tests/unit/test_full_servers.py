"""A server that has no connection left: `migrate()` waits for one until its deadline, wherever it meets that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from sendoka import migrate
from sendoka.errors import MigrationFailed, Outcome, TooManyConnections
from sendoka.migrations import call
from sendoka.migrations.files import render
from tests.fixtures.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sendoka.database import Cells, Result, Statement, TransactionOptions


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call, "_LONGEST", 0.0)


@dataclass
class Full(Kept):
    """Is full at its requests from number `begins` to before `ends`."""

    begins: int = 0
    ends: int = 0
    requests: int = 0
    outcome: Outcome = Outcome.REFUSED

    async def run_all(
        self, statements: Sequence[Statement], options: TransactionOptions | None = None
    ) -> list[Result[Cells]]:
        number, self.requests = self.requests, self.requests + 1
        if self.begins <= number < self.ends:
            raise TooManyConnections("sorry, too many clients already", sqlstate="53300", outcome=self.outcome)
        return await super().run_all(statements)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text = render("0000_first", None, ["insert into effects values ('e0')"], [])
    (tmp_path / "0000_first.sql").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("begins", [0, 1, 2], ids=["asked for the newest", "asked for all", "sent a migration to"])
async def test_a_connection_is_waited_for(begins: int, folder: Path) -> None:
    database = Full(begins=begins, ends=begins + 20)
    report = await migrate(database, folder)
    assert [(each.name, each.by_us) for each in report.applied] == [("0000_first", True)]
    assert database.effects == {"e0": 1}


async def test_a_start_with_nothing_to_do_waits_too(folder: Path) -> None:
    database = Full()
    await migrate(database, folder)
    database.requests, database.ends = 0, 20
    assert (await migrate(database, folder)).applied == ()


async def test_at_the_deadline_it_says_so(folder: Path) -> None:
    with pytest.raises(TooManyConnections, match="too many clients"):
        await migrate(Full(ends=99), folder, deadline=0)
    database = Full(begins=2, ends=99)
    with pytest.raises(MigrationFailed, match=r"not applied within 0 s: .*too many clients") as caught:
        await migrate(database, folder, deadline=0)
    assert "run `sendoka migrate` again" in caught.value.todo
    assert database.effects == {}


async def test_what_a_statement_itself_says_is_no_such_thing(folder: Path) -> None:
    with pytest.raises(MigrationFailed, match="too many clients"):
        await migrate(Full(begins=2, ends=9, outcome=Outcome.FAILED), folder)
