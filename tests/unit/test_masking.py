"""Passwords that are written into a statement: what is shown of it never holds them."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest

from sendoka.cli._report import as_data
from sendoka.errors import AnswerLost, MigrationFailed, Outcome, database_error
from sendoka.errors.masking import concealed, without
from sendoka.migrations.alone_failure import failed_alone
from sendoka.migrations.event import Event
from sendoka.migrations.failure import failed, waiting_for
from sendoka.migrations.files import parse, render
from sendoka.migrations.history import REACHED
from tests.unit.test_failure import Answers

if TYPE_CHECKING:
    from sendoka.migrations.files import Migration

SECRETS = [
    ("create role x login password 'hush'", "create role x login password '***'"),
    ("alter role x with encrypted PASSWORD 'hu''sh' valid until 'infinity'", None),
    ("alter user x password E'hu\\'sh'", "alter user x password '***'"),
    ("alter user x password\n  U&'hush'", "alter user x password\n  '***'"),
    ("alter role x password $$hush$$", "alter role x password '***'"),
    ("alter role x password $a$hu$$sh$a$;", "alter role x password '***';"),
    ("alter role x password /* new */ 'hush'", "alter role x password /* new */ '***'"),
    ("alter role x password 'hush", None),
    ("alter role x password hush", "alter role x password ***"),
    ("create user mapping for x server s options (user 'u', password 'hush')", None),
    ("create user mapping for x server s options (add \"password\" 'hush')", None),
    ("create subscription s connection 'host=h user=u password=hush dbname=d' publication p", None),
    ("create subscription s connection 'host=h password = hush' publication p", None),
    ("create subscription s connection 'password=''hu sh'' host=h' publication p", None),
    ("create subscription s connection 'postgresql://u:hush@h/d' publication p", None),
    ("select dblink_connect('c', 'host=h password=hush')", None),
    ("do $$ begin execute 'alter role x password ''hush'''; end $$", None),
    ("update users set password = 'hush' where id = $1", "update users set password = '***' where id = $1"),
    ("select f(api_key => 'hush', n => 1)", "select f(api_key => '***', n => 1)"),
]
ORDINARY = [
    "create table users (id text, password text not null, token varchar(32))",
    "alter role x password null",
    "update users set password = $1, token = crypt($2, gen_salt('bf')) where a.password = b.password",
    "comment on column users.password is 'what they typed, hashed'",
    "select 'a' as name, password from users where note = 'it''s 10:30@noon'",
]


def made(*statements: str) -> Migration:
    return parse("0000_brave_otter", render("0000_brave_otter", None, statements, []))


@pytest.mark.parametrize(("text", "shown"), SECRETS)
def test_a_password_is_not_shown(text: str, shown: str | None) -> None:
    found, _ = concealed(text)
    assert "***" in found
    assert "hu" not in found
    assert "sh" not in found
    if shown is not None:
        assert found == shown


@pytest.mark.parametrize("text", ORDINARY)
def test_everything_else_is_as_it_was_written(text: str) -> None:
    assert concealed(text, 9) == (text, 9)


def test_a_mark_stays_under_its_word_and_lines_stay_as_many() -> None:
    text = "alter role x password 'hu\nsh' valid until oops"
    found, position = concealed(text, text.index("oops") + 1)
    assert position is not None
    assert found[position - 1 :] == "oops"
    assert found.count("\n") == 1
    assert concealed(text, text.index("sh'") + 1).position == text.index("'hu") + 1
    assert concealed(text, 3).position == 3


def test_what_postgres_repeats_of_it_is_not_shown() -> None:
    assert without("syntax error at or near \"'hush'\"", "alter role x passwort password 'hush'").count("hush") == 0
    assert without('syntax error at or near "hush"', "alter role x password hush") == 'syntax error at or near "***"'
    assert without("a role is not there", "alter role a password 'role'") == "a *** is not there"
    assert without("a role is not there", "alter role a password 'o'") == "a role is not there"
    assert without("(one, two)", "insert into t values ('my_secret', 'x'), ('my_secret')") == "(one, two)"


@pytest.mark.parametrize("text", [text for text, _ in SECRETS])
async def test_a_migration_that_fails_shows_none(text: str) -> None:
    migration = made("select 1", text)
    reached = {"code": REACHED, "message": "reached"}
    refused = {
        "code": "42601",
        "message": f'syntax error at or near "{text[-7:]}"' if text.endswith("password hush") else "syntax error",
        "position": str(text.index("hu") + 2),
    }
    database = Answers(*(database_error(each) for each in (refused, reached)))
    told: list[MigrationFailed] = [await failed(database, migration, database_error(refused))]
    alone = made(text)
    told.append(failed_alone(alone, database_error(refused), [], released=True))
    for error in told:
        assert isinstance(error, MigrationFailed)
        said = f"{error} {as_data(error)} {pickle.loads(pickle.dumps(error))!r}"
        assert "hush" not in said
        assert "***" in said
        assert "^" in error.where


async def test_no_event_shows_one() -> None:
    migration = made("alter role x password 'hush'")
    lost = AnswerLost("the connection was cut", outcome=Outcome.UNKNOWN)
    locked = database_error({"code": "55P03", "message": "canceling statement due to lock timeout"})
    for error in (lost, locked):
        assert "hush" not in str(Event("waiting", migration.name, why=waiting_for(migration, error)))


def test_an_error_of_the_client_shows_none_and_keeps_the_statement() -> None:
    text = "alter role x password 'hush' oops"
    error = database_error({"code": "42601", "message": "syntax error", "position": str(text.index("oops") + 1)})
    error.statement = text
    assert "in: alter role x password '***' oops" in str(error)
    assert error.statement == text
    data = as_data(error)
    assert data["statement"] == "alter role x password '***' oops"
    assert data["statement"][data["position"] - 1 :] == "oops"
    assert "hush" not in str(data)
