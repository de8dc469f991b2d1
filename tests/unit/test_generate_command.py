"""`sendoka generate` as a person runs it: its review, its check, what it refuses, and texts that Postgres compares."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.cli._group import run
from sendoka.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAD = "from sqlalchemy import *\nfrom . import metadata\n"


class Command:
    """A project whose table is written anew, and the command run in it."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self.capsys = root, capsys
        (root / "schema").mkdir()
        (root / "pyproject.toml").write_text("[tool.sendoka]\n", encoding="utf-8")
        (root / "schema" / "__init__.py").write_text("from sqlalchemy import *\nmetadata = MetaData()\n")
        self.table("orgs", "Column('name', Text)")

    def table(self, name: str, *parts: str) -> None:
        """Write a table with these columns and constraints beside its key."""
        listed = ", ".join(["Column('id', Text, primary_key=True)", *parts])
        text = f"{HEAD}{name} = Table({name!r}, metadata, {listed})\n# {len(listed)} characters\n"
        (self.root / "schema" / f"{name}.py").write_text(text, encoding="utf-8")

    def __call__(self, *arguments: str, status: int = 0) -> str:
        found = run(["generate", *arguments])
        said = "".join(self.capsys.readouterr())
        assert found == status, said
        return said

    def data(self, *arguments: str) -> dict[str, Any]:
        """Return what the command prints with --json."""
        return dict(json.loads(self(*arguments, "--json")))

    def files(self) -> set[str]:
        """Return the paths of all files in the migrations folder."""
        return {str(path.relative_to(self.root)) for path in self.root.glob("migrations/**/*.*")}


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    made = Command(tmp_path, capsys)
    made.table("t", "Column('a', Integer)", "Column('b', Text)")
    return made


def test_a_new_table_has_no_hazard_and_no_review(command: Command) -> None:
    command.table("t", "Column('a', Integer, index=True)", "Column('o', Text, ForeignKey('orgs.id'), unique=True)")
    assert "review" not in command()


def test_a_review_names_statement_lock_and_the_sql_to_use_instead(command: Command) -> None:
    command()
    command.table("t", "Column('a', Integer, index=True)", "Column('b', Text, ForeignKey('orgs.id'))")
    said = command("--name", "faster")
    assert "review: 2 hazards; no database asked: there is no DATABASE_URL\n" in said
    assert (
        "add-index:t.ix_t_a in 0001_faster\n"
        '  CREATE INDEX "ix_t_a" ON "public"."t" ("a");\n'
        "  why: t cannot be written while the index is built\n"
        "  lock: SHARE on t: writes wait; every row is read\n"
        "  instead: CREATE INDEX CONCURRENTLY in a file without a transaction: --online\n"
        '    CREATE INDEX CONCURRENTLY "ix_t_a" ON "public"."t" ("a");\n'
    ) in said
    assert "  lock: SHARE ROW EXCLUSIVE on t and orgs: writes wait; every row is read\n" in said
    assert 'NOT VALID;\n    -- the next file\n    ALTER TABLE "public"."t" VALIDATE CONSTRAINT "t_b_fkey";\n' in said
    assert said.endswith("commit: migrations/0001_faster.sql migrations/meta/0001_faster.json\n")


HAZARDS: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "a column that may be null": (("Column('c', Text)",), []),
    "a constant default": (("Column('c', Integer, nullable=False, server_default='0')",), []),
    "a default that is the same for all": (("Column('c', DateTime, server_default=func.now())",), []),
    "a volatile default": (("Column('c', Uuid, server_default=func.gen_random_uuid())",), ["rewrite"]),
    "a stored generated column": (("Column('c', Integer, Computed('a * 2'))",), ["rewrite"]),
    "identity": (("Column('c', BigInteger, Identity())",), ["rewrite"]),
    "a check": (("CheckConstraint('a > 0', name='c')",), ["add-check"]),
    "a check that is not valid": (("CheckConstraint('a > 0', name='c', postgresql_not_valid=True)",), []),
    "a unique constraint": (("UniqueConstraint('a', name='c')",), ["add-unique"]),
    "an index": (("Index('c', 'a')",), ["add-index"]),
}


