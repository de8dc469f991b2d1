"""`check` of a folder: each fault is one finding that names its file and the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendoka.migrations.checks import check
from sendoka.migrations.generator import generate

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.lint import Finding

METADATA = "from sqlalchemy import MetaData\n\nmetadata = MetaData()\n"
TABLE = (
    "from sqlalchemy import Table\n\nfrom sendoka.schema import primary_key\n\nfrom . import metadata\n\n"
    '{name} = Table("{name}", metadata, primary_key("abc"))\n'
)


class Folders:
    """A schema of one table for each name it is given, and its migrations."""

    def __init__(self, place: Path) -> None:
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

    def check(self) -> list[Finding]:
        return check(self.schema, self.migrations, {})


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
    assert finding.address == f"migrations/meta/{newest}.json"
    assert finding.what == f"its migration {newest}.sql is missing"
    assert f"restore {newest}.sql" in finding.instead


def test_a_newest_migration_without_its_snapshot_is_found(folders: Folders) -> None:
    folders.add("apples")
    newest = folders.add("pears")
    (folders.migrations / "meta" / f"{newest}.json").unlink()
    (finding,) = folders.check()
    assert finding.address == f"migrations/meta/{newest}.json"
    assert finding.what == f"the snapshot of {newest}.sql is missing"
    assert "restore it" in finding.instead


def test_a_renamed_snapshot_is_both(folders: Folders) -> None:
    newest = folders.add("apples")
    snapshot = folders.migrations / "meta" / f"{newest}.json"
    snapshot.rename(snapshot.with_name("0000_other.json"))
    assert [finding.address for finding in folders.check()] == [
        "migrations/meta/0000_other.json",
        f"migrations/meta/{newest}.json",
    ]


def test_a_broken_file_is_named_with_its_line(folders: Folders) -> None:
    name = folders.add("apples")
    file = folders.migrations / f"{name}.sql"
    file.write_text(file.read_text().replace("\n\n", "\n-- transactoin: none\n\n", 1))
    (finding,) = folders.check()
    assert f"{name}.sql has the unknown directive" in finding.what
    assert "unknown directive 'transactoin'" in finding.what
    assert finding.address.endswith(".sql:3")
    assert finding.instead


def test_a_change_that_was_not_generated_is_found(folders: Folders) -> None:
    folders.add("apples")
    folders.declare("pears")
    (finding,) = folders.check()
    assert (finding.rule, finding.what, finding.instead) == (
        "ungenerated",
        "table pears is new",
        "run `sendoka generate`",
    )
