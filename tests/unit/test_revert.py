"""`sendoka generate --revert`: what is undone, what is lost all the same, and what later migrations forbid."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from sendoka.migrations.folder import read_folder
from sendoka.schema.threeway import told_renames, turned

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fixtures.branches import Branches

T = "Column('title', Text)"
ALLOWED = ("--allow", "drop-column:t.size", "--allow", "drop-index:t.ix_t_title")


def statements(branches: Branches, *arguments: str) -> list[str]:
    """Return the statements of what is generated."""
    (migration,) = branches.data("generate", *arguments)["migrations"]
    return [str(each) for each in migration["statements"]]


def test_a_migration_is_undone_in_todays_schema(branches: Branches) -> None:
    branches.table("t", T, "Column('price', Integer)")
    branches.generate("add price")
    branches.table("t", T, "Column('price', Integer)", "Column('size', Integer)")
    branches.table("later")
    branches.generate("later")
    assert "--allow drop-column:t.price" in branches("generate", "--revert", "add price", status=4)
    said = branches("generate", "--revert", "add price", "--allow", "drop-column:t.price")
    assert 'ALTER TABLE "public"."t" DROP COLUMN "price";' in said
    assert "it undoes 0001_add_price.sql" in said
    assert "schema/ must be taken back too, or the next migration makes it again:\n  column t.price is new\n" in said
    newest = read_folder(branches.migrations)[-1]
    assert newest.name == "0003_revert_add_price"
    assert newest.answers == (("allowed", "drop-column t.price"),)
    assert branches("generate", "--check", status=1).startswith("column t.price is new\n")
    branches.table("t", T, "Column('size', Integer)")
    branches("generate", "--check")
    branches("check")


def test_what_is_new_in_the_schema_and_in_no_migration_is_no_matter(branches: Branches) -> None:
    branches.table("t", T, "Column('n', Integer)")
    branches.generate("add n")
    branches.table("coming")
    answer = ("--allow", "drop-column:t.n")
    assert branches.data("generate", "--revert", "1", "--dry-run", *answer)["schema"] == ["column t.n is new"]
    branches.table("t", T)
    assert branches.data("generate", "--revert", "1", *answer)["schema"] == []
    assert branches("generate", "--check", status=1).startswith("table coming is new\n")


@pytest.mark.parametrize(
    "which", ["migrations/0001_add_n.sql", "0001_add_n", "0001_add_n.sql", "1", "0001", "add_n", "Add N", "add-n"]
)
def test_it_is_called_by_name_number_or_words(branches: Branches, which: str) -> None:
    branches.table("t", T, "Column('n', Integer)")
    branches.generate("add n")
    before = branches.files()
    data = branches.data("generate", "--revert", which, "--dry-run", "--allow", "drop-column:t.n", "--name", "oops")
    assert [each["name"] for each in data["migrations"]] == ["0002_oops"]
    assert (data["reverted"], data["lost"]) == (["0001_add_n"], [])
    assert data["schema"] == ["column t.n is new"]
    assert branches.files() == before


def test_what_it_dropped_comes_back_without_what_was_in_it(branches: Branches) -> None:
    branches.table("gone", "Column('a', Integer)")
    branches.table("t", T, "Column('n', Integer)")
    branches.generate("both")
    (branches.schema / "gone.py").unlink()
    branches.table("t", "Column('title', String(3))")
    allowed = [
        word for name in ("drop-table:gone", "drop-column:t.n", "change-type:t.title") for word in ("--allow", name)
    ]
    branches.generate("smaller", *allowed)
    data = branches.data("generate", "--revert", "smaller")
    (migration,) = data["migrations"]
    assert any(each.startswith('CREATE TABLE "public"."gone"') for each in migration["statements"])
    assert 'ALTER TABLE "public"."t" ADD COLUMN "n" integer;' in migration["statements"]
    assert data["lost"] == [
        "table gone comes back without its rows: they are gone",
        "column t.n comes back without its values: they are gone",
        "column t.title has its old type again, not the values that the change cut, rounded or read anew",
    ]


def test_renames_go_back_by_their_answers(branches: Branches) -> None:
    (branches.schema / "t.py").unlink()
    branches.table("u", "Column('name', Text)")
    branches.generate("names", "--rename", "t=u", "--rename", "t.title=name")
    branches.table("u", "Column('name', Text)", "Column('size', Integer)")
    branches.generate("size")
    assert statements(branches, "--revert", "names") == [
        'ALTER TABLE "public"."u" RENAME TO "t";',
        'ALTER TABLE "public"."t" RENAME COLUMN "name" TO "title";',
        'ALTER TABLE "public"."t" RENAME CONSTRAINT "u_pkey" TO "t_pkey";',
    ]
    assert set(read_folder(branches.migrations)[-1].answers) >= {("renamed", "table u -> t")}


def test_an_enum_loses_the_value_that_was_added(branches: Branches) -> None:
    branches.table("t", T, "Column('mood', Enum('ok', 'sad', name='mood'))")
    branches.generate("mood")
    branches.table("t", T, "Column('mood', Enum('ok', 'sad', 'new', name='mood'))")
    branches.generate("value")
    said = branches("generate", "--revert", "value", status=4)
    assert "mood.new" in said
    branches.table("t", T, "Column('mood', Enum('ok', 'new', name='mood'))")
    branches.generate("fewer", "--allow", "drop-enum-value:mood.sad")
    data = branches.data("generate", "--revert", "fewer")
    assert data["lost"] == [
        "enum mood has its old values again, and rows that had one of them keep what took its place"
    ]


def test_sql_of_ones_own_is_named_and_not_undone(branches: Branches) -> None:
    branches.table("t", T, "Column('n', Integer)")
    branches.generate("add n")
    path = branches.migrations / "0001_add_n.sql"
    text = path.read_text().replace("\n\n", "\n-- requires-backfill: counts\n\n")
    path.write_text(text + "--> statement-breakpoint\nUPDATE t SET n = 1;\n")
    data = branches.data("generate", "--revert", "1", "--allow", "drop-column:t.n")
    assert data["lost"] == [
        "the backfill counts, which 0001_add_n.sql requires, is not undone",
        "statement 2 of 0001_add_n.sql is SQL of your own, and is not undone: UPDATE t SET n = 1;",
    ]


def test_what_only_holds_sql_of_ones_own_cannot_be_undone(branches: Branches) -> None:
    branches("generate", "--custom", "--name", "seed")
    path = branches.migrations / "0001_seed.sql"
    path.write_text(path.read_text() + "INSERT INTO t VALUES ('a', 'b');\n")
    said = branches("generate", "--revert", "seed", status=1)
    assert "0001_seed.sql changed nothing of the schema that could be undone" in said
    assert "INSERT INTO t VALUES" in said
    assert "sendoka generate --custom" in said


def test_files_that_were_generated_at_once_are_undone_together(branches: Branches) -> None:
    branches.table("t", "Column('title', Text, index=True)", "Column('size', Integer, index=True)")
    group = branches.generate("many", "--online")
    data = branches.data("generate", "--revert", group[0], *ALLOWED)
    assert (data["reverted"], data["lost"]) == (group, [])
    (migration,) = data["migrations"]
    assert any('DROP INDEX "public"."ix_t_title"' in each for each in migration["statements"])
    branches.table("t", T)
    branches("generate", "--check")


def test_the_first_migration_is_undone_too(branches: Branches) -> None:
    assert statements(branches, "--revert", "0", "--allow", "drop-table:t") == ['DROP TABLE "public"."t";']


CONFLICTS: list[tuple[str, Callable[[Branches], None], str, str]] = [
    (
        "it is gone",
        lambda b: b.table("t", T),
        "--allow drop-column:t.n",
        "column t.n is dropped by undoing it, and is not",
    ),
    (
        "it has another type",
        lambda b: b.table("t", T, "Column('n', BigInteger)"),
        "",
        "column t.n is dropped by undoing it",
    ),
    (
        "it has another name",
        lambda b: b.table("t", T, "Column('m', Integer)"),
        "--rename t.n=t.m",
        "column t.n is dropped by undoing it, and is not there any more",
    ),
    (
        "something needs it",
        lambda b: b.table("t", T, "Column('n', Integer, index=True)"),
        "",
        "index t.ix_t_n needs column t.n, which is not there any more",
    ),
]


@pytest.mark.parametrize(("later", "answers", "words"), [case[1:] for case in CONFLICTS], ids=[c[0] for c in CONFLICTS])
def test_what_later_migrations_changed_is_named(
    branches: Branches, later: Callable[[Branches], None], answers: str, words: str
) -> None:
    branches.table("t", T, "Column('n', Integer)")
    branches.generate("add n")
    later(branches)
    branches.generate("later", *answers.split())
    before = branches.files()
    said = branches("generate", "--revert", "1", status=1)
    assert "0001_add_n.sql cannot be undone: later migrations changed the same" in said
    assert words in said
    assert branches.files() == before


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (("--revert", "0007"), 2, "--revert 0007: there is no such migration"),
        (("--revert", "bass"), 2, "did you mean base?"),
        (("--revert", ""), 2, "there is no such migration"),
        (("--revert", "9" * 5000), 2, "there is no such migration"),
        (("--revert", "base", "--custom"), 2, "--custom does not go with --revert"),
        (("--revert", "base", "--check"), 2, "--check does not go with --revert"),
        (("--revert", "base", "--allow", "drop-table:x"), 2, "--allow drop-table:x fits nothing"),
    ],
)
def test_what_cannot_be_reverted(branches: Branches, options: tuple[str, ...], status: int, words: str) -> None:
    before = branches.files()
    assert words in branches("generate", *options, status=status)
    assert branches.files() == before


def test_a_squash_cannot_be_undone(branches: Branches) -> None:
    path = branches.migrations / "0000_base.sql"
    path.write_text(path.read_text().replace("none\n", f"none\n-- replaces: 0000_a – 0000_b sha256:{'a' * 64}\n", 1))
    assert "0000_base.sql stands for all migrations before it" in branches("generate", "--revert", "base", status=1)


def test_a_lost_snapshot_is_named(branches: Branches) -> None:
    shutil.rmtree(branches.migrations / "meta")
    assert "meta/0000_base.json is missing" in branches("generate", "--revert", "base", status=1)


def test_renames_of_headers_as_answers_both_ways() -> None:
    told = ["table a -> b", "table b -> other.b", 'column other.b.x -> other.b."y -> z"', "enum-value m.ok -> m.fine"]
    assert told_renames(told) == (
        "table a=other.b",
        'column other.b.x=other.b."y -> z"',
        "enum-value m.ok=m.fine",
    )
    assert turned(told) == ("enum-value m.fine=ok", 'column other.b."y -> z"=x', "table other.b=a")
