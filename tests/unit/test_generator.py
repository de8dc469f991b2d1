"""`generate`: files from a schema, twice the same, and every way it refuses."""

from __future__ import annotations

import errno
import json
import re
from pathlib import Path
from typing import IO, Any

import pytest
from click.testing import CliRunner

from sendoka.cli.generate import generate as command
from sendoka.errors import (
    AnswerMissing,
    ChecksumMismatch,
    MissingMigration,
    SchemaError,
    SettingsError,
)
from sendoka.migrations.folder import read_folder
from sendoka.migrations.generator import Choices, custom, draft, ungenerated, write
from sendoka.migrations.names import ADJECTIVES, NOUNS, file_name, two_words
from sendoka.migrations.snapshots import newest_model
from sendoka.schema.answers import Answers
from sendoka.schema.from_python import model_from_folder
from tests.fixtures.generated import generate

APPLICATION = Path(__file__).parent.parent.parent

INIT = "from sqlalchemy import *\nmetadata = MetaData()\n"
HEAD = "from sqlalchemy import *\nfrom . import metadata\n"


class Project:
    """A schema folder whose one table is written anew by `table`, and a migrations folder."""

    def __init__(self, root: Path) -> None:
        self.schema, self.migrations = root / "schema", root / "migrations"
        self.schema.mkdir()
        (self.schema / "__init__.py").write_text(INIT, encoding="utf-8")

    def table(self, *columns: str, name: str = "t") -> None:
        """Write the table with these columns beside its key."""
        parts = ", ".join(["Column('id', Text, primary_key=True)", *columns])
        text = f"{HEAD}{name} = Table({name!r}, metadata, {parts})\n# {len(parts)} characters\n"
        (self.schema / f"{name}.py").write_text(text, encoding="utf-8")

    def files(self) -> dict[str, bytes]:
        """Return every file of the migrations folder."""
        found = [path for path in self.migrations.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.migrations)): path.read_bytes() for path in found}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.table("Column('body', Text)")
    return made


def test_the_first_migration_makes_the_schema_and_a_second_run_writes_nothing(project: Project) -> None:
    written = generate(project.schema, project.migrations)
    assert written is not None
    (migration,) = written.migrations
    assert re.fullmatch(r"0000_[a-z]+_[a-z]+", migration.name)
    assert migration.text == (
        f"-- sendoka: {migration.name}\n-- parent: none\n\n"
        'CREATE TABLE "public"."t" (\n'
        '    "id" text NOT NULL,\n'
        '    "body" text,\n'
        '    CONSTRAINT "t_pkey" PRIMARY KEY ("id")\n'
        ");\n"
    )
    assert [str(path.relative_to(project.migrations)) for path in written.paths] == [
        f"{migration.name}.sql",
        f"meta/{migration.name}.json",
    ]
    before = project.files()
    assert generate(project.schema, project.migrations) is None
    assert project.files() == before


def test_changes_follow_each_other_in_a_chain_and_the_newest_snapshot_is_the_schema(project: Project) -> None:
    assert ungenerated(project.schema, project.migrations) == ("table t is new",)
    generate(project.schema, project.migrations)
    project.table("Column('body', Text)", "Column('size', Integer)")
    assert ungenerated(project.schema, project.migrations) == ("column t.size is new",)
    written = generate(project.schema, project.migrations, name="Add the size")
    assert written is not None
    assert written.migrations[0].name == "0001_add_the_size"
    first, second = read_folder(project.migrations)
    assert second.parent is not None
    assert (second.parent.name, second.parent.checksum) == (first.name, first.checksum)
    assert newest_model(project.migrations, [first, second]) == model_from_folder(project.schema)
    assert ungenerated(project.schema, project.migrations) == ()


def test_the_same_schema_gives_the_same_files_everywhere(project: Project, tmp_path: Path) -> None:
    other = tmp_path / "other"
    generate(project.schema, project.migrations)
    generate(project.schema, other)
    assert {path.name: path.read_bytes() for path in other.rglob("*.*")} == {
        Path(name).name: content for name, content in project.files().items()
    }


def test_a_dry_run_writes_nothing(project: Project) -> None:
    found = draft(project.schema, project.migrations, Choices())
    assert found is not None
    assert json.loads(found.snapshot)["objects"]
    assert not project.migrations.exists()


