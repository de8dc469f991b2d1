"""`check --since REF`: what is on another commit is untouched, and what is new comes after it."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from sendoka.errors import SettingsError
from sendoka.migrations.files import Replaced, checksum, render
from sendoka.migrations.since import check_since

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

FILES = {
    "0000_a.sql": "-- sendoka: 0000_a\n-- parent: none\n\nselect 1;\n",
    "0001_b.sql": "-- sendoka: 0001_b\n-- parent: 0000_a sha256:…\n\nselect 2;\n",
    "meta/0000_a.json": "{}\n",
    "meta/0001_b.json": '{"b": 1}\n',
    "README.md": "about\n",
}
NEW = "-- sendoka: {name}\n-- parent: 0001_b sha256:…\n\nselect 3;\n"


class Clone:
    """A repository whose folder `app/migrations` holds FILES on the branch main, with a branch `work` checked out."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.migrations = place / "app" / "migrations"
        for name, text in FILES.items():
            self.write(name, text)
        self.git("init", "-q", "-b", "main")
        self.commit()
        self.git("checkout", "-q", "-b", "work")

    def write(self, name: str, text: str) -> None:
        file = self.migrations / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())

    def new(self, name: str) -> None:
        self.write(f"{name}.sql", NEW.format(name=name))

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "files")

    def git(self, *words: str) -> str:
        who = ["-c", "user.name=ada", "-c", "user.email=ada@example.test", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *who, *words], cwd=self.place, capture_output=True, text=True, check=True)
        return done.stdout

    def main_goes_on(self, name: str) -> None:
        """Commit a file on main that the branch `work` never had."""
        self.git("checkout", "-q", "main")
        self.new(name)
        self.commit()
        self.git("checkout", "-q", "work")

    def found(self, ref: str = "main") -> list[tuple[str, str]]:
        checked = check_since(self.migrations, ref, "migrations")
        assert all(each.file == each.place and each.instead for each in checked.findings)
        return [(each.id.removeprefix("since/"), each.place.removeprefix("migrations/")) for each in checked.findings]


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # a hook that runs these tests sets them
        monkeypatch.delenv(name, raising=False)
    place = tmp_path / "a clone, ü"
    place.mkdir()
    return Clone(place)


def nothing(clone: Clone) -> None:
    pass


def edit(clone: Clone) -> None:
    clone.write("0000_a.sql", FILES["0000_a.sql"] + "-- a word\n")


def edit_and_commit(clone: Clone) -> None:
    edit(clone)
    clone.commit()


def edit_a_snapshot(clone: Clone) -> None:
    clone.write("meta/0001_b.json", "{}\n")


def line_endings(clone: Clone) -> None:
    clone.write("0000_a.sql", "\ufeff" + FILES["0000_a.sql"].replace("\n", "\r\n"))


def edit_something_else(clone: Clone) -> None:
    clone.write("README.md", "more\n")
    (clone.migrations / "notes.txt").write_text("x")


def delete(clone: Clone) -> None:
    (clone.migrations / "0000_a.sql").unlink()


def delete_all(clone: Clone) -> None:
    shutil.rmtree(clone.migrations)


def rename(clone: Clone) -> None:
    (clone.migrations / "0001_b.sql").rename(clone.migrations / "0001_c.sql")


def rename_inside_too(clone: Clone) -> None:
    delete_one = clone.migrations / "0001_b.sql"
    delete_one.unlink()
    clone.write("0004_c.sql", FILES["0001_b.sql"].replace("sendoka: 0001_b", "sendoka: 0004_c"))


def add(clone: Clone) -> None:
    clone.new("0002_c")


def merged_branches(clone: Clone) -> None:
    clone.new("0002_mine")
    clone.commit()
    clone.main_goes_on("0002_theirs")
    clone.git("merge", "-q", "-m", "both", "main")


def rebased_well(clone: Clone) -> None:
    clone.main_goes_on("0002_theirs")
    clone.git("merge", "-q", "main")
    clone.new("0003_mine")


def behind(clone: Clone) -> None:
    clone.main_goes_on("0002_theirs")
    clone.new("0002_mine")


def past_9999(clone: Clone) -> None:
    clone.main_goes_on("9999_theirs")
    clone.git("merge", "-q", "main")
    clone.new("10000_mine")


def squash(clone: Clone) -> None:
    delete_all(clone)
    last = checksum(FILES["0001_b.sql"])
    clone.write("0001_all.sql", render("0001_all", None, ["select 3"], [], replaces=Replaced("0000_a", "0001_b", last)))


