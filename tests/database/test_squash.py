"""Many migrations as one: the same schema and rows, proved, and databases of every age that go on with it."""

from __future__ import annotations

import itertools
import json
import pathlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from sendoka.errors import AnswerMissing, MigrationError, MissingMigration, SchemaError, SettingsError
from sendoka.migrations import migrate, read_folder, status
from sendoka.migrations.files import parse, render
from sendoka.migrations.inspection import folder_findings
from sendoka.migrations.squasher import Requirement, Squash, squash, write_squash
from sendoka.migrations.tree import read_tree
from sendoka.schema.from_catalog import model_from_catalog
from sendoka.schema.from_snapshot import snapshot_of
from sendoka.schema.model import Model
from sendoka.scratch import Scratch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    import psycopg

    from sendoka import Neon
    from sendoka.local.postgres import Postgres
    from sendoka.migrations.files import Migration
    from sendoka.scratch import ScratchDatabase
    from tests.fixtures.checked import CheckedProject

SHOUT = (
    "create function shout() returns trigger language plpgsql as "
    "$$ begin new.up = coalesce(new.up, '') || '!'; return new; end $$"
)
FILES = (
    [
        "create type mood as enum ('sad')",
        "create table orgs (id text primary key, name text not null, mood mood)",
        "insert into orgs values ('o', 'Acme''s \"one\"\n', 'sad'), ('p', 'Ümlaut', null)",
    ],
    ["alter type mood add value 'happy'"],
    [
        "create table people (n bigint generated always as identity, org text references orgs, up text)",
        SHOUT,
        "create trigger shout before insert on people for each row execute function shout()",
        "insert into people (org) values ('o'), ('p')",
        "update orgs set mood = 'happy' where id = 'p'",
        "create sequence numbers",
        "select nextval('numbers'), nextval('numbers')",
    ],
    ["alter table orgs add size int"],
)


def fill(
    folder: Path,
    files: Sequence[Sequence[str]],
    *,
    snapshots: bool = True,
    end: str = ";",
    requires: Mapping[int, Sequence[str]] | None = None,
) -> list[Migration]:
    (folder / "meta").mkdir(parents=True)
    written: list[Migration] = []
    for number, statements in enumerate(files):
        name = f"{number:04d}_step"
        texts, waits_for = [each + end for each in statements], (requires or {}).get(number, ())
        parent = written[-1] if written else None
        migration = parse(name, render(name, parent, texts, (), requires=waits_for))
        (folder / f"{name}.sql").write_text(migration.text, encoding="utf-8")
        if snapshots:
            (folder / "meta" / f"{name}.json").write_text(snapshot_of(Model()), encoding="utf-8")
        written.append(migration)
    return written


class Squashed(Protocol):
    """Squashes a folder on the server of the tests."""

    async def __call__(
        self, folder: Path, to: str | None = None, name: str | None = None, without: Sequence[str] = ()
    ) -> Squash: ...


@pytest.fixture
def squashed(postgres: Postgres) -> Squashed:
    """Squashes a folder on the server of the tests."""

    async def squashed(
        folder: Path, to: str | None = None, name: str | None = None, without: Sequence[str] = ()
    ) -> Squash:
        async with Scratch(postgres.databases.admin.url) as scratch:

            @asynccontextmanager
            async def playground() -> AsyncIterator[ScratchDatabase]:
                async with scratch.database() as database:
                    yield database

            return await squash(folder, playground, to=to, name=name, without=without)

    return squashed


async def contents(sql: Neon) -> list[object]:
    rows = await sql("select id, name, mood::text, size from orgs order by 1")
    people = await sql("select n, org, up from people order by 1")
    return [*map(tuple, rows), *map(tuple, people), await sql("select last_value from numbers").value()]