def test_of_files_that_cannot_all_be_written_none_is_left(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    generate(project.schema, project.migrations)
    before = project.files()
    project.table("Column('size', Integer, index=True)")
    found = draft(
        project.schema, project.migrations, Choices(answers=Answers(allow=("drop-column:t.body",)), online=True)
    )
    assert found is not None
    assert len(found.migrations) > 1
    opened = Path.open

    def full(path: Path, *args: str, **options: str) -> IO[Any]:
        if path.name == f"{found.newest.name}.sql":
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return opened(path, *args, **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(OSError, match="No space left"):
        write(found, project.migrations)
    monkeypatch.undo()
    assert project.files() == before


def test_what_does_not_belong_into_a_migration_is_not_written(project: Project) -> None:
    project.table("""Column('n', Text, server_default=text("set_config('role', 'x', false)"))""")
    with pytest.raises(SchemaError, match=r"sets role with set_config(?s:.)*true as its third argument"):
        generate(project.schema, project.migrations)
    assert not project.migrations.exists()


def test_answers_are_kept_in_the_header(project: Project) -> None:
    project.table("Column('body', Text)", "Column('legacy', Text)")
    generate(project.schema, project.migrations)
    project.table("Column('text', Text)")
    before = project.files()
    with pytest.raises(AnswerMissing, match=r"--rename t\.body=t\.text, or --allow drop-column:t\.body"):
        generate(project.schema, project.migrations)
    assert project.files() == before
    written = generate(project.schema, project.migrations, renames=["t.body=t.text"], allow=["drop-column:t.legacy"])
    assert written is not None
    assert written.migrations[0].answers == (
        ("renamed", "column t.body -> t.text"),
        ("allowed", "drop-column t.legacy"),
    )
    assert read_folder(project.migrations)[1].statements == [
        'ALTER TABLE "public"."t" RENAME COLUMN "body" TO "text";',
        'ALTER TABLE "public"."t" DROP COLUMN "legacy";',
    ]


def test_an_answer_about_a_strange_name_stays_on_its_line(project: Project) -> None:
    project.table(r"Column('a\nb', Text)")
    generate(project.schema, project.migrations)
    project.table()
    written = generate(project.schema, project.migrations, allow=[r'drop-column:t."a\nb"'])
    assert written is not None
    assert read_folder(project.migrations)[1].answers == (("allowed", r'drop-column t."a\nb"'),)


def test_an_edited_older_file_stops_it_and_nothing_is_written(project: Project) -> None:
    generate(project.schema, project.migrations)
    project.table("Column('body', Text)", "Column('size', Integer)")
    generate(project.schema, project.migrations)
    first = next(project.migrations.glob("0000_*.sql"))
    first.write_text(first.read_text(encoding="utf-8").replace("body", "text"), encoding="utf-8")
    project.table("Column('body', Text)", "Column('size', BigInteger)")
    before = project.files()
    for run in (generate, ungenerated):
        with pytest.raises(ChecksumMismatch, match=first.name):
            run(project.schema, project.migrations)
    assert project.files() == before


@pytest.mark.parametrize(
    ("damage", "error", "what"),
    [
        (lambda path: path.unlink(), MissingMigration, "is missing: the schema after the newest migration"),
        (lambda path: path.write_text("{"), SchemaError, "not whole JSON"),
        (lambda path: path.write_text(path.read_text().replace("body", "text")), SchemaError, "was edited"),
    ],
)
def test_a_lost_or_edited_snapshot_is_an_error(project: Project, damage, error, what: str) -> None:  # type: ignore[no-untyped-def]  # a table of callables
    written = generate(project.schema, project.migrations)
    assert written is not None
    damage(written.paths[-1])
    with pytest.raises(error, match=what):
        generate(project.schema, project.migrations)


def test_a_snapshot_left_by_a_crash_does_no_harm(project: Project) -> None:
    written = generate(project.schema, project.migrations)
    assert written is not None
    written.paths[0].unlink()
    again = generate(project.schema, project.migrations)
    assert again is not None
    assert again.paths == written.paths


def test_a_snapshot_whose_migration_was_deleted_stops_it(project: Project) -> None:
    generate(project.schema, project.migrations)
    project.table("Column('body', Text)", "Column('size', Integer)")
    written = generate(project.schema, project.migrations, name="size")
    assert written is not None
    written.paths[0].unlink()
    project.table("Column('body', Text)", "Column('weight', Integer)")
    before = project.files()
    for name in ("size", "weight"):
        with pytest.raises(MissingMigration, match=r"meta/0001_size.json is there, and its migration 0001_size.sql is"):
            generate(project.schema, project.migrations, name=name)
        with pytest.raises(MissingMigration, match=r"if no database ever ran it, delete 0001_size.json"):
            custom(project.migrations, name=name)
    assert project.files() == before


def test_the_folder_is_made_once_and_it_says_so(project: Project) -> None:
    first = generate(project.schema, project.migrations)
    project.table()
    second = generate(project.schema, project.migrations, allow=["drop-column:t.body"])
    assert first is not None
    assert second is not None
    assert (first.made, second.made) == (project.migrations, None)


def test_a_migration_of_ones_own_has_its_header_a_place_and_the_snapshot_before_it(project: Project) -> None:
    generate(project.schema, project.migrations)
    (first,) = read_folder(project.migrations)
    found = custom(project.migrations, name="make it fast")
    assert len(project.files()) == 2
    write(found, project.migrations)
    own = read_folder(project.migrations)[1]
    assert own.statements == []
    assert own.text == (
        f"-- sendoka: 0001_make_it_fast\n-- parent: {first.name} sha256:{first.checksum}\n\n"
        "-- Your SQL here: one transaction. Between two statements goes this line, alone: --> statement-breakpoint\n"
    )
    snapshots = [project.files()[f"meta/{name}.json"] for name in (first.name, own.name)]
    assert snapshots[0] == snapshots[1]
    assert generate(project.schema, project.migrations) is None
    assert custom(project.migrations) == custom(project.migrations)


def test_the_first_migration_may_be_ones_own(project: Project) -> None:
    write(custom(project.migrations, name="extensions"), project.migrations)
    written = generate(project.schema, project.migrations)
    assert written is not None
    assert written.migrations[0].number == 1


def test_privileges_are_granted_from_the_first_that_is_declared_and_left_where_none_is(project: Project) -> None:
    init = project.schema / "__init__.py"
    more = "from sendoka.schema import declare, grant\n"
    write(custom(project.migrations, name="roles"), project.migrations)
    generate(project.schema, project.migrations)
    assert not [name for name, text in project.files().items() if b"speaks_of" in text]

    init.write_text(f"{INIT}{more}declare(metadata, grant('select', on='t', to='app'))\n")
    assert ungenerated(project.schema, project.migrations) == ("grant t.app is new",)
    written = generate(project.schema, project.migrations)
    assert written is not None
    assert [step.text for step in written.plan.steps] == ['GRANT SELECT ON TABLE "public"."t" TO "app"']

    init.write_text(INIT)
    project.table("Column('body', Text)", "Column('more', Text)")
    written = generate(project.schema, project.migrations)
    assert written is not None
    assert [step.text.split(" ")[0] for step in written.plan.steps] == ["ALTER"]

    init.write_text(f"{INIT}{more}declare(metadata, grant(on='t', to='app'))\n")
    written = generate(project.schema, project.migrations)
    assert written is not None
    assert [step.text for step in written.plan.steps] == ['REVOKE SELECT ON TABLE "public"."t" FROM "app"']


def test_the_command_says_what_it_made_and_writes_ones_own(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (project.schema.parent / "pyproject.toml").write_text("[tool.sendoka]\n", encoding="utf-8")
    monkeypatch.chdir(project.schema.parent)
    run = CliRunner().invoke
    assert "\nmade migrations/\ncommit: migrations/0000_one.sql " in run(command, ["--name", "one"]).output
    assert "nothing was written" in run(command, ["--custom", "--dry-run"]).output
    assert json.loads(run(command, ["--custom", "--name", "own", "--json"]).output) == {
        "migrations": [{"name": "0001_own", "statements": [], "done_when": None}],
        "hazards": [],
        "database": "no database asked",
        "notes": [],
        "paths": ["migrations/0001_own.sql", "migrations/meta/0001_own.json"],
        "made": None,
    }
    refused = run(command, ["--custom", "--allow", "drop-table:t"])
    assert (refused.exit_code, "--custom does not go with --allow: it plans nothing" in refused.output) == (2, True)


@pytest.mark.parametrize("default", ["'false'", "text('false')", "false()"])
def test_a_default_of_a_boolean_is_no_change_the_second_time(project: Project, default: str) -> None:
    project.table(f"Column('a', Boolean, server_default={default})")
    assert generate(project.schema, project.migrations) is not None
    assert generate(project.schema, project.migrations) is None


@pytest.mark.parametrize("default", [r"a\rb", r"a\n--> statement-breakpoint\nb"])
def test_a_statement_that_a_file_cannot_keep_is_refused(project: Project, default: str) -> None:
    project.table(f"Column('body', Text, server_default='{default}')")
    with pytest.raises(SchemaError, match="carriage return or a line that reads as a breakpoint"):
        generate(project.schema, project.migrations)
    assert not project.migrations.exists()


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("add tenants", "0042_add_tenants"),
        ("  Add--Tenants_2 ", "0042_add_tenants_2"),
        ("x", "0042_x"),
        ("add_gadgets", "0042_add_gadgets"),
    ],
)
def test_a_person_may_choose_the_words(words: str, name: str) -> None:
    assert file_name(42, words) == name


@pytest.mark.parametrize("words", ["", "  ", "../x", "a/b", "é", "a.sql", "-"])
def test_words_that_make_no_file_name_are_refused(words: str) -> None:
    with pytest.raises(
        SettingsError, match="cannot be the name of a migration\ntake words of a to z and 0 to 9, with _, -"
    ):
        file_name(1, words)


def test_the_words_depend_on_the_content_alone() -> None:
    assert two_words("a") == two_words("a")
    assert len({two_words(str(number)) for number in range(500)}) > 450
    assert {"reflective", "calm", "brave"} <= set(ADJECTIVES)
    assert {"fury", "heron", "otter"} <= set(NOUNS)
    for words in (ADJECTIVES, NOUNS):
        assert len(set(words)) == len(words)
        assert all(re.fullmatch("[a-z]+", word) for word in words)


def test_the_application_has_no_change_that_was_not_generated() -> None:
    assert ungenerated(APPLICATION / "schema", APPLICATION / "migrations") == ()


def test_a_new_value_of_an_enum_gets_a_file_of_its_own_before_what_may_use_it(project: Project) -> None:
    project.table("Column('m', Enum('a', name='mood'))")
    generate(project.schema, project.migrations)
    project.table("Column('m', Enum('a', 'b', name='mood'), server_default='b')")

    written = generate(project.schema, project.migrations, name="better moods")
    assert written is not None
    first, second = written.migrations
    assert first.statements == ["""ALTER TYPE "public"."mood" ADD VALUE 'b';"""]
    assert second.statements == ["""ALTER TABLE "public"."t" ALTER COLUMN "m" SET DEFAULT 'b';"""]
    assert second.number == first.number + 1
    assert second.parent is not None
    assert second.parent.checksum == first.checksum
    assert {path.name for path in written.paths} == {f"{first.name}.sql", f"{second.name}.sql", f"{second.name}.json"}
    assert generate(project.schema, project.migrations) is None


@pytest.mark.parametrize(
    ("column", "says"),
    [
        ("Column('at', Integer, server_default=text('now('))", "syntax error at or near"),
        ("Column('at', Integer), CheckConstraint('at > 0; drop table orgs', name='c')", "syntax error at or near"),
    ],
)
def test_a_text_of_the_schema_that_is_no_sql_is_named_and_nothing_written(
    tmp_path: Path, column: str, says: str
) -> None:
    schema = tmp_path / "schema"
    schema.mkdir()
    (schema / "__init__.py").write_text("from sqlalchemy import MetaData\n\nmetadata = MetaData()\n")
    (schema / "t.py").write_text(
        "from sqlalchemy import CheckConstraint, Column, Integer, Table, text\n\nfrom . import metadata\n\n"
        f"t = Table('t', metadata, {column})\n"
    )
    with pytest.raises(SchemaError, match=says) as caught:
        generate(schema, tmp_path / "migrations")
    assert caught.value.exit_code == 2
    assert "mend the default, check, predicate or query" in caught.value.todo
    assert not (tmp_path / "migrations").exists()
