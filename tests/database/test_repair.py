"""`sendoka repair`: what is wrong is named, what is written is said before, and nothing is written on a guess."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import neon
from sendoka.database.seam import Database
from sendoka.errors import AnswerLost, MigrationError, Outcome
from sendoka.migrations import alone
from sendoka.migrations.acceptance import accept
from sendoka.migrations.by_hand import mark_applied
from sendoka.migrations.repairer import write
from sendoka.migrations.settlement import settle

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from sendoka.database import Cells, Result, Statement, TransactionOptions
    from sendoka.local.postgres import Postgres
    from sendoka.migrations.files import Migration
    from tests.fixtures.checked import CheckedProject

    Direct = psycopg.Connection[Any]

BUILD = "create index concurrently pips on apples (pip)"
DONE = "select exists (select from pg_index where indexrelid = to_regclass('public.pips') and indisvalid)"
ROWS = "select name, state, checksum, digest, parent, applied_by from sendoka.migrations order by seq"


@pytest.fixture
def project(checked: CheckedProject, database_url: str, monkeypatch: pytest.MonkeyPatch) -> CheckedProject:
    """The project with its first migration applied; a second look comes at once."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setattr(alone, "APART", 0.01)
    checked("migrate")
    return checked


def rows(direct: Direct) -> list[tuple[Any, ...]]:
    return direct.execute(ROWS).fetchall()


def states(direct: Direct) -> list[tuple[str, str]]:
    return [row[:2] for row in rows(direct)]


def repair(project: CheckedProject, *arguments: str, status: int = 0) -> dict[str, Any]:
    return dict(json.loads(project("repair", "--json", *arguments, status=status)))


def git(project: CheckedProject, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *arguments], cwd=project.root, check=True, capture_output=True)


def edit(project: CheckedProject, old: str, new: str, name: str = "0000_apples") -> None:
    file = project.migrations / f"{name}.sql"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


# ------------------------------------------------------------------ --applied


def test_sql_that_was_run_by_hand_is_noted(project: CheckedProject, direct: Direct) -> None:
    first, second = project.own("one", "create table a ()"), project.own("two", "create table b ()")
    last = project.own("three", "create table c ()")
    said = project("repair", "--applied", "two", "--dry-run")
    for name in (first, second):
        assert f"would insert the row of {name}: seq" in said
    assert "state applied" in said
    assert last not in said
    assert states(direct) == [("0000_apples", "applied")]
    refused = project("repair", "--applied", second, status=4)
    assert "--yes writes it" in refused
    assert f"insert the row of {first}" in refused
    assert states(direct) == [("0000_apples", "applied")]
    done = repair(project, "--applied", second, "--yes")
    assert [each["migration"] for each in done["changes"]] == [first, second]
    assert done["written"] is True
    assert direct.execute("select to_regclass('public.a')").fetchone() == (None,)
    assert f"{second} is applied already" in project("repair", "--applied", second)
    project("migrate")
    assert [name for name, _ in states(direct)] == ["0000_apples", first, second, last]
    assert rows(direct)[2][4] == rows(direct)[1][2]