async def test_a_new_database_is_the_same_and_every_older_one_goes_on(
    sql: Neon, tmp_path: Path, squashed: Squashed
) -> None:
    folder = tmp_path / "migrations"
    fill(folder, FILES)
    await migrate(sql, folder)
    before, made = await contents(sql), await model_from_catalog(sql)
    last = (folder / "0003_step.sql").read_bytes()
    found = await squashed(folder, to="0002", name="all")
    assert found.seeded == (("public.orgs", 2), ("public.people", 2))
    write_squash(found, folder)
    assert sorted(path.name for path in folder.rglob("*.*")) == [
        "0002_all.json",
        "0002_all.sql",
        "0003_step.json",
        "0003_step.sql",
    ]
    assert (folder / "0003_step.sql").read_bytes() == last
    # The database that ran all of them needs nothing, and says so.
    assert (await migrate(sql, folder, verify=True)).applied == ()
    assert [row.state for row in (await status(sql, folder)).rows] == ["applied"] * 4
    # A new one runs the one file, and what follows.
    await sql("drop schema public cascade")
    await sql("drop schema sendoka cascade")
    await sql("create schema public")
    report = await migrate(sql, folder)
    assert [each.name for each in report.applied] == ["0002_all", "0003_step"]
    assert await contents(sql) == before
    again = await model_from_catalog(sql)
    assert [each for each in again if each.kind != "grant"] == [each for each in made if each.kind != "grant"]


async def test_a_database_behind_it_is_told_the_way(sql: Neon, tmp_path: Path, squashed: Squashed) -> None:
    folder, old = tmp_path / "migrations", tmp_path / "old"
    fill(folder, FILES)
    fill(old, FILES[:2])
    await migrate(sql, old)
    write_squash(await squashed(folder, to="0002_step"), folder)
    with pytest.raises(
        MissingMigration, match="stands for files that this database has not: it ends at 0001_step"
    ) as e:
        await migrate(sql, folder)
    assert "folder as it was before the squash" in e.value.todo
    assert (await status(sql, folder)).state == "behind"


async def test_code_from_before_the_squash_finds_a_database_that_ran_it(
    sql: Neon, tmp_path: Path, squashed: Squashed
) -> None:
    folder, old = tmp_path / "migrations", tmp_path / "old"
    fill(folder, FILES)
    fill(old, FILES)
    write_squash(await squashed(folder), folder)
    await migrate(sql, folder)
    assert (await migrate(sql, old, verify=True)).applied == ()
    assert (await status(sql, old)).state == "applied"


@pytest.mark.parametrize("gone", [0, 1])
async def test_what_is_cut_off_while_it_is_written_has_lost_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, squashed: Squashed, gone: int
) -> None:
    folder = tmp_path / "migrations"
    files = fill(folder, FILES)
    found = await squashed(folder, to="1", name="all")
    with monkeypatch.context() as patch:
        patch.setattr(type(folder), "unlink", cut_after(2 * gone))
        with pytest.raises(OSError, match="cut"):
            write_squash(found, folder)
    assert (folder / "0001_all.sql").read_text(encoding="utf-8") == found.migration.text
    (finding, *_) = folder_findings(folder)
    says = "delete the files that it replaces" if gone == 0 else "`sendoka rebase` puts"
    assert says in finding.instead
    with pytest.raises(MigrationError, match=r"0001_all\.sql stands for all up to 0001_step\.sql, which is beside it"):
        read_tree(folder)
    for each in files[gone:2]:
        (folder / f"{each.name}.sql").unlink()
        (folder / "meta" / f"{each.name}.json").unlink()
    assert [each.name for each in read_folder(folder)] == ["0001_all", "0002_step", "0003_step"]


def cut_after(count: int) -> Callable[..., None]:
    """Return what stands for `Path.unlink` and fails after so many calls."""
    unlink, calls = pathlib.Path.unlink, itertools.count()

    def cut(path: Path, **options: bool) -> None:
        if next(calls) >= count:
            raise OSError("cut")
        unlink(path, **options)

    return cut


async def test_squashed_once_more_it_still_begins_where_it_began(tmp_path: Path, squashed: Squashed) -> None:
    folder = tmp_path / "migrations"
    fill(folder, FILES)
    write_squash(await squashed(folder, to="1"), folder)
    found = await squashed(folder)
    assert found.migration.replaces is not None
    assert (found.migration.replaces.first, found.migration.replaces.last) == ("0000_step", "0003_step")
    write_squash(found, folder)
    assert [each.number for each in read_folder(folder)] == [3]


