"""`check` of a folder: each fault is one finding that names its file and the way out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import sendoka
from sendoka.migrations.checked import IDS
from sendoka.migrations.checks import check
from sendoka.migrations.comparison import State
from sendoka.migrations.differences import Sort
from sendoka.migrations.divergence import divergences
from sendoka.migrations.files import Migration
from sendoka.migrations.history import Entry
from sendoka.settings import Settings
from tests.fixtures.generated import generate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sendoka.lint import Finding
    from sendoka.migrations.checks import Offline

METADATA = "from sqlalchemy import MetaData\n\nmetadata = MetaData()\n"
TABLE = (
    "from sqlalchemy import Table\n\nfrom sendoka.schema import primary_key\n\nfrom . import metadata\n\n"
    '{name} = Table("{name}", metadata, primary_key("abc"))\n'
)


class Folders:
    """A schema of one table for each name it is given, and its migrations."""

    def __init__(self, place: Path) -> None:
        self.root = place
        self.schema = place / "schema"
        self.migrations = place / "migrations"
        self.schema.mkdir()
        (self.schema / "__init__.py").write_text(METADATA)

    def add(self, name: str) -> str:
        """Declare a table, generate its migration and return that one's name."""
        self.declare(name)
        written = generate(self.schema, self.migrations)
        assert written is not None
        return written.migrations[-1].name

    def declare(self, name: str) -> None:
        (self.schema / f"{name}.py").write_text(TABLE.format(name=name))

    def offline(self, rules: Mapping[str, Any] | None = None, namespace: str = "sendoka") -> Offline:
        folders = (self.root, self.schema, self.migrations, self.root / "backfill")
        return check(Settings(*folders, rules or {}, namespace))

    def check(self) -> list[Finding]:
        return self.offline().findings


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


def test_a_whole_folder_has_no_findings(folders: Folders) -> None:
    folders.add("apples")
    folders.add("pears")
    assert folders.check() == []


def test_a_schema_without_tables_needs_no_folder(folders: Folders) -> None:
    assert folders.check() == []


def test_a_missing_folder_is_one_finding(folders: Folders) -> None:
    for name in ("apples", "pears", "plums"):
        folders.declare(name)
    (finding,) = folders.check()
    assert finding.what == f"there is no migrations folder {folders.migrations}"
    assert "sendoka generate" in finding.instead
    assert "[tool.sendoka]" in finding.instead


def test_a_deleted_newest_migration_is_found_by_its_snapshot(folders: Folders) -> None:
    folders.add("apples")
    newest = folders.add("pears")
    (folders.migrations / f"{newest}.sql").unlink()
    (finding,) = folders.check()
    assert finding.place == f"migrations/meta/{newest}.json"
    assert finding.what == f"its migration {newest}.sql is missing"
    assert f"restore {newest}.sql" in finding.instead


def test_a_newest_migration_without_its_snapshot_is_found(folders: Folders) -> None:
    folders.add("apples")
    newest = folders.add("pears")
    (folders.migrations / "meta" / f"{newest}.json").unlink()
    (finding,) = folders.check()
    assert finding.place == f"migrations/meta/{newest}.json"
    assert finding.what == f"the snapshot of {newest}.sql is missing"
    assert "restore it" in finding.instead


def test_a_renamed_snapshot_is_both(folders: Folders) -> None:
    newest = folders.add("apples")
    snapshot = folders.migrations / "meta" / f"{newest}.json"
    snapshot.rename(snapshot.with_name("0000_other.json"))
    assert [finding.place for finding in folders.check()] == [
        "migrations/meta/0000_other.json",
        f"migrations/meta/{newest}.json",
    ]


def test_a_broken_file_is_named_with_its_line(folders: Folders) -> None:
    name = folders.add("apples")
    file = folders.migrations / f"{name}.sql"
    file.write_text(file.read_text().replace("\n\n", "\n-- transactoin: none\n\n", 1))
    (finding,) = folders.check()
    assert f"{name}.sql has the unknown directive" in finding.what
    assert (finding.id, finding.file, finding.line) == ("folder/directive", f"migrations/{name}.sql", 3)
    assert "did you mean transaction?" in finding.instead


def test_a_change_that_was_not_generated_is_found(folders: Folders) -> None:
    folders.add("apples")
    folders.declare("pears")
    (finding,) = folders.check()
    assert (finding.id, finding.what, finding.instead) == (
        "ungenerated",
        "table pears is new",
        "run `sendoka generate`",
    )


def test_a_finding_about_the_schema_has_the_line_that_declares_it(folders: Folders) -> None:
    folders.add("apples")
    file = folders.schema / "apples.py"
    file.write_text(
        file.read_text()
        .replace("import Table", "import Column, Table, Text")
        .replace('"abc"))', '"abc"), Column("pip", Text))')
    )
    (finding,) = folders.check()
    assert (finding.place, finding.file, finding.line) == ("apples.pip", "schema/apples.py", 7)
    assert str(finding).startswith("schema/apples.py:7: apples.pip: column apples.pip is new [ungenerated]; run")


