"""Databases that something else made: what they are is noted, nothing is run, and nothing is taken on trust."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.database.seam import Database
from sendoka.errors import AnswerLost, MigrationError, Outcome, SchemaError, SettingsError
from sendoka.migrations import migrate, status
from sendoka.migrations.adopter import adopt
from sendoka.pull import pulled, write
from sendoka.schema.diff import diff
from sendoka.schema.from_catalog import model_from_catalog
from tests.fixtures.generated import generate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sendoka import Neon
    from sendoka.database.statement import Cells, Result, Statement
    from sendoka.migrations.adopter import Adoption
    from sendoka.schema.diff import Changes
    from sendoka.schema.model import Model

MADE = "create table orgs (id text primary key, name text not null)"
FIRST, SECOND = "0000_same_kat_farrell", "0001_pink_devos"
TEXTS = {FIRST: MADE + ";", SECOND: "create index orgs_name on orgs (name);"}


async def found(there: Model, wanted: Model) -> Changes:
    return diff(there, wanted)


class Place:
    """A project's folders, and the two commands of the tests."""

    def __init__(self, root: Path) -> None:
        self.schema, self.migrations, self.drizzle = root / "schema", root / "migrations", root / "drizzle"

    async def pull(self, sql: Neon) -> None:
        write(pulled(await model_from_catalog(sql), self.schema), force=True)

    async def adopt(self, sql: Database, **options: Any) -> Adoption:
        return await adopt(sql, self.schema, self.migrations, found, **options)

    def journal(self, *names: str) -> None:
        """Write drizzle's folder of 0.x."""
        (self.drizzle / "meta").mkdir(parents=True, exist_ok=True)
        entries = [{"tag": name, "when": 1000 + at} for at, name in enumerate(names)]
        (self.drizzle / "meta" / "_journal.json").write_text(json.dumps({"entries": entries}))
        for name in names:
            (self.drizzle / f"{name}.sql").write_text(TEXTS[name])


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


async def note(sql: Neon, *names: str) -> None:
    """Make what drizzle makes, and note these migrations as 0.x does."""
    await sql("create schema if not exists drizzle")
    await sql(
        "create table if not exists drizzle.__drizzle_migrations (id serial primary key, hash text not null, "
        "created_at bigint)"
    )
    for name in names:
        await sql(TEXTS[name])
        await sql(
            "insert into drizzle.__drizzle_migrations (hash, created_at) values ($1, $2)",
            sha256(TEXTS[name].encode()).hexdigest(),
            1000 + list(TEXTS).index(name),
        )


async def test_a_database_in_use_goes_on_from_a_baseline(sql: Neon, place: Place) -> None:
    await sql(MADE)
    await sql("insert into orgs values ('o', 'Acme')")
    await place.pull(sql)
    dry = await place.adopt(sql, dry_run=True)
    assert (dry.noted, dry.written, place.migrations.exists()) == (("0000_baseline",), None, False)
    assert (await status_of(sql, place)) == []
    done = await place.adopt(sql)
    assert done.noted == ("0000_baseline",)
    assert done.written is not None
    assert (await migrate(sql, place.migrations)).applied == ()
    assert (await place.adopt(sql)).already
    (place.schema / "orgs.py").write_text(
        (place.schema / "orgs.py").read_text().replace("    metadata,\n", '    metadata,\n    Column("size", Text),\n')
    )
    generate(place.schema, place.migrations, name="size")
    report = await migrate(sql, place.migrations)
    assert [each.name for each in report.applied] == ["0001_size"]
    assert await sql("select id, name, size from orgs").result() is not None


async def status_of(sql: Neon, place: Place) -> list[str]:
    return [row.state for row in (await status(sql, place.migrations)).rows] if place.migrations.exists() else []


async def test_a_further_database_is_noted_up_to_what_it_equals(sql: Neon, place: Place) -> None:
    await sql(MADE)
    await place.pull(sql)
    await place.adopt(sql)
    await sql("drop schema sendoka cascade")
    module = place.schema / "orgs.py"
    module.write_text(module.read_text().replace("    metadata,\n", '    metadata,\n    Column("size", Text),\n'))
    generate(place.schema, place.migrations, name="size")
    done = await place.adopt(sql)
    assert (done.noted, done.pending, done.written) == (("0000_baseline",), ("0001_size",), None)
    assert [each.name for each in (await migrate(sql, place.migrations)).applied] == ["0001_size"]
    assert await status_of(sql, place) == ["applied", "applied"]