MANY = "insert into t select generate_series(1, 1001)"
CIRCLE = [
    "create table a (id int primary key, b int)",
    "create table b (id int primary key, a int references a)",
    "insert into a values (1, 1)",
    "insert into b values (1, 1)",
    "alter table a add foreign key (b) references b",
]
REFUSED: list[tuple[list[list[str]], str]] = [
    ([["select 1"]], "there is nothing to squash"),
    ([["create table t (a int)"], [MANY]], "put 1001 rows into t, and a file carries 1000 at most"),
    ([CIRCLE, ["select 1"]], "put rows into (a and b|b and a)( and [ab])?, which point at each other"),
    ([["create publication p for all tables"], ["select 1"]], "differs in publication p"),
]


@pytest.mark.parametrize(("files", "says"), REFUSED)
async def test_what_one_file_cannot_do_is_refused(
    tmp_path: Path, files: list[list[str]], says: str, squashed: Squashed
) -> None:
    folder = tmp_path / "migrations"
    fill(folder, files)
    before = sorted(path.name for path in folder.rglob("*"))
    with pytest.raises(MigrationError, match=says):
        await squashed(folder)
    assert sorted(path.name for path in folder.rglob("*")) == before


async def test_a_file_that_is_not_there_or_has_no_snapshot_is_named(tmp_path: Path, squashed: Squashed) -> None:
    folder = tmp_path / "migrations"
    fill(folder, FILES[:2], snapshots=False)
    with pytest.raises(SettingsError, match="--to 0007: there is no such migration in the folder"):
        await squashed(folder, to="0007")
    with pytest.raises(SettingsError, match="--to step fits more than one migration"):
        await squashed(folder, to="step")
    with pytest.raises(MissingMigration, match=r"meta/0001_step\.json is missing"):
        await squashed(folder)
    (folder / "meta" / "0001_step.json").write_text(snapshot_of(Model()) + "x")
    with pytest.raises(SchemaError, match="not whole JSON"):
        await squashed(folder)


# None of them ends in a semicolon, and each says something that is easily lost on the way.
DELICATE = [
    "create table notes (n bigint generated always as identity, said text) -- and no more",
    "insert into notes (said) values (e'one\n\\\\set two\n\\\\connect three')",
    "alter table notes alter n restart with 1000",
    "create sequence lone start 5",
    "select nextval('lone')",
    "create materialized view kept as select said from notes",
    "create materialized view again as select said || '!' as said from kept",
    "create table secrets (n int, float float8, day date)",
    "insert into secrets values (1, 0.1::float8 + 0.2, '2026-02-01')",
    "alter table secrets enable row level security",
    "alter table secrets force row level security",
    "create policy few on secrets using (n > 5)",
    "do $$ begin execute format('alter database %I set datestyle = german', current_database()); end $$",
    "do $$ begin execute format('alter database %I set extra_float_digits = -5', current_database()); end $$",
]
KEPT = (
    "select (select said from notes), nextval('notes_n_seq'), nextval('lone'), (select said from again)",
    "select n, float = 0.1::float8 + 0.2, to_char(day, 'YYYY-MM-DD') from secrets",
)


async def test_nothing_of_a_file_is_lost_on_the_way(
    sql: Neon, direct: psycopg.Connection[tuple[Any, ...]], tmp_path: Path, squashed: Squashed
) -> None:
    folder = tmp_path / "migrations"
    fill(folder, [DELICATE, ["select 1"]], end="")
    write_squash(await squashed(folder), folder)
    await migrate(sql, folder)
    assert direct.execute(KEPT[0]).fetchone() == (
        "one\n\\set two\n\\connect three",
        1000,
        6,
        "one\n\\set two\n\\connect three!",
    )
    assert direct.execute(KEPT[1]).fetchone() == (1, True, "2026-02-01")
    assert direct.execute("select relforcerowsecurity from pg_class where relname = 'secrets'").fetchone() == (True,)


async def test_rows_of_a_view_that_it_would_not_have_are_refused(tmp_path: Path, squashed: Squashed) -> None:
    folder = tmp_path / "migrations"
    stale = ["create table t (a int)", "create materialized view v as select a from t", "insert into t values (1), (2)"]
    fill(folder, [[*stale, "refresh materialized view v", "delete from t where a = 2"], ["select 1"]])
    with pytest.raises(MigrationError, match="differs in rows of materialized views"):
        await squashed(folder)


