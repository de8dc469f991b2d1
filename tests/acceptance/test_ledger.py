"""`sendoka ledger`: make, read and prune the keys of `once=` transactions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.test_bad_input import refused

if TYPE_CHECKING:
    import psycopg

    from tests.fixtures.project import Project

    Direct = psycopg.Connection[Any]


def fill(direct: Direct, number: int, age: str) -> None:
    direct.execute(
        "insert into sendoka.ledger (key, digest, at) "
        f"select '{age} ' || n, 'd', now() - interval '{age}' from generate_series(1, {number}) n".encode()
    )


def count(direct: Direct) -> int:
    return int(direct.execute("select count(*) from sendoka.ledger").fetchall()[0][0])


def test_the_ledger_is_made_read_and_pruned(project: Project, database_url: str, direct: Direct) -> None:
    project.url = database_url
    assert "nothing to do" in project.run("sendoka ledger prune")
    assert project.attempt("sendoka ledger show order:1").returncode == 1
    made = project.run("sendoka ledger create")
    assert "sendoka.ledger is there" in made
    assert "grant select, insert on sendoka.ledger to ROLE" in made
    assert json.loads(project.run("sendoka ledger create --json"))["ledger"] == "sendoka.ledger"

    fill(direct, 25_000, "40 days")
    fill(direct, 3, "20 days")
    done = project.run("sendoka ledger prune")
    assert "10,000 keys are gone" in done
    assert "done: 25,000 keys are gone" in done
    assert count(direct) == 3
    assert json.loads(project.run("sendoka ledger prune --older-than 2w --json")) == {
        "pruned": 3,
        "older_than_seconds": 14 * 86400.0,
    }

    fill(direct, 1, "2 hours")
    assert "was committed at 20" in project.run("sendoka ledger show '2 hours 1'")
    shown = json.loads(project.run("sendoka ledger show '2 hours 1' --json"))
    assert (shown["key"], shown["digest"]) == ("2 hours 1", "d")
    absent = project.attempt("sendoka ledger show nothing --json")
    assert (absent.returncode, json.loads(absent.stdout)["committed_at"]) == (1, None)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("sendoka ledger prune --older-than 5", "write 12h, 30d or 8w"),
        ("sendoka ledger prune --older-than -1d", "is no age"),
        ("sendoka ledger prune --older-than 0h", "younger than an hour"),
        ("sendoka ledger prune --older-than 99999w", "is no age"),
        ("sendoka ledger prune now", "unexpected extra argument"),
        ("sendoka ledger show", "KEY"),
        ("sendoka ledger prun", "did you mean 'prune'"),
    ],
)
def test_a_wrong_word_is_refused(project: Project, database_url: str, command: str, says: str) -> None:
    project.url = database_url
    refused(project, command, 2, says)