async def test_what_differs_is_named_and_nothing_is_done(sql: Neon, place: Place) -> None:
    await sql(MADE)
    await place.pull(sql)
    await sql("alter table orgs add beside text")
    with pytest.raises(
        MigrationError, match=r"is not what schema/ declares: column orgs.beside is in the database"
    ) as e:
        await place.adopt(sql)
    assert "sendoka pull" in e.value.todo
    assert not place.migrations.exists()
    assert await sql("select to_regnamespace('sendoka')").value() is None


async def test_drizzle_s_history_is_taken_over_and_nothing_runs_again(sql: Neon, place: Place) -> None:
    await note(sql, *TEXTS)
    place.journal(*TEXTS)
    await place.pull(sql)
    assert sorted(path.name for path in place.schema.glob("[a-z]*.py")) == ["orgs.py"]
    with pytest.raises(MigrationError, match="drizzle keeps its history in this database") as caught:
        await place.adopt(sql)
    assert "--drizzle FOLDER" in caught.value.todo
    done = await place.adopt(sql, drizzle=place.drizzle)
    assert done.adopted is not None
    assert done.adopted.name == SECOND
    assert "-- adopts: drizzle.__drizzle_migrations 0001_pink_devos sha256:" in (
        place.migrations / "0000_baseline.sql"
    ).read_text("utf-8")
    assert any("drizzle keeps its history" in each for each in done.unmanaged)
    # Another database of the fleet takes itself over when it is migrated.
    await sql("drop schema sendoka cascade")
    report = await migrate(sql, place.migrations)
    assert [(each.name, each.recorded) for each in report.applied] == [("0000_baseline", True)]
    assert (await migrate(sql, place.migrations)).applied == ()
    # A new one, where drizzle never was, is made by the file.
    await sql("drop schema sendoka cascade")
    await sql("drop schema drizzle cascade")
    await sql("drop table orgs")
    report = await migrate(sql, place.migrations)
    assert [(each.name, each.recorded) for each in report.applied] == [("0000_baseline", False)]


async def test_a_database_that_drizzle_left_elsewhere_stops(sql: Neon, place: Place) -> None:
    await note(sql, *TEXTS)
    place.journal(*TEXTS)
    await place.pull(sql)
    await place.adopt(sql, drizzle=place.drizzle)
    await sql("drop schema sendoka cascade")
    await sql("delete from drizzle.__drizzle_migrations where id = 2")
    with pytest.raises(MigrationError, match="stands for what drizzle ran up to 0001_pink_devos") as caught:
        await migrate(sql, place.migrations)
    assert "run drizzle's migrator once more" in caught.value.todo
    await sql("insert into drizzle.__drizzle_migrations (hash, created_at) values ('x', 5000)")
    with pytest.raises(MigrationError, match="this database is elsewhere") as caught:
        await migrate(sql, place.migrations)
    assert "drizzle ran more here" in caught.value.todo
    assert await sql("select to_regnamespace('sendoka')").value() is None


TWICE = (
    "insert into drizzle.__drizzle_migrations (hash, created_at) "
    "select hash, created_at from drizzle.__drizzle_migrations where id = 1"
)
WRONG = [
    (TWICE, "noted 0000_same_kat_farrell 2 times"),
    ("update drizzle.__drizzle_migrations set hash = 'x' where id = 1", "was edited after drizzle ran it"),
    ("update drizzle.__drizzle_migrations set created_at = 7 where id = 1", "not in the folder: row 1"),
    ("delete from drizzle.__drizzle_migrations where id = 1", "drizzle never ran 0000_same_kat_farrell here"),
    ("delete from drizzle.__drizzle_migrations where id = 2", "drizzle has not run 0001_pink_devos here yet"),
    ("delete from drizzle.__drizzle_migrations", "drizzle ran nothing in this database: .* is empty"),
    ("drop table drizzle.__drizzle_migrations", "drizzle ran nothing in this database: .* is not there"),
    ("alter table drizzle.__drizzle_migrations rename hash to digest", "is no table of drizzle's"),
    ("update drizzle.__drizzle_migrations set created_at = null where id = 1", "a row that drizzle did not write"),
]


@pytest.mark.parametrize(("change", "says"), WRONG)
async def test_rows_and_folder_that_do_not_go_together_are_refused(
    sql: Neon, place: Place, change: str, says: str
) -> None:
    await note(sql, *TEXTS)
    place.journal(*TEXTS)
    await sql(change)
    with pytest.raises(MigrationError, match=says):
        await place.adopt(sql, drizzle=place.drizzle)
    assert not place.migrations.exists()