async def test_a_file_that_does_not_run_from_nothing_is_named(tmp_path: Path, squashed: Squashed) -> None:
    folder = tmp_path / "migrations"
    fill(folder, [["create table t (a int)"], ["select 1", "insert into u values (1)"]])
    with pytest.raises(MigrationError, match=r'0001_step\.sql cannot be run from nothing: relation "u" does') as e:
        await squashed(folder)
    assert "statement 2 of 2" in e.value.where


# The rows go before the last file, so the end alone does not show that a backfill had any to copy.
COPIED = (
    ["create table old (a int)", "create table new (a int)"],
    ["insert into old values (1)"],
    ["drop table old"],
    ["alter table new add b int"],
)


async def test_a_required_backfill_that_finds_rows_is_never_dropped_in_silence(
    sql: Neon, tmp_path: Path, squashed: Squashed
) -> None:
    folder = tmp_path / "migrations"
    fill(folder, COPIED, requires={1: ["early"], 2: ["copy", "copy_more"]})
    before = sorted(path.name for path in folder.rglob("*"))
    with pytest.raises(AnswerMissing, match="one file cannot wait for a backfill") as asked:
        await squashed(folder)
    assert asked.value.where == (
        "0002_step.sql requires copy, and the files before it put rows into old\n"
        "0002_step.sql requires copy_more, and the files before it put rows into old"
    )
    assert "--without-backfill copy --without-backfill copy_more" in asked.value.todo
    with pytest.raises(AnswerMissing) as rest:
        await squashed(folder, without=["copy"])
    assert [each["answers"] for each in rest.value.questions] == [[["--without-backfill", "copy_more"]]]
    assert sorted(path.name for path in folder.rglob("*")) == before
    found = await squashed(folder, without=["copy", "copy_more"])
    assert found.dropped == (
        Requirement("0001_step", "early", ()),
        Requirement("0002_step", "copy", ("old",)),
        Requirement("0002_step", "copy_more", ("old",)),
    )
    # A file that waited for a backfill could never be the first of a database.
    assert found.migration.requires == ()
    write_squash(found, folder)
    assert [each.name for each in (await migrate(sql, folder)).applied] == [found.migration.name]


async def test_a_backfill_that_no_file_requires_is_not_left_out(tmp_path: Path, squashed: Squashed) -> None:
    folder = tmp_path / "migrations"
    fill(folder, COPIED, requires={2: ["copy"]})
    with pytest.raises(SettingsError, match="--without-backfill cpoy: none of the files that go requires it") as e:
        await squashed(folder, without=["cpoy"])
    assert e.value.todo == "they require copy"
    with pytest.raises(SettingsError, match="none of the files that go requires it"):
        await squashed(folder, to="1", without=["copy"])


def test_the_command_says_what_it_leaves_out_and_where_it_wrote(
    checked: CheckedProject, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> None:
    checked.own("seeds", "insert into apples values ('a', 'b')")
    name = checked.own("later", "select 1")
    file = checked.migrations / f"{name}.sql"
    file.write_text(file.read_text().replace("\n\n", "\n-- requires-backfill: pips\n\n", 1))
    elsewhere = tmp_path_factory.mktemp("outside") / "migrations"
    checked.migrations.rename(elsewhere)
    (checked.root / "pyproject.toml").write_text(f'[tool.sendoka]\nmigrations = "{elsewhere}"\n')
    server = ("--scratch", postgres.databases.admin.url)
    assert "--without-backfill pips" in checked("squash", *server, status=4)
    told = json.loads(checked("squash", *server, "--json", "--dry-run", "--without-backfill", "pips"))
    assert told["dropped"] == [{"migration": name, "backfill": "pips", "tables": ["apples"]}]
    said = checked("squash", *server, "--name", "all", "--without-backfill", "pips")
    assert f"does without the backfill pips, which {name} required: rows of apples" in said
    assert "commit the folder: " in said
    assert str(elsewhere / "0002_all.sql") in said
    assert "nothing was written" not in said
