"""What CI asks of a commit, without a database: the folder is whole, the schema is generated, the rules are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.errors import MigrationError
from sendoka.lint import Finding, lint
from sendoka.migrations.folder import read_folder
from sendoka.migrations.generator import SNAPSHOTS, as_written, ungenerated
from sendoka.migrations.inspection import folder_findings
from sendoka.schema.from_python import model_from_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from sendoka.migrations.files import Migration
    from sendoka.migrations.generator import Compare

__all__ = ["check"]


def check(schema: Path, migrations: Path, rules: Mapping[str, Any], compare: Compare = as_written) -> list[Finding]:
    """Return what is wrong, empty where nothing is. Reads files only, whatever `compare` does to find changes.

    `rules` is `[tool.sendoka.rules]`; a project without that table is not held to any. Raises SchemaError for a schema
    that cannot be loaded and SettingsError for rules that do not exist.
    """
    findings = _migrations(schema, migrations, compare)
    return findings + (lint(model_from_folder(schema), rules) if rules else [])


def _migrations(schema: Path, migrations: Path, compare: Compare) -> list[Finding]:
    """Return what is wrong with the folder; what follows from it, and would only hide it, is left out."""
    if not migrations.is_dir():
        return _missing(schema, migrations, compare)
    findings = folder_findings(migrations)
    try:
        files = read_folder(migrations)
    except MigrationError:
        return findings
    return findings + (_snapshots(files, migrations) or _changes(schema, migrations, compare))


def _missing(schema: Path, migrations: Path, compare: Compare) -> list[Finding]:
    if not ungenerated(schema, migrations, compare):
        return []
    return [
        Finding(
            "folder",
            migrations.name,
            f"there is no migrations folder {migrations}",
            "`sendoka generate` makes it; one of another name belongs into [tool.sendoka] of pyproject.toml",
        )
    ]


def _snapshots(files: Sequence[Migration], migrations: Path) -> list[Finding]:
    """Find snapshots without their migration, and the newest migration without its snapshot.

    An older migration may have none: of several that were generated at once only the last has one.
    """
    names = {migration.name for migration in files}
    kept = {path.stem for path in (migrations / SNAPSHOTS).glob("*.json")}
    place = f"{migrations.name}/{SNAPSHOTS}"
    found = [
        Finding(
            "snapshot",
            f"{place}/{name}.json",
            f"its migration {name}.sql is missing",
            f"restore {name}.sql from version control; where it was never applied, delete the snapshot",
        )
        for name in sorted(kept - names)
    ]
    if files and files[-1].name not in kept:
        newest = files[-1].name
        way_out = "restore it from version control; for a file written by hand, copy the snapshot before it"
        found.append(Finding("snapshot", f"{place}/{newest}.json", f"the snapshot of {newest}.sql is missing", way_out))
    return found


def _changes(schema: Path, migrations: Path, compare: Compare) -> list[Finding]:
    changes = ungenerated(schema, migrations, compare)
    return [Finding("ungenerated", schema.name, change, "run `sendoka generate`") for change in changes]
