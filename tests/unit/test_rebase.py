"""`sendoka rebase`: what a merge in Git leaves, which side stays, what moves with a file, and what cannot move."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendoka.errors import ForkedHistory
from sendoka.migrations.folder import read_folder
from sendoka.migrations.rebaser import rebase, write
from sendoka.migrations.tree import read_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.fixtures.branches import Branches


def columns(branches: Branches, name: str, table: str = "t") -> list[str]:
    """Return the columns of a table in a snapshot, in order."""
    objects = branches.snapshot(name)["objects"]
    return [each["name"] for each in objects if each["kind"] == "column" and each["table"] == table]


def test_after_a_merge_the_branch_follows_main(branches: Branches) -> None:
    branches.fork()
    before = branches.text("0001_add_b")
    said = branches("rebase")
    assert "0001_add_a.sql stays" in said
    assert "0001_add_b.sql → 0002_add_b.sql, after 0001_add_a" in said
    assert branches.names() == ["0000_base", "0001_add_a", "0002_add_b"]
    assert set(branches.files()) == {f"{n}.sql" for n in branches.names()} | {
        f"meta/{n}.json" for n in branches.names()
    }
    assert branches.text("0002_add_b").split("\n")[2:] == before.split("\n")[2:]
    assert read_folder(branches.migrations)[-1].parent == read_folder(branches.migrations)[1].as_parent
    assert columns(branches, "0002_add_b", "a") == ["id"]
    assert columns(branches, "0002_add_b", "b") == ["id", "x"]
    assert "nothing to generate" in branches("generate", "--check")
    assert "nothing to rebase" in branches("rebase")


def test_what_it_would_do_is_shown_and_told_as_json(branches: Branches) -> None:
    branches.fork()
    before = branches.files()
    assert "nothing was written" in branches("rebase", "--dry-run")
    assert branches.files() == before
    data = branches.data("rebase")
    assert data["kept"] == "0001_add_a"
    assert data["moves"] == [{"from": "0001_add_b", "to": "0002_add_b"}]
    assert sorted(data["paths"]) == ["migrations/0002_add_b.sql", "migrations/meta/0002_add_b.json"]
    assert sorted(data["removed"]) == ["migrations/0001_add_b.sql", "migrations/meta/0001_add_b.json"]
    assert data["notes"] == ["no database was asked: where a file that moves is applied, it must stay"]
    assert branches.data("rebase")["moves"] == []


def test_a_main_branch_that_holds_both_sides_keeps_what_was_there_first(branches: Branches) -> None:
    branches.fork()
    branches.git("checkout", "-q", "main")
    branches.git("merge", "-q", "--no-ff", "--no-edit", "feature")
    data = branches.data("rebase", "--dry-run")
    assert (data["kept"], data["moves"][0]["to"]) == ("0001_add_a", "0002_add_b")
    assert "main holds both sides: what was there first stays" in data["notes"]


def test_the_remote_main_branch_counts_before_a_local_commit(branches: Branches) -> None:
    branches.fork()
    branches.git("update-ref", "refs/remotes/origin/main", "feature^1")
    branches.git("checkout", "-q", "-B", "main", "feature")
    assert branches.data("rebase", "--dry-run")["kept"] == "0001_add_b"


def test_another_branch_can_be_named(branches: Branches) -> None:
    branches.fork()
    branches.git("branch", "release", "feature^1")
    assert branches.data("rebase", "--onto", "release", "--dry-run")["kept"] == "0001_add_b"
    assert "Git knows no nowhere" in branches("rebase", "--onto", "nowhere", status=2)


def test_a_chain_without_a_number_conflict_moves_too(branches: Branches) -> None:
    branches.side("feature")
    for words in ("one", "two"):
        branches.table(words)
        branches.generate(words)
    (branches.migrations / "0001_one.sql").rename(branches.migrations / "x")
    text = (branches.migrations / "x").read_text().replace("0001_one", "0005_one")
    (branches.migrations / "x").unlink()
    (branches.migrations / "meta" / "0001_one.json").rename(branches.migrations / "meta" / "0005_one.json")
    (branches.migrations / "0005_one.sql").write_text(text)
    (branches.migrations / "0002_two.sql").unlink()
    (branches.migrations / "meta" / "0002_two.json").unlink()
    branches.generate("two")
    merge_a(branches)
    assert branches.names() == ["0000_base", "0001_a", "0005_one", "0006_two"]
    branches("rebase", "--keep", "0001", "--onto", "main^1")
    assert branches.names() == ["0000_base", "0001_a", "0002_one", "0003_two"]
    assert [columns(branches, "0003_two", name) for name in ("a", "one", "two")] == [["id"]] * 3
    branches("check")


def test_where_nothing_tells_a_person_says_it(
    branches: Branches, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    branches.fork()
    branches.git("branch", "-m", "main", "trunk")
    said = branches("rebase", status=4)
    assert "0001_add_a.sql and 0001_add_b.sql" in said
    assert "--keep 0001_add_a or --keep 0001_add_b" in said
    assert branches.data("rebase", status=4)["error"]["questions"][0]["answers"][0] == ["--keep", "0001_add_a"]
    monkeypatch.setattr("sendoka.cli.rebase.is_attended", lambda: True)
    monkeypatch.setattr("click.prompt", lambda *_, **__: 2)
    assert "0001_add_b.sql stays" in branches("rebase", "--dry-run")
    for name in ("0001_add_b", "add b", "0001_add_b.sql"):
        assert branches.data("rebase", "--keep", name, "--dry-run")["kept"] == "0001_add_b"


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (("--keep", "0001"), 2, "fits more than one migration"),
        (("--keep", "0001_add_c"), 2, "did you mean 0001_add_"),
        (("--keep", "9" * 40), 2, "no such migration"),
        (("--keep", "0001_add_b"), 1, "0001_add_b.sql cannot stay where it is: 0001_add_a.sql is on main"),
        (("--onto", "--all"), 2, "Git knows no --all"),
        (("--offline", "--env-file", "x"), 2, "does not go with"),
    ],
)
def test_a_side_that_cannot_be(branches: Branches, options: tuple[str, ...], status: int, words: str) -> None:
    branches.fork()
    before = branches.files()
    assert words in branches("rebase", *options, status=status)
    assert branches.files() == before


def test_without_git_it_must_be_told(branches: Branches, monkeypatch: pytest.MonkeyPatch) -> None:
    branches.fork()
    monkeypatch.setattr("shutil.which", lambda _: None)
    branches("rebase", status=4)
    assert "git is not installed" in branches("rebase", "--onto", "main", status=2)
    assert branches.data("rebase", "--keep", "add b")["moves"] == [{"from": "0001_add_a", "to": "0002_add_a"}]


# ------------------------------------------------------------------ what a file takes along


def merge_a(branches: Branches) -> None:
    """Let main add a table, and merge the branch that is checked out into it."""
    branches.commit()
    branches.git("checkout", "-q", "main")
    branches.table("a")
    branches.generate("a")
    branches.commit()
    branches.merge("feature")


def test_everything_below_the_parent_stays_byte_for_byte(branches: Branches) -> None:
    branches.side("feature")
    branches.table("t", "Column('name', Text)")
    branches.generate("b", "--rename", "t.title=t.name")
    path = branches.migrations / "0001_b.sql"
    first, second, third, *_ = path.read_text().split("\n")
    assert third == "-- renamed: column t.title -> t.name"
    rest = (
        f"{third}\r\n-- requires-backfill: give_names\r\n-- lock-timeout: 2s\r\n\r\n"
        'ALTER TABLE "public"."t" RENAME COLUMN "title" TO "name";\r\n--> statement-breakpoint\r\n'
        "UPDATE t SET name = 'ü -- parent: none' ;  \r\n-- two spaces above  \r\n"
    )
    path.write_bytes(f"\ufeff{first}\r\n{second}\r\n{rest}".encode())
    merge_a(branches)
    branches("rebase")
    moved = branches.text("0002_b")
    assert moved.startswith("\ufeff-- sendoka: 0002_b\r\n-- parent: 0001_a sha256:")
    assert moved.split("\r\n", 2)[2] == rest
    assert columns(branches, "0002_b") == ["id", "name"]
    assert columns(branches, "0002_b", "a") == ["id"]
    assert read_folder(branches.migrations)[-1].requires == ("give_names",)


def test_sql_of_ones_own_moves_with_a_copy_of_the_snapshot_and_a_word(branches: Branches) -> None:
    branches.side("feature")
    branches("generate", "--custom", "--name", "seed")
    path = branches.migrations / "0001_seed.sql"
    path.write_text(path.read_text() + "INSERT INTO t VALUES ('a', 'b');\n")
    merge_a(branches)
    assert "0001_seed.sql holds SQL of its own" in branches("rebase")
    assert branches.text("0002_seed").endswith("INSERT INTO t VALUES ('a', 'b');\n")
    assert branches.snapshot("0002_seed") == branches.snapshot("0001_a")


def test_files_that_were_generated_at_once_move_together(branches: Branches) -> None:
    branches.side("feature")
    branches.table("t", "Column('title', Text, index=True)", "Column('size', Integer, index=True)")
    group = branches.generate("many", "--online")
    assert len(group) > 2
    merge_a(branches)
    branches("rebase")
    moved = [name for name in branches.names() if name.endswith("many")]
    first = 1 + len(group)  # 0002_many is taken by a file that moves itself
    assert [int(name[:4]) for name in moved] == list(range(first, first + len(group)))
    assert [name for name in moved if (branches.migrations / "meta" / f"{name}.json").is_file()] == moved[-1:]
    assert "-- done-when: " in branches.text(moved[-1])
    branches("check")


def test_the_same_words_twice_pass_over_a_number(branches: Branches) -> None:
    branches.side("feature")
    for name in ("x", "y"):
        branches.table(name)
        branches.generate("fix")
    merge_a(branches)
    branches("rebase")
    assert branches.names() == ["0000_base", "0001_a", "0003_fix", "0004_fix"]
    branches("check")


def test_numbers_past_9999_and_a_squash_at_the_root(branches: Branches, tmp_path: Path) -> None:
    folder = branches.migrations
    root = read_folder(folder)[0]
    text = root.text.replace("0000_base", "9999_start").replace(
        "-- parent: none\n", f"-- parent: none\n-- replaces: 0000_base – 9999_last sha256:{'a' * 64}\n"
    )
    (folder / "0000_base.sql").unlink()
    (folder / "9999_start.sql").write_text(text)
    (folder / "meta" / "0000_base.json").rename(folder / "meta" / "9999_start.json")
    branches.commit()
    branches.fork()
    branches("rebase")
    assert branches.names() == ["10000_add_a", "10001_add_b", "9999_start"]
    assert [each.number for each in read_folder(folder)] == [9999, 10000, 10001]


def test_two_first_migrations(branches: Branches) -> None:
    other = branches.root / "other"
    branches.migrations.rename(other)
    (branches.schema / "t.py").unlink()
    branches.table("u")
    branches.generate("mine")
    for path in other.rglob("*.*"):
        path.rename(branches.migrations / path.relative_to(other))
    branches("rebase", "--keep", "base")
    assert branches.names() == ["0000_base", "0001_mine"]
    assert columns(branches, "0001_mine") == ["id", "title"]


def test_two_branches_follow_one_after_the_other(branches: Branches) -> None:
    branches.fork()
    branches.git("checkout", "-q", "-b", "third", "main~1")
    branches.table("c")
    branches.generate("add c")
    branches.commit()
    branches.git("checkout", "-q", "feature")
    branches.merge("third")
    branches("rebase")
    assert branches.names() == ["0000_base", "0001_add_a", "0002_add_b", "0003_add_c"]
    branches("check")


def test_a_rebase_that_is_cut_off_anywhere_is_found_and_goes_on(
    branches: Branches, monkeypatch: pytest.MonkeyPatch
) -> None:
    branches.side("feature")
    for name in ("x", "y"):
        branches.table(name)
        branches.generate(name)
    merge_a(branches)
    folder = branches.migrations
    fixed = dict.fromkeys(("0000_base", "0001_a"), "on main")
    start = branches.files()

    def rebased() -> None:
        found = rebase(folder, read_tree(folder), fixed)
        assert found is not None
        write(found, folder)

    def restore() -> None:
        for name in branches.files():
            (folder / name).unlink()
        for name, content in start.items():
            (folder / name).write_bytes(content)

    rebased()
    done = branches.files()
    assert [*done] != [*start]
    for count in range(8):  # four files are written, four removed
        restore()
        with monkeypatch.context() as cut:
            left = iter(range(count))
            for name in ("replace", "unlink"):
                cut.setattr(f"pathlib.Path.{name}", _at_most(getattr(type(folder), name), left))
            with pytest.raises(KeyboardInterrupt):
                rebased()
        with pytest.raises(ForkedHistory):
            read_folder(folder)
        rebased()
        assert {name: text for name, text in branches.files().items() if name.rpartition("/")[2][0] != "."} == done


def _at_most(work: Callable[..., object], left: Iterator[int]) -> Callable[..., object]:
    def called(*arguments: object) -> object:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return work(*arguments)

    return called