@pytest.mark.parametrize(("parts", "names"), HAZARDS.values(), ids=HAZARDS)
def test_hazards_are_what_holds_others_up(command: Command, parts: tuple[str, ...], names: list[str]) -> None:
    command()
    command.table("t", "Column('a', Integer)", "Column('b', Text)", *parts)
    data = command.data()
    assert [each["name"].partition(":")[0] for each in data["hazards"]] == names
    for each in data["hazards"]:
        assert each["lock"]["tables"][0] == {"name": "t", "rows": None}
        assert each["sql"]
        assert each["statement"] in data["migrations"][0]["statements"][0]


@pytest.mark.parametrize(
    ("column", "allow", "sql"),
    [
        ("Column('a', Integer)", "drop-column:t.b", ()),
        ("Column('a', Integer), Column('c', Text)", "drop-column:t.b", ('RENAME COLUMN "b" TO "c"',)),
        (
            "Column('a', Integer, nullable=False), Column('b', Text)",
            "not-null:t.a",
            ('CHECK ("a" IS NOT NULL) NOT VALID', 'VALIDATE CONSTRAINT "t_a_not_null"', "SET NOT NULL", "DROP CONS"),
        ),
        ("Column('a', SmallInteger), Column('b', Text)", "change-type:t.a", ('ADD COLUMN "a_new" smallint',)),
    ],
)
def test_what_was_allowed_is_reviewed_all_the_same(
    command: Command, column: str, allow: str, sql: tuple[str, ...]
) -> None:
    command()
    command.table("t", column)
    assert f"--allow {allow}" in command(status=4)
    (hazard,) = command.data("--allow", allow)["hazards"]
    assert (hazard["name"], hazard["asks"], hazard["lock"]["mode"]) == (allow, True, "ACCESS EXCLUSIVE")
    text = "\n".join(statement for file in hazard["sql"] for statement in file)
    assert all(part in text for part in sql)
    assert bool(text) == bool(sql)


def test_online_files_are_one_for_each_wait(command: Command) -> None:
    command()
    command.table("t", "Column('a', Integer, index=True)", "Column('b', Text, ForeignKey('orgs.id'))")
    said = command("--online", "--dry-run", "--name", "faster")
    first, second, third = said.split("-- sendoka: ")[1:4]
    assert 'FOREIGN KEY ("b") REFERENCES "public"."orgs" ("id") NOT VALID;' in first
    assert "\n-- transaction: none\n-- done-when: select exists (" in second
    assert 'CREATE INDEX CONCURRENTLY "ix_t_a" ON "public"."t" ("a");' in second
    assert 'VALIDATE CONSTRAINT "t_b_fkey";' in third
    assert "transaction" not in first + third.partition("review")[0]
    assert "-- transaction: none" in said
    data = command.data("--online")
    assert [bool(each["done_when"]) for each in data["migrations"]] == [False, True, False]
    assert "nothing to generate" in command("--online")


def test_a_name_with_a_line_end_cannot_stand_in_a_header(command: Command) -> None:
    command()
    command.table("t", "Column('a', Integer)", "Column('b', Text)", r"Index('i\nj', 'a')")
    before = command.files()
    assert "generate it without --online" in command("--online", status=2)
    assert command.files() == before


def test_check_says_what_no_migration_holds_and_writes_nothing(command: Command) -> None:
    assert "table t is new\n2 changes, in no migration yet\n" in command("--check", status=1)
    assert command.files() == set()
    command()
    before = command.files()
    assert command("--check") == "nothing to generate: the migrations hold the whole schema\n"
    command.table("t", "Column('a', Integer)")
    assert command("--check", status=1) == "column t.b is not declared any more\n1 change, in no migration yet\n"
    assert json.loads(command("--check", "--json", status=1)) == {"changes": ["column t.b is not declared any more"]}
    assert command.files() == before


