"""The statements of a migration as Postgres' grammar reads them: what is refused, where, and what is not."""

from __future__ import annotations

import pytest

from sendoka.migrations.comments import literal_flaws
from sendoka.migrations.folder import read_folder
from sendoka.migrations.grammar import statement_flaws
from sendoka.migrations.inspection import refuse_statements
from sendoka.script import BREAKPOINT
from tests.documents import ROOT

NAME = "0001_a"


def found(text: str, *, alone: bool = False) -> list[str]:
    return [flaw.kind for flaw in statement_flaws(NAME, text, alone=alone)]


@pytest.mark.parametrize(
    ("statement", "kind", "says"),
    [
        ("BEGIN", "transaction-command", "holds BEGIN"),
        ("start transaction", "transaction-command", "start transaction"),
        ("/* x */ commit", "transaction-command", "holds commit"),
        ("end", "transaction-command", "holds end"),
        ("abort", "transaction-command", "holds abort"),
        ("prepare transaction 'x'", "transaction-command", "holds prepare transaction"),
        ("commit prepared 'x'", "transaction-command", "holds commit prepared"),
        ("savepoint a", "transaction-command", "holds savepoint a"),
        ("rollback to a", "transaction-command", "holds rollback to a"),
        ("release a", "transaction-command", "holds release a"),
        ("create index concurrently i on t (a)", "no-transaction", "create index concurrently"),
        ("drop index concurrently i", "no-transaction", "done-when"),
        ("reindex (concurrently) table t", "no-transaction", "which cannot run in a transaction"),
        ("reindex index concurrently i", "no-transaction", "reindex index concurrently"),
        ("reindex schema s", "no-transaction", "reindex schema s"),
        ("alter table t detach partition p concurrently", "no-transaction", "alter table t"),
        ("vacuum full t", "no-transaction", "vacuum full t"),
        ("cluster", "no-transaction", "cluster"),
        ("create database d", "no-transaction", "create database d"),
        ("drop database d", "no-transaction", "drop database d"),
        ("alter database d set tablespace s", "no-transaction", "alter database d"),
        ("alter system set work_mem = '1MB'", "no-transaction", "alter system set"),
        ("create tablespace s location '/x'", "no-transaction", "create tablespace"),
        ("create subscription s connection '' publication p", "no-transaction", "create subscription s"),
        ("set role x", "session", "SET LOCAL ROLE"),
        ("set session authorization x", "session", "becomes another user"),
        ("set local session authorization x", "session", "becomes another user"),
        ("set search_path = a", "session", "SET LOCAL search_path"),
        ("set session search_path to a", "session", "sets search_path for longer"),
        ("set schema 'a'", "session", "sets search_path for longer"),
        ("reset role", "session", "sets role for longer"),
        ("reset all", "session", "all settings"),
        ("set local lock_timeout = '1s'", "session", "-- lock-timeout: 30s"),
        ("set local statement_timeout = 0", "session", "-- statement-timeout: 30s"),
        ("set transaction read only", "session", "sets what its transaction may do"),
        ("set session characteristics as transaction read only", "session", "for longer"),
        ("select pg_catalog.set_config('search_path', '', false)", "session", "true as its third argument"),
        ("select set_config('role', x, x is null) from y", "session", "sets role with set_config"),
        ("select set_config('lock_timeout', '1', true)", "session", "-- lock-timeout"),
        ("select pg_advisory_lock(1)", "session", "call pg_advisory_xact_lock"),
        ("select pg_try_advisory_lock_shared(1)", "session", "call pg_try_advisory_xact_lock_shared"),
        ("discard all", "session", "discard all"),
        ("listen x", "session", "listen x"),
        ("copy t from stdin", "session", "INSERT … VALUES"),
        ("delete from sendoka.migrations", "own-namespace", "touches the namespace sendoka"),
        ('drop table t, "sendoka".facts', "own-namespace", "touches"),
        ("drop schema if exists a, sendoka cascade", "own-namespace", "touches"),
        ("create schema sendoka", "own-namespace", "touches"),
        ("alter schema sendoka rename to x", "own-namespace", "touches"),
        ("alter table t set schema sendoka", "own-namespace", "touches"),
        ("create function sendoka.f() returns int language sql as 'select 1'", "own-namespace", "touches"),
        ("grant usage on schema sendoka to x", "own-namespace", "touches"),
        ("grant select on all tables in schema sendoka to x", "own-namespace", "touches"),
        ("alter default privileges in schema a, sendoka grant select on tables to x", "own-namespace", "touches"),
        ("create extension hstore schema sendoka", "own-namespace", "touches"),
        ("create table t (a int references sendoka.facts)", "own-namespace", "touches"),
        ('create view v as select * from U&"sendok\\0061".facts', "own-namespace", "touches"),
        ("create tabel t ()", "syntax", 'syntax error at or near "tabel"'),
        ("\\restrict x", "syntax", "psql"),
        ("select 'a", "syntax", "unterminated quoted string"),
    ],
)
def test_a_statement_that_does_not_belong_into_a_migration(statement: str, kind: str, says: str) -> None:
    text = f"-- sendoka: 0001_a\n\ncreate table t ();\n{BREAKPOINT}\n{statement};\n"
    (flaw,) = statement_flaws(NAME, text, alone=False)
    assert (flaw.kind, flaw.place, flaw.error.where) == (kind, "0001_a.sql:5", "0001_a.sql:5")
    assert says in str(flaw.error)
    assert flaw.error.todo