def test_it_begins_a_history_and_says_in_what_the_database_differs(
    checked: CheckedProject, database_url: str, monkeypatch: pytest.MonkeyPatch, direct: Direct
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    said = checked("repair", "--applied", "apples", "--yes")
    assert "the database differs from 0000_apples: table apples is missing" in said
    assert states(direct) == [("0000_apples", "applied")]


def test_a_false_done_when_is_refused_unless_anyway(project: CheckedProject, direct: Direct) -> None:
    name = project.own("build", BUILD, done_when=DONE)
    said = project("repair", "--applied", name, "--yes", status=1)
    assert f"{name} is not done: its done-when is false" in said
    assert "--anyway" in said
    assert len(rows(direct)) == 1
    project("repair", "--applied", name, "--yes", "--anyway")
    assert states(direct)[-1] == (name, "applied")


def test_only_what_is_pending_in_its_order_is_noted(project: CheckedProject, direct: Direct) -> None:
    assert "--applied other: there is no such migration in the folder" in project(
        "repair", "--applied", "other", "--yes", status=2
    )
    edit(project, "\n\n", "\n\n-- a word\n")
    project.own("one", "select 1")
    said = project("repair", "--applied", "one", "--yes", status=1)
    assert "0000_apples.sql was edited after it was applied" in said
    assert len(rows(direct)) == 1


# ------------------------------------------------------------------ --settle


@pytest.fixture
def begun(project: CheckedProject, direct: Direct) -> str:
    """A file without a transaction whose row says that it was begun, and of which nothing was run."""
    name = project.own("build", BUILD, done_when=DONE)
    project("repair", "--applied", name, "--yes", "--anyway")
    direct.execute("update sendoka.migrations set state = 'running' where name = %s", [name])
    return name


def test_what_is_done_is_closed(project: CheckedProject, begun: str, direct: Direct) -> None:
    direct.execute("create index pips on apples (pip)")
    assert "its done-when is true" in project("repair", "--settle", begun, "--as", "pending", "--yes", status=1)
    said = project("repair", "--settle", begun, "--yes")
    assert f"update the row of {begun}: state 'running' → 'applied'" in said
    assert states(direct)[-1] == (begun, "applied")
    assert "applied already" in project("repair", "--settle", begun, "--yes")


def test_what_nobody_works_on_is_left_to_migrate_or_becomes_pending(
    project: CheckedProject, begun: str, direct: Direct
) -> None:
    for options in ((), ("--as", "applied")):
        said = project("repair", "--settle", begun, "--yes", *options, status=1)
        assert "is not done, and nobody works on it" in said
        assert "takes it over" in said
        assert states(direct)[-1] == (begun, "running")
    said = project("repair", "--settle", begun, "--as", "pending", "--yes")
    assert f"delete the row of {begun}" in said
    assert len(rows(direct)) == 1
    assert begun in project("status")


def test_what_somebody_works_on_is_refused_with_who(
    project: CheckedProject, begun: str, direct: Direct, postgres: Postgres, database: str
) -> None:
    with postgres.databases.admin.to(database).connect() as worker:
        worker.autocommit = False
        worker.execute("lock table apples in share update exclusive mode")  # as every build holds it, to its end
        said = project("repair", "--settle", begun, "--as", "pending", "--yes", status=1)
        assert f"pid {worker.info.backend_pid}\n" in said
    assert f"{begun} is worked on, and is not settled from outside" in said
    assert states(direct)[-1] == (begun, "running")


def test_a_transaction_that_says_running_was_written_by_hand(project: CheckedProject, direct: Direct) -> None:
    direct.execute("update sendoka.migrations set state = 'running'")
    assert "--as applied, or --as pending" in project("repair", "--settle", "apples", "--yes", status=1)
    assert states(direct) == [("0000_apples", "running")]
    project("repair", "--settle", "apples", "--as", "applied", "--yes")
    assert states(direct) == [("0000_apples", "applied")]
    said = project("repair", "--settle", "apples", "--as", "pending", "--yes", status=1)
    assert "its statements would run twice" in said
    assert "sendoka generate --revert 0000_apples" in said
    name = project.own("one", "select 1")
    project("migrate")
    direct.execute("update sendoka.migrations set state = 'running' where seq = 0")
    said = project("repair", "--settle", "apples", "--as", "pending", "--yes", status=1)
    assert f"{name} follows 0000_apples, which is not finished" in said
    assert states(direct) == [("0000_apples", "running"), (name, "applied")]


def test_beside_an_unfinished_one_what_is_applied_is_applied(project: CheckedProject, begun: str) -> None:
    assert "0000_apples is applied already" in project("repair", "--applied", "apples", "--yes")
    later = project.own("one", "select 1")
    for name in (begun, later):
        said = project("repair", "--applied", name, "--yes", status=1)
        assert f"{begun} was begun and is not finished" in said
        assert f"sendoka repair --settle {begun}" in said


# ------------------------------------------------------------------ --accept


def test_an_edited_comment_is_accepted(project: CheckedProject, direct: Direct) -> None:
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "work")
    was = rows(direct)[0][2]
    edit(project, "\n\n", "\n\n-- why there are apples\n")
    assert "was edited after it was applied" in project("migrate", status=1)
    assert "repair: sendoka repair --accept 0000_apples" in project("repair", status=1)
    said = project("repair", "--accept", "apples", "--yes")
    assert f"checksum '{was}' → '" in said
    assert "every other database" in said
    checksum, digest = rows(direct)[0][2:4]
    assert checksum == digest != was
    project("migrate")
    project("repair")
    assert "no edit to accept" in project("repair", "--accept", "apples", "--yes")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("pip", "pit", "its statement 1 is another one"),
        ("\n\n", "\n\nselect 1\n--> statement-breakpoint\n", "it holds 2 statements, and held 1"),
        ("\n\n", "\n-- lock-timeout: 1s\n\n", "its header says something else"),
    ],
)
def test_an_edit_that_does_something_is_refused(
    project: CheckedProject, direct: Direct, old: str, new: str, says: str
) -> None:
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "work")
    before = rows(direct)
    edit(project, old, new)
    said = project("repair", "--accept", "apples", "--yes", status=1)
    assert says in said
    assert "put the change into a new migration" in said
    assert rows(direct) == before


