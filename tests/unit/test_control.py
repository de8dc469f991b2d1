"""Transaction commands are found behind anything Postgres reads over; ordinary statements are not taken for one."""

from __future__ import annotations

import pytest

from sendoka.database.statement import Statement
from sendoka.database.transaction import TransactionOptions, control_command, is_repeatable, isolation_level


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("BEGIN", "BEGIN"),
        ("begin work", "BEGIN"),
        ("Start Transaction", "START"),
        ("commit;", "COMMIT"),
        ("END", "END"),
        ("rollback", "ROLLBACK"),
        ("ROLLBACK AND CHAIN", "ROLLBACK"),
        ("abort", "ABORT"),
        ("prepare transaction 'x'", "PREPARE TRANSACTION"),
        (" \t\r\n\f\v COMMIT", "COMMIT"),
        (";;; COMMIT", "COMMIT"),
        ("-- x\nCOMMIT", "COMMIT"),
        ("-- x\rCOMMIT", "COMMIT"),
        ("/* a /* b */ c */COMMIT", "COMMIT"),
        ("/**/--\n/* -- */\n; commit", "COMMIT"),
        ("PREPARE /* x */ -- y\n TRANSACTION 'z'", "PREPARE TRANSACTION"),
        ("COMMIT/**/PREPARED 'x'", "COMMIT"),
        ("rollback/**/work", "ROLLBACK"),
    ],
)
def test_a_transaction_command_is_found(text: str, command: str) -> None:
    assert control_command(text) == command


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-- COMMIT",
        "/* COMMIT */",
        "/* never closed COMMIT",
        "select 'COMMIT'",
        "commits",
        "commit_log",
        "begin$x",
        '"COMMIT"',
        "prepare q as select 1",
        "SAVEPOINT a",
        "release savepoint a",
        "ROLLBACK TO a",
        "rollback work /* x */ to savepoint a",
        "Rollback Transaction To a",
        "set transaction read only",
        "select 1; commit",
    ],
)
def test_an_ordinary_statement_is_none(text: str) -> None:
    assert control_command(text) is None


@pytest.mark.parametrize(
    ("spelling", "level"),
    [
        ("read committed", "ReadCommitted"),
        ("READ COMMITTED", "ReadCommitted"),
        ("ReadCommitted", "ReadCommitted"),
        ("read_committed", "ReadCommitted"),
        ("repeatable-read", "RepeatableRead"),
        ("Repeatable  Read", "RepeatableRead"),
        ("serializable", "Serializable"),
        ("ReadUncommitted", "ReadUncommitted"),
        (None, None),
    ],
)
def test_an_isolation_level_is_read_in_any_usual_spelling(spelling: str | None, level: str | None) -> None:
    assert isolation_level(spelling) == level


@pytest.mark.parametrize("wrong", ["snapshot", "", "read", "serialisable"])
def test_an_unknown_isolation_level_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not an isolation level"):
        isolation_level(wrong)


READ_ONLY, IDEMPOTENT = TransactionOptions(read_only=True), TransactionOptions(idempotent=True)


@pytest.mark.parametrize(
    ("options", "text", "answer"),
    [
        (TransactionOptions(), "select 1", False),
        (TransactionOptions(read_only=False), "select 1", False),
        (READ_ONLY, "select 1", True),
        (READ_ONLY, "with settings as (select 1) select * from settings", True),
        (READ_ONLY, "set transaction read write", False),
        (READ_ONLY, "/* a /* b */ */ reset transaction_read_only", False),
        (READ_ONLY, ";-- x\ncommit", False),
        (READ_ONLY, "prepare transaction 'x'", False),
        (IDEMPOTENT, "commit", True),
    ],
)
def test_what_is_read_only_may_be_sent_again_unless_it_can_leave_that(
    options: TransactionOptions, text: str, answer: bool
) -> None:
    assert is_repeatable(options, [Statement("select 1"), Statement(text)]) is answer