def test_a_broken_rule_has_a_stable_id_and_a_place(folders: Folders) -> None:
    folders.add("apples")
    found = folders.offline({"created-at-form": True}).findings
    assert [(each.id, each.file, each.line) for each in found] == [("rule/created-at-form", "schema/apples.py", 7)]


def verdicts(offline: Offline) -> dict[str, str]:
    return {each.name: each.verdict for each in offline.checks}


def test_a_schema_that_cannot_be_loaded_is_no_finding_and_nothing_is_said_to_be_clean(folders: Folders) -> None:
    folders.add("apples")
    (folders.schema / "apples.py").write_text("1 / 0\n")
    offline = folders.offline({"created-at-form": True})
    assert verdicts(offline) == {"folder": "clean", "schema": "failed", "ungenerated": "left out", "rules": "left out"}
    assert offline.declared is None


def test_what_stands_on_a_folder_that_is_not_whole_is_left_out(folders: Folders) -> None:
    name = folders.add("apples")
    (folders.migrations / f"{name}.sql").write_text("select 1;\n")
    offline = folders.offline()
    assert verdicts(offline) == {"folder": "found", "schema": "clean", "ungenerated": "left out", "rules": "left out"}
    assert offline.files is None


@pytest.mark.parametrize(
    ("rules", "snapshot", "failed", "says"),
    [
        ({"no-such-rule": True}, None, "rules", "there is no rule no-such-rule"),
        ({}, "{}", "ungenerated", "snapshot"),
    ],
)
def test_a_check_that_cannot_be_made_says_why(
    folders: Folders, rules: dict[str, Any], snapshot: str | None, failed: str, says: str
) -> None:
    name = folders.add("apples")
    if snapshot is not None:
        (folders.migrations / "meta" / f"{name}.json").write_text(snapshot)
    offline = folders.offline(rules)
    (broken,) = [each for each in offline.checks if each.error is not None]
    assert (broken.name, broken.verdict, offline.findings) == (failed, "failed", [])
    assert says in str(broken.error)


CHAIN = [Migration(number, f"{number:04d}_a", "", str(number), None, ()) for number in range(3)]


def entry(number: int, checksum: str | None = None, name: str = "a", state: str = "applied") -> Entry:
    told = checksum or str(number)
    return Entry(number, f"{number:04d}_{name}", told, told, state, None, None, "ada")


HISTORIES = [
    ([], []),
    ([entry(0)], []),
    ([entry(0), entry(1), entry(2)], []),
    ([entry(0), entry(1, "x"), entry(2)], [("history/altered", "migrations/0001_a.sql")]),
    (
        [entry(0, "y"), entry(1, "x")],
        [("history/altered", "migrations/0000_a.sql"), ("history/altered", "migrations/0001_a.sql")],
    ),
    ([entry(0), entry(1, "x", "b"), entry(2, "z")], [("history/forked", "migrations/0001_a.sql")]),
    ([entry(0), entry(1, state="running")], [("history/running", "migrations/0001_a.sql")]),
    ([entry(0), entry(1), entry(2), entry(3), entry(4)], [("history/newer", "0003_a"), ("history/newer", "0004_a")]),
    (
        [entry(0), entry(1, "x"), entry(2), entry(3)],
        [("history/altered", "migrations/0001_a.sql"), ("history/newer", "0003_a")],
    ),
]


@pytest.mark.parametrize(("history", "found"), HISTORIES, ids=str)
def test_each_migration_in_which_folder_and_history_part_is_found(
    history: list[Entry], found: list[tuple[str, str]]
) -> None:
    findings = divergences(CHAIN, history, "migrations")
    assert [(each.id, each.place) for each in findings] == found
    assert all(each.instead and each.what for each in findings)


def test_every_id_in_the_code_is_described_and_every_description_is_used() -> None:
    """Ids are put together from an id's first part and a `StrEnum`, so the parts are looked for."""
    package = Path(sendoka.__file__).parent
    code = "\n".join(
        path.read_text()
        for folder in ("migrations", "lint")
        for path in (package / folder).rglob("*.py")
        if path.name != "checked.py"
    )
    for name in IDS:
        first, _, second = name.partition("/")
        assert f'"{name}"' in code or (f'f"{first}/{{' in code and f'"{second}"' in code) or name == "rule/…", name
    used = set(re.findall(r'Finding\(\s*"([a-z/]+)"', code))
    assert used <= set(IDS)
    assert {f"history/{state}" for state in State if state not in {"applied", "pending"}} <= set(IDS)
    assert {f"drift/{sort}" for sort in Sort} <= set(IDS)


def test_our_own_tables_are_looked_for_where_they_are(folders: Folders) -> None:
    name = folders.add("apples")
    file = folders.migrations / f"{name}.sql"
    file.write_text(file.read_text() + "\n--> statement-breakpoint\ndelete from ours.migrations\n")
    assert folders.check() == []
    (finding,) = folders.offline(namespace="ours").findings
    assert (finding.id, finding.file) == ("folder/own-namespace", f"migrations/{name}.sql")