async def test_what_drizzle_never_filled_is_nothing_of_it(sql: Neon, place: Place) -> None:
    await note(sql)
    await sql(MADE)
    await place.pull(sql)
    with pytest.raises(SettingsError, match="is no folder of drizzle's") as no_folder:
        await place.adopt(sql, drizzle=place.schema)
    assert "meta/_journal.json" in no_folder.value.where
    assert (await place.adopt(sql)).noted == ("0000_baseline",)


class Meddling(Database):
    """Lets something happen right before, or right after, the first transaction that writes."""

    def __init__(self, database: Neon, *, before: str = "", lost: bool = False, twice: bool = False) -> None:
        self.database, self.before, self.lost, self.twice = database, before, lost, twice

    async def run(self, statement: Statement) -> Result[Cells]:
        return await self.database.run(statement)

    async def run_all(self, statements: Sequence[Statement], options: Any = None) -> list[Result[Cells]]:
        writes = not options.read_only
        if writes and self.before:
            await self.database(self.before)
        results = await self.database.run_all(statements, options)
        if writes and self.lost:
            self.lost = False
            raise AnswerLost("the connection was cut", outcome=Outcome.UNKNOWN)
        if writes and self.twice:
            self.twice = False
            return await self.database.run_all(statements, options)
        return results


async def test_a_database_that_changes_meanwhile_is_not_noted(sql: Neon, place: Place) -> None:
    await sql(MADE)
    await place.pull(sql)
    with pytest.raises(MigrationError, match="changed while it was compared"):
        await place.adopt(Meddling(sql, before="alter table orgs add beside text"))
    assert await sql("select to_regclass('sendoka.migrations')").value() is None


@pytest.mark.parametrize("mishap", [{"lost": True}, {"twice": True}])
async def test_an_answer_that_is_lost_or_comes_from_another_sending_does_no_harm(
    sql: Neon, place: Place, mishap: Any
) -> None:
    await sql(MADE)
    await place.pull(sql)
    assert (await place.adopt(Meddling(sql, **mishap))).noted == ("0000_baseline",)
    assert (place.migrations / "0000_baseline.sql").is_file()
    assert await status_of(sql, place) == ["applied"]


async def test_nothing_to_adopt_is_said(sql: Neon, place: Place) -> None:
    with pytest.raises(MigrationError, match="this database is empty: there is nothing to adopt"):
        await place.adopt(sql)
    await sql(MADE)
    with pytest.raises(SchemaError, match="there is no schema folder") as no_schema:
        await place.adopt(sql)
    assert "sendoka pull" in no_schema.value.todo
    await place.pull(sql)
    await place.adopt(sql)
    await sql("drop schema sendoka cascade")
    root = place.migrations / "0000_baseline.sql"
    root.write_text(root.read_text().replace("\n\n", "\n-- requires-backfill: names\n\n", 1))
    assert (await place.adopt(sql, dry_run=True)).unasked == (("0000_baseline", "names"),)
    await sql("alter table orgs drop column name, add other text")
    with pytest.raises(MigrationError, match=r"column orgs\.name is missing") as other:
        await place.adopt(sql)
    assert "column orgs.other is in the database alone" in str(other.value)


async def test_a_role_that_may_not_read_drizzle_s_rows_is_told_the_grant(sql: Neon, direct: Any, place: Place) -> None:
    direct.execute("create schema drizzle")
    direct.execute("create table drizzle.__drizzle_migrations (id serial primary key, hash text, created_at bigint)")
    await sql(MADE)
    await place.pull(sql)
    for grant in ("select 1", "grant usage on schema drizzle to public"):
        direct.execute(grant)
        with pytest.raises(MigrationError, match="may not read what drizzle noted: permission denied for") as caught:
            await place.adopt(sql)
        assert 'select on "drizzle"."__drizzle_migrations" to the role' in caught.value.todo


async def test_a_role_that_may_not_create_our_tables_is_told_the_grant_and_nothing_is_written(
    sql: Neon, direct: Any, place: Place
) -> None:
    await sql(MADE)
    await place.pull(sql)
    name = direct.info.dbname
    direct.execute(f'alter database "{name}" owner to {direct.info.user}')
    with pytest.raises(MigrationError, match="may not keep its history: permission denied for database") as caught:
        await place.adopt(sql)
    assert "grant create on database" in caught.value.todo
    assert list(place.migrations.rglob("*.*")) == []
    direct.execute(f'grant create on database "{name}" to public')
    assert (await place.adopt(sql)).noted == ("0000_baseline",)