@pytest.mark.parametrize(
    ("option", "other"),
    [
        ("--custom", "--online"),
        *(("--check", other) for other in ("--rename=a=b", "--allow=x:y", "--online", "--custom", "--dry-run")),
        ("--check", "--name=x"),
    ],
)
def test_options_that_make_no_sense_together_are_refused(command: Command, option: str, other: str) -> None:
    said = command(option, other, status=2)
    assert f"{option} does not go with {other.partition('=')[0]}: it " in said
    assert command.files() == set()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda text: text.replace('"snapshot": 1', '"snapshot": 2'), "has format 2, and this Sendoka knows 1"),
        (lambda text: text[:-40], "the snapshot is not whole JSON"),
        (lambda text: text.replace('"type": "integer"', '"type": "bigint"'), "the snapshot was edited"),
        (lambda text: text.replace("    {", "{").replace('"integer"', '"bigint"'), "the snapshot was edited"),
        (lambda text: "<<<<<<< ours\n" + text, "the snapshot holds a merge conflict of Git"),
        (lambda text: "{}", "this is no snapshot of Sendoka"),
    ],
)
@pytest.mark.parametrize("option", ["--check", "--dry-run", "--custom"])
def test_a_snapshot_that_is_not_as_it_was_written_is_named(
    command: Command, damage: Callable[[str], str], says: str, option: str
) -> None:
    command("--name", "one")
    file = command.root / "migrations" / "meta" / "0000_one.json"
    text = file.read_text(encoding="utf-8")
    assert damage(text) != text
    file.write_text(damage(text), encoding="utf-8")
    said = command(option, status=2)
    assert says in said
    assert "0000_one.json" in said
    assert command.files() == {"migrations/0000_one.sql", "migrations/meta/0000_one.json"}


def test_a_snapshot_in_another_layout_counts_as_long_as_it_says_the_same(command: Command) -> None:
    command("--name", "one")
    file = command.root / "migrations" / "meta" / "0000_one.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(document, indent=8), encoding="utf-8")
    assert "nothing to generate" in command()


# ------------------------------------------------------------------ texts


CHECKED = "CheckConstraint({!r}, name='c')"


def test_texts_that_mean_the_same_are_no_change_where_a_postgres_is_at_hand(command: Command) -> None:
    command.table("t", "Column('a', Integer)", "Column('b', Text)", CHECKED.format("a in (1, 2)"))
    command()
    before = command.files()
    command.table("t", "Column('a', Integer)", "Column('b', Text)", CHECKED.format("a  IN (1,2)"))
    assert "nothing to generate" in command()
    assert command.files() == before
    command.table("t", "Column('a', Integer)", "Column('c', Text)", CHECKED.format("a  IN (1,2)"))
    (migration,) = command.data("--rename", "t.b=t.c")["migrations"]
    assert migration["statements"] == ['ALTER TABLE "public"."t" RENAME COLUMN "b" TO "c";']
    assert "nothing to generate" in command()


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[int]]:
    """Let no Postgres be at hand; return how often one was looked for."""
    asked: list[int] = []

    def own_postgres() -> None:
        asked.append(1)
        raise SettingsError("no PostgreSQL is on the PATH")

    monkeypatch.setattr("sendoka.local.own_postgres", own_postgres)
    return lambda: asked


def test_without_a_postgres_another_text_is_a_change_and_it_says_so(
    command: Command, alone: Callable[[], list[int]]
) -> None:
    command.table("t", "Column('a', Integer)", CHECKED.format("a in (1, 2)"))
    command()
    command.table("t", "Column('a', Integer)", CHECKED.format("a in (1, 2)"), "Column('c', Text)")
    command()
    assert "nothing to generate" in command()
    assert alone() == []
    command.table("t", "Column('a', Integer)", CHECKED.format("a  IN (1,2)"), "Column('c', Text)")
    said = command()
    assert "texts are compared as they are: no PostgreSQL is on the PATH\n" in said
    assert alone() == [1]
    command.table("t", "Column('a', Integer)", CHECKED.format("a IN (1, 2)"), "Column('c', Text)")
    assert "check t.c differs in expression" in command("--check", status=1)
    assert run(["check"]) == 1
    assert alone() == [1, 1, 1]