@pytest.mark.parametrize(
    "statement",
    [
        "set local role x",
        "set local search_path = a",
        "set constraints all deferred",
        "select set_config('app.tenant', 'x', true)",
        "create function f() returns int language sql set search_path = a as 'select 1'",
        "create function f() returns int begin atomic select 1; select 2; end",
        "do $$ begin perform 1; commit; end $$",
        "alter role x set search_path = a",
        "reindex table t",
        "cluster t using i",
        "analyze t",
        "refresh materialized view concurrently v",
        "alter table t detach partition p",
        "create subscription s connection '' publication p with (create_slot = false)",
        "alter type e add value 'x'",
        "copy t from '/x'",
        "select 'sendoka.migrations'",
        "create table sendoka (sendoka int, b int, primary key (sendoka, b))",
        "select sendoka.a from sendoka",
        "create table t (a int, b int generated always as (a * 2) virtual)",
        "select prepare_it()",
        "/* nothing */",
    ],
)
def test_a_statement_that_does(statement: str) -> None:
    assert found(f"{statement};") == []


def test_several_commands_are_named_where_the_second_begins() -> None:
    text = f"select 1\n{BREAKPOINT}\n-- é\nselect 'é';\n\n-- then\nselect 2;; select 3"
    (flaw,) = statement_flaws(NAME, text, alone=False)
    assert (flaw.kind, flaw.line) == ("several-commands", 7)
    assert "holds 3 commands as statement 2" in str(flaw.error)


def test_what_needs_no_transaction_may_stand_alone_and_so_may_anything_else() -> None:
    assert found("create index concurrently i on t (a)", alone=True) == []
    assert found("create index i on t (a)", alone=True) == []
    assert found("set role x", alone=True) == ["session"]


def test_a_position_is_counted_in_characters() -> None:
    (flaw,) = statement_flaws(NAME, "select 'ééé',\n  'é'\n  form t x y", alone=False)
    assert (flaw.kind, flaw.line) == ("syntax", 3)


@pytest.mark.parametrize(
    "query",
    [
        "select " + " + ".join(["1"] * 60),
        "select " + " + ".join(["1"] * 20_000),
        "select " + "+".join(["1"] * 50_000),
        "select " + "f(" * 300 + "1" + ")" * 300,
        "select '" + "-" * 5_000_000 + "'",
    ],
    ids=["deep", "deeper", "as deep as the stack", "nested", "large"],
)
def test_what_is_too_deep_or_too_large_to_be_read_is_no_fault(query: str) -> None:
    assert found(query) == []
    assert found(f"{query}; commit") == ["several-commands", "transaction-command"]


def test_a_seed_of_many_rows_is_read() -> None:
    rows = ", ".join(["('2026-01-01 10:00:00+00', 'a-b-c-d-e')"] * 3_000)
    assert found(f"insert into sendoka.t values {rows}") == ["own-namespace"]


def test_no_value_is_shown() -> None:
    text = "create subscription s connection 'password=geheim' publication p; alter system set x = 'geheim'"
    shown = "".join(str(flaw.error) for flaw in statement_flaws(NAME, text, alone=False))
    assert shown
    assert "geheim" not in shown


@pytest.mark.parametrize(
    ("before", "after", "called"),
    [
        ("select 'a", "b'", "literal"),
        ("select E'\\'", "'", "literal"),
        ("do $x$ begin", "end $x$", "literal"),
        ("select $$", "$$", "literal"),
        ('select 1 as "a', '"', "quoted name"),
        ("select 1 /* a /* b */", "*/", "comment"),
    ],
)
def test_a_breakpoint_that_tears_something_apart(before: str, after: str, called: str) -> None:
    text = f"select 1\n{BREAKPOINT}\n{before}\n  {BREAKPOINT}\n{after};\n{BREAKPOINT}\nvacuum"
    (flaw,) = literal_flaws(NAME, text)
    assert (flaw.kind, flaw.line) == ("breakpoint", 4)
    assert f"inside the {called} that begins in line 3" in str(flaw.error)
    assert found(text) == ["no-transaction"]  # of the two halves nothing more is said


@pytest.mark.parametrize(
    "text",
    [
        f"select 'a'\n{BREAKPOINT}\nselect 'b'",
        f"-- it's\n{BREAKPOINT}\nselect 'b'",
        f"/* a */\n{BREAKPOINT}\n/* b */ select 1",
        f"select '{BREAKPOINT}'",
        f"select $1, '$$'\n{BREAKPOINT}\nselect '$$'",
    ],
)
def test_a_breakpoint_that_tears_nothing_apart(text: str) -> None:
    assert literal_flaws(NAME, text) == []


def test_the_namespace_may_be_another() -> None:
    text = "drop table ours.migrations, sendoka.x"
    (flaw,) = statement_flaws(NAME, text, alone=False, namespace="ours")
    assert "touches the namespace ours" in str(flaw.error)


def test_the_migrations_of_this_project_are_sound() -> None:
    refuse_statements(read_folder(ROOT / "migrations"))