def test_an_edit_of_what_nobody_knows_any_more_is_refused(project: CheckedProject, direct: Direct) -> None:
    before = rows(direct)
    edit(project, "\n\n", "\n\n-- a word\n")
    assert "was applied is not known: git knows no repository" in project(
        "repair", "--accept", "apples", "--yes", status=1
    )
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "too late")
    assert "is not known: no commit has it" in project("repair", "--accept", "apples", "--yes", status=1)
    assert rows(direct) == before


def test_what_is_not_applied_has_no_edit_to_accept(project: CheckedProject) -> None:
    name = project.own("one", "select 1")
    assert f"{name} is not applied in this database" in project("repair", "--accept", "one", "--yes", status=2)


def test_an_edit_below_the_newest_is_refused(project: CheckedProject, direct: Direct) -> None:
    name = project.own("one", "select 1")
    project("migrate")
    before = rows(direct)
    edit(project, "\n\n", "\n\n-- a word\n")
    said = project("repair", "--accept", "apples", "--yes", status=1)
    assert f"0000_apples is not the newest: {name} names it by its checksum" in said
    assert rows(direct) == before


# ------------------------------------------------------------------ a diagnosis


UNTIED = "alter table sendoka.migrations drop constraint migrations"
BY_HAND = (
    "insert into sendoka.migrations select 9, 'by_hand', {}, {}, 'x', 'applied', '', now(), null, '', '' "
    "from sendoka.migrations where seq = 2"
)

DAMAGES: list[tuple[str, str, str, list[str]]] = [
    (
        f"{UNTIED}_parent_fkey; delete from sendoka.migrations where seq = 1",
        "rows/parent",
        "its row follows one that is not there",
        ["table/key", "rows/parent", "rows/lost"],
    ),
    (
        f"{UNTIED}_checksum_key cascade; {BY_HAND.format('checksum', chr(39) + 'x' + chr(39))}",
        "rows/twice",
        "the history has it twice",
        ["table/key", "table/key", "rows/twice", "rows/twice"],
    ),
    (
        BY_HAND.format("'x'", "checksum"),
        "history/newer",
        "the database has it, and the folder has not",
        ["history/newer"],
    ),
    (
        "drop index sendoka.migrations_one_root",
        "table/key",
        "create unique index migrations_one_root on sendoka.migrations ((true)) where parent is null",
        ["table/key"],
    ),
    (
        "alter table sendoka.migrations alter column digest drop not null",
        "table/not-null",
        "alter table sendoka.migrations alter column digest set not null",
        ["table/not-null"],
    ),
    (
        "alter table sendoka.migrations drop column digest",
        "table/column",
        "sendoka.migrations has no column digest",
        ["table/column"],
    ),
    (
        "alter table sendoka.migrations alter column duration type text",
        "table/column",
        "alter table sendoka.migrations alter column duration type interval",
        ["table/column"],
    ),
    (
        "drop table sendoka.facts",
        "table/facts",
        "sendoka.facts is gone",
        ["table/facts"],
    ),
]


@pytest.mark.parametrize(("damage", "id_", "says", "ids"), DAMAGES, ids=[each[1] for each in DAMAGES])
def test_what_somebody_did_by_hand_is_named(
    project: CheckedProject, direct: Direct, damage: str, id_: str, says: str, ids: list[str]
) -> None:
    for word in ("one", "two"):
        project.own(word, "select 1")
    project("migrate")
    assert project("repair").endswith("nothing is wrong with the history\n")
    direct.execute(damage)
    told = repair(project, status=1)
    assert [each["id"] for each in told["problems"]] == ids
    printed = project("repair", status=1)
    assert id_ in printed
    assert says in printed
    assert all(each["migration"] in printed for each in told["problems"])


def test_a_history_without_rows_has_lost_none(project: CheckedProject, direct: Direct) -> None:
    """As a push leaves it in a new database."""
    project.own("one", "select 1")
    direct.execute("delete from sendoka.migrations")
    assert "nothing is wrong" in project("repair")


