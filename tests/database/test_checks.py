"""`check` of a live database, and of migrations that are run from nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import psycopg

    from sendoka.local.postgres import Postgres
    from tests.fixtures.checked import CheckedProject

    Direct = psycopg.Connection[Any]


@pytest.fixture
def live(checked: CheckedProject, database_url: str, monkeypatch: pytest.MonkeyPatch) -> CheckedProject:
    """The project with a database that it was migrated to."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    checked("migrate")
    return checked


@pytest.fixture
def scratch(postgres: Postgres) -> tuple[str, str]:
    """The options for a scratch server that runs already; one test takes a server of its own."""
    return ("--scratch", postgres.databases.admin.url)


def one(report: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (each for each in report["checks"] if each["name"] == name)
    return dict(found)


# ------------------------------------------------------------------ history


def test_a_database_that_has_the_folder_is_clean_and_what_is_pending_is_said(live: CheckedProject) -> None:
    live.own("more", "select 1")
    history = one(live.check("--history"), "history")
    assert history["verdict"] == "clean"
    assert history["says"].startswith("1 applied, 1 pending; ")
    assert "DATABASE_URL" not in history["says"]


def test_a_file_that_was_edited_after_it_was_applied(live: CheckedProject) -> None:
    file = live.migrations / "0000_apples.sql"
    file.write_text(file.read_text() + "-- a word\n")
    assert live.check()["findings"] == []
    (finding,) = live.check("--history", status=1)["findings"]
    assert (finding["id"], finding["file"]) == ("history/altered", "migrations/0000_apples.sql")
    assert "git checkout" in finding["instead"]


def test_a_database_that_went_on_without_the_folder(live: CheckedProject) -> None:
    name = live.own("more", "select 1")
    live("migrate")
    (live.migrations / f"{name}.sql").unlink()
    (live.migrations / "meta" / f"{name}.json").unlink()
    assert live.found("--history") == [("history/newer", name)]
    report = live.check("--drift", status=2)
    assert one(report, "drift")["verdict"] == "failed"
    assert "--history" in one(report, "drift")["error"]["todo"]


# ------------------------------------------------------------------ drift

DRIFTS = [
    ("select 1", [], ""),
    ("alter table apples add column worm int", [("drift/extra", "apples.worm")], "no applied migration made it"),
    ("alter table apples drop column pip", [("drift/missing", "apples.pip")], "the database has it not"),
    ("alter table apples alter pip type int using 1", [("drift/differs", "apples.pip")], "type is integer, not text"),
    ("alter table apples alter pip set not null", [("drift/differs", "apples.pip")], "not null is true, not false"),
    ("create table pears (id int)", [("drift/extra", "pears")], "table pears is in the database"),
    ("drop table apples", [("drift/missing", "apples")], "table apples was made by a migration"),
    ("create index worms on apples (pip)", [("drift/extra", "apples.worms")], "declare it in the schema"),
    (
        "alter table apples rename constraint apples_pkey to core",
        [("drift/differs", "apples.apples_pkey")],
        "called apples.core",
    ),
    ("create index on sendoka.migrations (name)", [], ""),
]


@pytest.mark.parametrize(("change", "found", "says"), DRIFTS)
def test_what_was_changed_by_hand_is_drift(
    live: CheckedProject, direct: Direct, change: str, found: list[tuple[str, str]], says: str
) -> None:
    direct.execute(change.encode())
    report = live.check("--drift", status=1 if found else 0)
    assert [(each["id"], each["place"]) for each in report["findings"]] == found
    assert all(says in f"{each['what']}; {each['instead']}" for each in report["findings"])
    assert "compared with meta/0000_apples.json" in one(report, "drift")["says"]


def test_a_text_that_postgres_spells_its_own_way_is_no_drift(live: CheckedProject, scratch: tuple[str, str]) -> None:
    live.table("apples", "Column('pip', Text)", "CheckConstraint(\"pip in ('a','b')\", name='pips')")
    live("generate", "--allow", "add-check:apples.pips")
    live("migrate")
    report = live.check("--drift", *scratch)
    assert one(report, "drift")["notes"] == []


def test_what_is_pending_is_not_expected_yet_and_what_is_not_managed_is_said(
    live: CheckedProject, direct: Direct
) -> None:
    live.table("pears")
    live("generate")
    direct.execute("create type span as range (subtype = int4)")
    report = live.check("--drift")
    assert "not managed, and not looked at: " in "".join(one(report, "drift")["notes"])
    assert "compared with meta/0000_apples.json" in one(report, "drift")["says"]


def test_what_was_pushed_counts_as_drift_and_is_said(live: CheckedProject) -> None:
    live("mark", "dev")
    live.table("pears")
    live("push")
    report = live.check("--drift", status=1)
    assert [each["id"] for each in report["findings"]] == ["ungenerated", "drift/extra"]
    assert "the database was pushed to" in "".join(one(report, "drift")["notes"])


def test_before_the_first_migration_nothing_is_expected(
    checked: CheckedProject, database_url: str, monkeypatch: pytest.MonkeyPatch, direct: Direct
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert one(checked.check("--drift", "--history"), "drift")["says"].startswith("nothing is applied yet")
    direct.execute("create table pears ()")
    assert checked.found("--drift") == [("drift/extra", "pears")]


def test_a_newest_migration_without_a_snapshot_cannot_be_compared(live: CheckedProject) -> None:
    live.own("more", "select 1")
    (live.migrations / "meta" / "0000_apples.json").unlink()
    drift = one(live.check("--drift", status=2), "drift")
    assert drift["verdict"] == "failed"
    assert "0000_apples, has no snapshot" in drift["says"]


@pytest.mark.parametrize("option", ["--history", "--drift"])
def test_a_database_that_cannot_be_asked_is_not_clean(
    live: CheckedProject, database_url: str, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{database_url}_not")
    said = live("check", option, status=3)
    assert f"error: {option[2:]} could not be made: " in said
    assert f"nothing found; could not be made: {option[2:]}" in said


# ------------------------------------------------------------------ replay


def test_a_chain_of_all_sorts_of_files_makes_the_schema(checked: CheckedProject) -> None:
    """On a server of our own: an index outside of a transaction, and a role that this server has not."""
    checked.table("apples", "Column('pip', Text, index=True)")
    checked("generate", "--online")
    checked.own("rights", "grant select on apples to picker", "revoke select on apples from picker")
    report = checked.check("--replay")
    assert "transaction: none" in "".join(path.read_text() for path in checked.migrations.glob("*.sql"))
    assert one(report, "replay")["says"].startswith("3 migrations on Postgres ")


def test_a_role_that_stays_on_a_given_server_is_passed_over_the_next_time(
    checked: CheckedProject, scratch: tuple[str, str], postgres: Postgres
) -> None:
    checked.own("roles", "create table hands ()", "create role left_over_picker", "drop table hands")
    try:
        for _ in range(2):
            assert one(checked.check("--replay", *scratch), "replay")["verdict"] == "clean"
    finally:
        with postgres.databases.admin.connect() as connection:
            connection.execute("drop role if exists left_over_picker")


def test_a_role_that_two_files_create_is_found(checked: CheckedProject) -> None:
    checked.own("one", "create role picker")
    name = checked.own("two", "create role picker")
    assert checked.found("--replay") == [("replay/failed", f"migrations/{name}.sql")]


FAILURES: list[tuple[tuple[str, ...], str | None, int | None, str]] = [
    (
        ("select 1", "select\n  nothing\nfrom apples"),
        None,
        7,
        'statement 2 of 2: select: column "nothing" does not exist (42703)',
    ),
    (("select 1; select 2",), None, 4, "cannot insert multiple commands"),
    (("-- a word\ncreate table apples ()",), None, 5, 'relation "apples" already exists (42P07)'),
    (("create index concurrently i on apples (pip)",), "select false", 6, "its done-when does not say that it is done"),
    (("create index concurrently i on apples (pop)",), "select true", 6, 'column "pop" does not exist'),
    (("create index concurrently i on apples (pip)",), None, 4, "cannot run inside a transaction block"),
    (
        (
            "create table a (id int unique deferrable initially deferred)",
            "insert into a values (1), (1)",
        ),
        None,
        None,
        "at COMMIT: duplicate key",
    ),
]


@pytest.mark.parametrize(("statements", "done_when", "line", "says"), FAILURES)
def test_a_file_that_fails_is_named_with_its_line_and_postgres_words(
    checked: CheckedProject,
    scratch: tuple[str, str],
    statements: tuple[str, ...],
    done_when: str | None,
    line: int | None,
    says: str,
) -> None:
    name = checked.own("bad", *statements, done_when=done_when)
    checked.own("after", "select nothing")
    found = checked.check("--replay", *scratch, status=1)["findings"]
    (finding,) = (each for each in found if each["id"].startswith("replay/"))  # the grammar finds some of them too
    assert (finding["id"], finding["file"]) == ("replay/failed", f"migrations/{name}.sql")
    assert says in finding["what"]
    assert finding["line"] == line


def test_a_migration_that_uses_a_since_renamed_column(checked: CheckedProject, scratch: tuple[str, str]) -> None:
    """Two branches: one renamed a column, the other one's file, made on top of it at last, still uses the old name."""
    checked.table("apples", "Column('core', Text)")
    checked("generate", "--rename", "apples.pip=apples.core")
    name = checked.own("fill", "update apples set pip = 'x' where pip is null")
    assert checked.check()["findings"] == []
    (finding,) = checked.check("--replay", *scratch, status=1)["findings"]
    assert (finding["id"], finding["file"], finding["line"]) == ("replay/failed", f"migrations/{name}.sql", 4)
    assert "statement 1 of 1: update apples set pip = 'x'" in finding["what"]
    assert 'column "pip"' in finding["what"]


DIFFERENCES = [
    ("alter table apples drop column pip", "apples.pip", "no migration makes it"),
    ("alter table apples add column worm int", "apples.worm", "it is not declared"),
    ("alter table apples alter pip type varchar(9)", "apples.pip", "not text"),
]


@pytest.mark.parametrize(("statement", "place", "says"), DIFFERENCES)
def test_a_chain_that_makes_another_schema(
    checked: CheckedProject, scratch: tuple[str, str], statement: str, place: str, says: str
) -> None:
    checked.own("by_hand", statement)
    assert checked.check()["findings"] == []
    (finding,) = checked.check("--replay", *scratch, status=1)["findings"]
    assert (finding["id"], finding["place"]) == ("replay/differs", place)
    assert says in finding["what"]


def test_what_is_not_generated_is_found_once(checked: CheckedProject, scratch: tuple[str, str]) -> None:
    checked.table("pears")
    report = checked.check("--replay", *scratch, status=1)
    assert [each["id"] for each in report["findings"]] == ["ungenerated"]
    assert "the newest snapshot" in one(report, "replay")["says"]


def test_a_server_that_lacks_an_extension_leaves_the_question_open(
    checked: CheckedProject, scratch: tuple[str, str]
) -> None:
    checked.own("vectors", "create extension no_such_extension")
    report = checked.check("--replay", *scratch, status=2)
    assert one(report, "replay")["verdict"] == "failed"
    assert "--scratch URL" in one(report, "replay")["error"]["todo"]


def test_a_scratch_server_that_cannot_be_reached_leaves_the_question_open(checked: CheckedProject) -> None:
    said = checked("check", "--replay", "--scratch", "postgresql://u:secret@127.0.0.1:1/x", status=2)
    assert "correct --scratch" in said
    assert "replay       not made" in said
    assert "secret" not in said