def squash_of_another(clone: Clone) -> None:
    delete_all(clone)
    clone.write("0001_all.sql", render("0001_all", None, [], [], replaces=Replaced("0000_a", "0001_b", "0" * 64)))


CASES: list[tuple[Callable[[Clone], None], list[tuple[str, str]]]] = [
    (nothing, []),
    (edit, [("changed", "0000_a.sql")]),
    (edit_and_commit, [("changed", "0000_a.sql")]),
    (edit_a_snapshot, [("changed", "meta/0001_b.json")]),
    (line_endings, []),
    (edit_something_else, []),
    (delete, [("removed", "0000_a.sql")]),
    (delete_all, [("removed", each) for each in sorted(FILES) if each != "README.md"]),
    (rename, [("renamed", "0001_c.sql")]),
    (rename_inside_too, [("renamed", "0004_c.sql")]),
    (add, []),
    (merged_branches, [("order", "0002_mine.sql")]),
    (rebased_well, []),
    (behind, [("behind", "0002_theirs.sql"), ("order", "0002_mine.sql")]),
    (past_9999, []),
    (squash, []),
    (
        squash_of_another,
        [*(("removed", each) for each in sorted(FILES) if each != "README.md"), ("order", "0001_all.sql")],
    ),
]


@pytest.mark.parametrize(("change", "found"), CASES, ids=lambda each: getattr(each, "__name__", ""))
def test_what_became_of_merged_files(
    clone: Clone, change: Callable[[Clone], None], found: list[tuple[str, str]]
) -> None:
    change(clone)
    assert clone.found() == found


def test_a_way_out_names_the_commit(clone: Clone) -> None:
    edit(clone)
    (finding,) = check_since(clone.migrations, "main", "db").findings
    assert finding.what == "it is on main, and was edited here"
    assert "`git checkout main -- db/0000_a.sql`" in finding.instead


def test_a_folder_that_the_other_commit_has_not_is_new_as_a_whole(clone: Clone) -> None:
    clone.git("checkout", "-q", "--orphan", "other")
    clone.git("rm", "-rqf", ".")
    clone.git("commit", "-q", "--allow-empty", "-m", "nothing")
    clone.git("checkout", "-q", "work")
    assert clone.found("other") == []


@pytest.mark.parametrize("ref", ["nowhere", "-x", "--all", "main:app", "", "a b"])
def test_a_commit_that_is_not_known(clone: Clone, ref: str) -> None:
    with pytest.raises(SettingsError, match="git knows no commit called") as error:
        check_since(clone.migrations, ref, "db")
    assert "git fetch" in str(error.value)
    assert error.value.exit_code == 2


def test_a_folder_in_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    (tmp_path / "app" / "migrations").mkdir(parents=True)
    with pytest.raises(SettingsError, match="git knows no repository") as error:
        check_since(tmp_path / "app" / "migrations", "main", "db")
    assert "not a git repository" in str(error.value)


def test_git_is_missing(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(clone.place))
    with pytest.raises(SettingsError, match="git is not installed"):
        check_since(clone.migrations, "main", "db")


def test_a_shallow_clone_is_told_how_to_get_deeper(clone: Clone) -> None:
    add(clone)
    clone.commit()
    clone.main_goes_on("0002_theirs")
    shallow = clone.place / "shallow"
    options = ["--depth", "1", "--branch", "work", "--no-single-branch"]
    clone.git("clone", "-q", *options, clone.place.as_uri(), str(shallow))
    with pytest.raises(SettingsError, match="shallow") as error:
        check_since(shallow / "app" / "migrations", "origin/main", "db")
    assert "fetch-depth: 0" in str(error.value)
    with pytest.raises(SettingsError, match="a shallow clone") as error:
        check_since(shallow / "app" / "migrations", "HEAD~1", "db")
    assert "git fetch --unshallow" in str(error.value)


def test_a_hook_of_git_asks_the_same(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(clone)
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    assert clone.found() == [("changed", "0000_a.sql")]


def test_a_folder_behind_a_link(clone: Clone, tmp_path: Path) -> None:
    edit(clone)
    link = tmp_path / "linked"
    link.symlink_to(clone.migrations, target_is_directory=True)
    assert [each.id for each in check_since(link, "main", "db").findings] == ["since/changed"]


def test_a_folder_that_is_the_repository(tmp_path: Path, clone: Clone) -> None:
    place = tmp_path / "migrations"
    place.mkdir()
    (place / "0000_a.sql").write_text(FILES["0000_a.sql"])
    clone.place = clone.migrations = place
    clone.git("init", "-q", "-b", "main")
    clone.commit()
    assert clone.found() == []
    (place / "0000_a.sql").unlink()
    assert clone.found() == [("removed", "0000_a.sql")]
