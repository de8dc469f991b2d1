"""`sendoka rebase`: what both sides changed, and folders with another fault, are named and left as they are."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fixtures.branches import Branches

T = "Column('title', Text)"
N = "Column('n', Integer)"

CONFLICTS: list[tuple[str, str, Callable[[Branches], None], Callable[[Branches], None], str, str, str]] = [
    (
        "both give the column another type",
        "",
        lambda b: b.table("t", "Column('title', String(9))"),
        lambda b: b.table("t", "Column('title', String(8))"),
        "--allow change-type:t.title",
        "--allow change-type:t.title",
        "column t.title has another type on both sides",
    ),
    (
        "both add the column",
        "",
        lambda b: b.table("t", T, "Column('n', BigInteger)"),
        lambda b: b.table("t", T, N),
        "",
        "",
        "column t.n is new on both sides",
    ),
    (
        "main drops what the branch indexes",
        "",
        lambda b: b.table("t", "Column('title', Text, index=True)"),
        lambda b: b.table("t"),
        "",
        "--allow drop-column:t.title",
        "needs column t.title, which is not there any more",
    ),
    (
        "the branch drops what main indexes",
        "",
        lambda b: b.table("t"),
        lambda b: b.table("t", "Column('title', Text, index=True)"),
        "--allow drop-column:t.title",
        "",
        "needs column t.title, which is not there any more",
    ),
    (
        "main renames what the branch alters",
        "",
        lambda b: b.table("t", "Column('title', Text, server_default='x')"),
        lambda b: b.table("t", "Column('name', Text)"),
        "",
        "--rename t.title=t.name",
        "column t.title has another default here, and is not there any more",
    ),
    (
        "both rename the column",
        "",
        lambda b: b.table("t", "Column('label', Text)"),
        lambda b: b.table("t", "Column('name', Text)"),
        "--rename t.title=t.label",
        "--rename t.title=t.name",
        "column t.title gets another name here, and is not there any more",
    ),
    (
        "both drop the column",
        "",
        lambda b: b.table("t", N),
        lambda b: b.table("t"),
        "--allow drop-column:t.title --create t.n",
        "--allow drop-column:t.title",
        "column t.title is dropped here, and is not there any more",
    ),
    (
        "the branch drops the table that main widens",
        "",
        lambda b: (b.schema / "t.py").unlink(),
        lambda b: b.table("t", T, N),
        "--allow drop-table:t",
        "",
        "column t.n needs table t, which is not there any more",
    ),
    (
        "both want the name",
        "",
        lambda b: b.table("same"),
        lambda b: b.table("t", T, "Index('same', 'title')"),
        "",
        "",
        "want the same name",
    ),
    (
        "the branch makes a view anew over a column, and main has another view over it",
        "declare(metadata, view('v', 'select title from t'))",
        lambda b: b.table("t", "Column('title', String(9))"),
        lambda b: b.other("w", "declare(metadata, view('w', 'select title from t'))"),
        "--allow change-type:t.title",
        "",
        'it takes DROP VIEW "public"."w" now',
    ),
]


@pytest.mark.parametrize(
    ("before", "ours", "theirs", "mine", "other", "words"),
    [pytest.param(*case[1:], id=case[0]) for case in CONFLICTS],
)
def test_what_both_sides_changed_is_named_and_nothing_written(
    branches: Branches,
    before: str,
    ours: Callable[[Branches], None],
    theirs: Callable[[Branches], None],
    mine: str,
    other: str,
    words: str,
) -> None:
    if before:
        branches.other("v", before)
        branches.generate("view")
        branches.commit()
    start = branches.names()[-1]
    branches.side("feature")
    ours(branches)
    branches.generate("ours", *mine.split())
    branches.git("checkout", "-q", "--", "schema")  # the files of the schema are no matter here
    branches.commit()
    branches.git("checkout", "-q", "main")
    theirs(branches)
    branches.generate("theirs", *other.split())
    branches.git("checkout", "-q", "--", "schema")
    branches.commit()
    branches.merge("feature")
    files = branches.files()
    said = branches("rebase", "--onto", "main^1", status=1)
    number = f"{int(start[:4]) + 1:04d}"
    assert f"{number}_ours.sql cannot follow {number}_theirs.sql" in said
    assert words in said
    assert f"delete {number}_ours.sql, {number}_ours.json" in said
    assert branches.files() == files


def test_an_enum_value_that_gets_a_name_which_main_gave_another(branches: Branches) -> None:
    def mood(*values: str) -> None:
        branches.table("t", f"Column('mood', Enum({', '.join(map(repr, values))}, name='mood'))")

    mood("ok", "sad")
    branches.generate("mood", "--allow", "drop-column:t.title", "--create", "t.mood")
    branches.commit()
    branches.side("feature")
    mood("fine", "sad")
    branches.generate("ours", "--rename", "mood.ok=mood.fine")
    branches.git("checkout", "-q", "--", "schema")
    branches.commit()
    branches.git("checkout", "-q", "main")
    mood("ok", "sad", "fine")
    branches.generate("theirs")
    branches.git("checkout", "-q", "--", "schema")
    branches.commit()
    branches.merge("feature")
    assert "enum-value mood.ok is called fine here, and there is another one by now" in branches("rebase", status=1)


def pipe(branches: Branches, name: str) -> None:
    file = branches.migrations / name
    file.unlink()
    os.mkfifo(file)


def edit(branches: Branches, name: str, old: str, new: str) -> None:
    path = branches.migrations / name
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("harm", "status", "words"),
    [
        (lambda b: edit(b, "0000_base.sql", '"title"', '"name"'), 1, "0000_base.sql was edited after 0001_add_a.sql"),
        (lambda b: (b.migrations / "0000_base.sql").unlink(), 1, "0001_add_a.sql follows 0000_base, which is not"),
        (lambda b: (b.migrations / "meta" / "0001_add_a.json").unlink(), 1, "meta/0001_add_a.json is missing"),
        (lambda b: (b.migrations / "meta" / "0001_add_b.json").unlink(), 1, "meta/0001_add_b.json is missing"),
        (lambda b: (b.migrations / "meta" / "0000_base.json").unlink(), 1, "meta/0000_base.json is missing"),
        (lambda b: edit(b, "meta/0001_add_b.json", '"x"', '"y"'), 2, "0001_add_b.json"),
        (
            lambda b: edit(b, "0001_add_b.sql", "\n\n", "\n-- renamed: column t.a -> t.b\n\n"),
            1,
            "0001_add_b.sql and the snapshots beside it do not tell of the same renames",
        ),
        (lambda b: (b.migrations / "0001_add_b.sql").write_bytes(b"\xff"), 1, "0001_add_b.sql is not UTF-8"),
        (lambda b: pipe(b, "0001_add_b.sql"), 1, "0001_add_b.sql is a pipe, and no file"),
        (lambda b: edit(b, "0001_add_b.sql", "-- sendoka", "-- sendako"), 1, "does not begin with its name"),
        (
            lambda b: edit(b, "0001_add_b.sql", "\n\n", "\n\n<<<<<<< HEAD\n=======\n>>>>>>> main\n"),
            1,
            "0001_add_b.sql holds a merge conflict of Git",
        ),
        (lambda b: shutil.rmtree(b.migrations), 2, "no migrations folder"),
    ],
)
def test_a_folder_with_another_fault_is_left_as_it_is(
    branches: Branches, harm: Callable[[Branches], None], status: int, words: str
) -> None:
    branches.fork()
    harm(branches)
    before = branches.files()
    assert words in branches("rebase", status=status)
    assert branches.files() == before


def test_a_file_on_what_main_squashed_must_be_made_anew(branches: Branches) -> None:
    branches.fork()
    folder = branches.migrations
    body = (folder / "0001_add_a.sql").read_text().split("\n", 2)[2]
    (folder / "0001_start.sql").write_text(
        f"-- sendoka: 0001_start\n-- parent: none\n-- replaces: 0000_base – 0001_add_a sha256:{'a' * 64}\n{body}"
    )
    (folder / "0000_base.sql").unlink()
    (folder / "0001_add_a.sql").unlink()
    said = branches("rebase", status=1)
    assert "0001_add_b.sql follows 0000_base, which 0001_start.sql replaces by now" in said


def test_a_squash_cannot_follow(branches: Branches) -> None:
    branches.fork()
    text = (branches.migrations / "0000_base.sql").read_text()
    text = text.replace("0000_base", "0002_start").replace(
        "-- parent: none\n", f"-- parent: none\n-- replaces: 0000_x – 0002_x sha256:{'a' * 64}\n"
    )
    (branches.migrations / "0002_start.sql").write_text(text)
    assert "0002_start.sql stands for others" in branches("rebase", "--keep", "0001_add_a", status=1)
    said = branches("rebase", "--offline", "--keep", "start", "--onto", "0" * 40, status=2)
    assert "Git knows no 0000" in said
    shutil.copy(branches.migrations / "meta" / "0001_add_a.json", branches.migrations / "meta" / "0002_start.json")
    branches.git("checkout", "-q", "--orphan", "alone")
    branches.git("branch", "-D", "-q", "main")
    said = branches("rebase", "--keep", "start", status=1)
    assert "0000_base.sql is beside 0002_start.sql, which stands for all up to its number" in said


def test_a_file_that_was_moved_and_merged_under_another_number_is_not_moved_again(branches: Branches) -> None:
    """As where one branch stands on another, and that one is rebased and merged as one commit."""
    branches.side("feature")
    branches("generate", "--custom", "--name", "seed")
    path = branches.migrations / "0001_seed.sql"
    path.write_text(path.read_text() + "INSERT INTO t VALUES ('a', 'b');\n")
    branches.commit()
    branches.git("branch", "stacked")
    branches.git("checkout", "-q", "main")
    branches.table("a")
    branches.generate("a")
    branches.commit()
    branches.git("checkout", "-q", "feature")
    branches.merge("main")
    branches("rebase")
    branches.commit()
    branches.git("checkout", "-q", "main")
    branches.git("merge", "-q", "--squash", "feature")
    branches.commit()
    branches.git("checkout", "-q", "stacked")
    branches.merge("main")
    before = branches.files()
    said = branches("rebase", status=1)
    assert "0001_seed.sql does what 0002_seed.sql does already, which is on main" in said
    assert "delete 0001_seed.sql and its snapshot" in said
    assert branches.files() == before
    path.unlink()
    (branches.migrations / "meta" / "0001_seed.json").unlink()
    assert "nothing found" in branches("check")
