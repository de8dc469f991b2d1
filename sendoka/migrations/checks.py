"""What CI asks of a commit, without a database: the folder is whole, the schema is generated, the rules are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.errors import MigrationError
from sendoka.lint import Finding, lint
from sendoka.migrations.files import read_folder
from sendoka.migrations.generator import ungenerated
from sendoka.schema.from_python import model_from_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

__all__ = ["check"]


def check(schema: Path, migrations: Path, rules: Mapping[str, Any]) -> list[Finding]:
    """Return what is wrong, empty where nothing is. Reads files only.

    `rules` is `[tool.sendoka.rules]`; a project without that table is not held to any. Raises SchemaError for a schema
    that cannot be loaded and SettingsError for rules that do not exist.
    """
    findings = _folder(migrations) or _changes(schema, migrations)
    return findings + (lint(model_from_folder(schema), rules) if rules else [])


def _folder(migrations: Path) -> list[Finding]:
    if not migrations.is_dir():
        return []
    try:
        read_folder(migrations)
    except MigrationError as error:
        return [Finding("folder", migrations.name, error.what, error.todo)]
    return []


def _changes(schema: Path, migrations: Path) -> list[Finding]:
    try:
        changes = ungenerated(schema, migrations)
    except MigrationError as error:
        return [Finding("folder", migrations.name, error.what, error.todo)]
    return [Finding("ungenerated", schema.name, change, "run `sendoka generate`") for change in changes]