def test_an_unfinished_one_is_named_with_its_repair(project: CheckedProject, begun: str) -> None:
    (found,) = repair(project, status=1)["problems"]
    assert (found["id"], found["command"]) == ("history/running", f"sendoka repair --settle {begun}")


def test_a_role_that_may_not_write_is_told_so(project: CheckedProject, direct: Direct) -> None:
    name = project.own("one", "select 1")
    direct.execute("alter table sendoka.migrations owner to postgres; grant select on sendoka.migrations to public")
    said = project("repair", "--applied", name, "--yes", status=3)
    assert "may not keep its history: permission denied for table migrations" in said
    assert len(rows(direct)) == 1
    assert "nothing is wrong" in project("repair")
    direct.execute("revoke all on sendoka.migrations from public")
    assert "may not read the history" in project("repair", status=3)


def test_options_that_do_not_go_together(project: CheckedProject) -> None:
    together = ["--applied", "x", "--accept", "x"], ["--as", "pending"], ["--anyway", "--accept", "x"]
    alone = ["--yes"], ["--dry-run"], ["--scratch", "postgres://h/d", "--settle", "x"]
    for options in (*together, *alone):
        assert "error:" in project("repair", *options, status=2)


def test_words_that_two_files_have_are_not_guessed(project: CheckedProject, direct: Direct) -> None:
    first, second = project.own("seed", "select 1"), project.own("seed", "select 2")
    for option in ("--applied", "--accept"):
        said = project("repair", option, "seed", status=2)
        assert f"{option} seed fits more than one migration" in said
        assert f"{first}, {second}" in said
    project("migrate")
    assert "--settle seed fits more than one" in project("repair", "--settle", "seed", status=2)
    assert len(rows(direct)) == 3


def test_a_person_is_asked(project: CheckedProject, monkeypatch: pytest.MonkeyPatch, direct: Direct) -> None:
    name = project.own("one", "select 1")
    monkeypatch.setattr("sendoka.cli.repair.is_attended", lambda: True)
    monkeypatch.setattr("click.confirm", lambda *_, **__: False)
    assert "nothing was written" in project("repair", "--applied", name, status=1)
    assert len(rows(direct)) == 1
    monkeypatch.setattr("click.confirm", lambda *_, **__: True)
    assert project("repair", "--applied", name).endswith("written\n")
    assert len(rows(direct)) == 2


# ------------------------------------------------------------------ rivals and lost answers


class Cut(Database):
    """A database whose next writing transaction commits, and whose answer is lost; or is lost before it is sent."""

    def __init__(self, inner: Database, *, committed: bool) -> None:
        self.inner, self.committed, self.cut = inner, committed, False

    async def run(self, statement: Statement) -> Result[Cells]:
        return await self.inner.run(statement)

    async def run_all(self, statements: Sequence[Statement], options: TransactionOptions = ...) -> list[Result[Cells]]:  # type: ignore[assignment]
        if options.read_only or self.cut:
            return await self.inner.run_all(statements, options)
        self.cut = True
        if self.committed:
            await self.inner.run_all(statements, options)
        raise AnswerLost("the connection was cut", outcome=Outcome.UNKNOWN)


async def nothing(_: Migration) -> Sequence[str]:
    return ()


@pytest.mark.parametrize("kind", ["applied", "closed", "pending", "accepted"])
async def test_a_lost_answer_and_a_rival(project: CheckedProject, database_url: str, direct: Direct, kind: str) -> None:
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "work")
    old = (project.migrations / "0000_apples.sql").read_bytes()
    if kind == "applied":
        project.own("one", "select 1")
    elif kind == "accepted":
        edit(project, "\n\n", "\n\n-- a word\n")
    else:
        direct.execute("update sendoka.migrations set state = 'running'")

    async def planned(sql: Database) -> Any:
        if kind == "applied":
            return await mark_applied(sql, project.migrations, "one", nothing)
        if kind == "accepted":
            return await accept(sql, project.migrations, "apples", lambda _: [old])
        return await settle(sql, project.migrations, "apples", as_="pending" if kind == "pending" else "applied")

    before = rows(direct)
    async with neon(database_url, transport="native") as sql:
        cut = Cut(sql, committed=False)
        plan = await planned(cut)
        with pytest.raises(AnswerLost):
            await write(cut, plan)
        assert rows(direct) == before
        rival = await planned(sql)
        await write(Cut(sql, committed=True), plan)
        after = rows(direct)
        assert after != before
        with pytest.raises(MigrationError, match="the history changed while this was looked at"):
            await write(sql, rival)
        assert rows(direct) == after
