"""`sendoka status`: the folder beside a database, the exit status, and the same facts as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

    from tests.fixtures.checked import CheckedProject


def edit(project: CheckedProject, name: str) -> None:
    file = project.migrations / f"{name}.sql"
    file.write_text(file.read_text() + "-- a word\n")


def nothing_done(project: CheckedProject) -> None:
    pass


def migrated(project: CheckedProject) -> None:
    project("migrate")


def one_pending(project: CheckedProject) -> None:
    project("migrate")
    project.own("more", "select 1")


def ahead(project: CheckedProject) -> None:
    name = project.own("more", "select 1")
    project("migrate")
    (project.migrations / f"{name}.sql").unlink()


def edited_newest(project: CheckedProject) -> None:
    project("migrate")
    edit(project, "0000_apples")


def edited_below_the_newest(project: CheckedProject) -> None:
    project.own("more", "select 1")
    project("migrate")
    edit(project, "0000_apples")


def edited_before_it_was_applied(project: CheckedProject) -> None:
    project.own("more", "select 1")
    project.own("last", "select 1")
    edit(project, "0001_more")


def another_way(project: CheckedProject) -> None:
    name = project.own("more", "select 1")
    project("migrate")
    (project.migrations / f"{name}.sql").unlink()
    project.own("other", "select 1")


CASES: list[tuple[Callable[[CheckedProject], None], str, list[str], tuple[int, int], str]] = [
    (nothing_done, "pending", ["pending"], (0, 1), "1 pending: run `sendoka migrate`"),
    (migrated, "applied", ["applied"], (0, 0), "up to date"),
    (one_pending, "pending", ["applied", "pending"], (0, 1), "1 pending: run `sendoka migrate`"),
    (ahead, "newer", ["applied", "newer"], (0, 0), "the database is ahead of this folder"),
    (edited_newest, "altered", ["altered"], (1, 1), "0000_apples.sql was edited after it was applied"),
    (
        edited_below_the_newest,
        "altered",
        ["altered", "applied"],
        (1, 1),
        "restore the file (git checkout) and put the change into a new migration",
    ),
    (
        edited_before_it_was_applied,
        "pending",
        ["pending", "pending", "pending"],
        (1, 1),
        "0001_more.sql was edited after 0002_last.sql was made on top of it",
    ),
    (another_way, "forked", ["applied", "forked"], (1, 1), "it has 0001_more where the folder has 0001_other"),
]


@pytest.mark.parametrize(
    ("done", "state", "states", "exits", "says"), CASES, ids=lambda each: getattr(each, "__name__", "")
)
def test_each_state_of_a_folder_and_a_database(
    checked: CheckedProject,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    done: Callable[[CheckedProject], None],
    state: str,
    states: list[str],
    exits: tuple[int, int],
    says: str,
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    done(checked)
    printed = checked("status", status=exits[0])
    told: dict[str, Any] = json.loads(checked("status", "--exit-code", "--json", status=exits[1]))
    assert says in printed
    assert told["state"] == state
    assert [each["state"] for each in told["migrations"]] == states
    assert (told["problem"] is not None) == (exits[0] == 1)
    shown = [line.split() for line in printed.splitlines()]
    for each in told["migrations"]:
        (line,) = (words for words in shown if words[:2] == [each["name"], each["state"]])
        assert line[-1] == each["checksum"][:12]


def test_a_file_without_a_transaction_that_was_begun_is_said_with_the_way_on(
    checked: CheckedProject, database_url: str, monkeypatch: pytest.MonkeyPatch, direct: psycopg.Connection[Any]
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    checked.own("alone", "create index concurrently i on apples (id)", done_when="select true")
    checked("migrate")
    direct.execute("update sendoka.migrations set state = 'running', token = 't' where name = '0001_alone'")
    printed = checked("status")
    assert printed.endswith("somebody is at it, or `sendoka migrate` goes on with it\n")
    told = json.loads(checked("status", "--exit-code", "--json", status=1))
    assert (told["state"], told["pending"], told["problem"]) == ("running", 0, None)
