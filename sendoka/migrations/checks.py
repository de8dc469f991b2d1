"""What CI asks of a commit, without a database: the folder is whole, the schema is generated, the rules are kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sendoka.errors import MigrationError, SchemaError, SendokaError, SettingsError
from sendoka.lint import Finding, lint
from sendoka.lint.declared_at import Declarations
from sendoka.lint.run import all_rules
from sendoka.migrations.checked import Checked, shown
from sendoka.migrations.differences import differences
from sendoka.migrations.folder import read_folder
from sendoka.migrations.generator import as_written
from sendoka.migrations.inspection import folder_findings, not_looked_at
from sendoka.migrations.snapshots import SNAPSHOTS, newest_model
from sendoka.schema.decisions import read_renames
from sendoka.schema.from_python import model_from_folder
from sendoka.schema.uncollected import uncollected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from sendoka.migrations.files import Migration
    from sendoka.migrations.generator import Compare
    from sendoka.schema.model import Model
    from sendoka.settings import Settings

__all__ = ["NOT_LOADED", "NOT_WHOLE", "Offline", "check"]

NOT_WHOLE = "the folder is not whole"
NOT_LOADED = "the schema cannot be loaded"


@dataclass(frozen=True, slots=True)
class Offline:
    """What was found in the files of a project, and what other checks stand on.

    `files` are the migrations, oldest first, None where their folder is not whole; `declared` is the schema in Python,
    None where it cannot be loaded; `known` is the schema after the newest file, from its snapshot, None where it is not
    to be had.
    """

    checks: tuple[Checked, ...]
    files: tuple[Migration, ...] | None
    declared: Model | None
    known: Model | None

    @property
    def findings(self) -> list[Finding]:
        """What all checks found."""
        return [finding for each in self.checks for finding in each.findings]


def check(settings: Settings, compare: Compare = as_written) -> Offline:
    """Look at a project's files, whatever `compare` does to find changes.

    A project without a table `[tool.sendoka.rules]` is not held to any. Nothing is raised for what is wrong with the
    project: it is a finding, or a check that could not be made.
    """
    migrations, rules = settings.migrations, settings.rules
    places = _Places(settings)
    declared, loaded = _schema(settings.schema)
    files, folder = _folder(settings, declared)
    known: Model | None = None
    generated = Checked.left_out("ungenerated", NOT_WHOLE if files is None else NOT_LOADED)
    if files is not None and declared is not None:
        known, generated = _generated(files, declared, migrations, compare, places)
    kept = _rules(declared, rules, places)
    return Offline((folder, loaded, generated, kept), None if files is None else tuple(files), declared, known)


def _schema(schema: Path) -> tuple[Model | None, Checked]:
    try:
        with uncollected():
            declared = model_from_folder(schema)
    except SchemaError as error:
        return None, Checked.failed("schema", error)
    return declared, Checked.of("schema", [], _count(sum(each.kind == "table" for each in declared.objects), "table"))


# ------------------------------------------------------------------ the folder


def _folder(settings: Settings, declared: Model | None) -> tuple[list[Migration] | None, Checked]:
    """Return the files of a whole folder, else None, and what is wrong with it."""
    migrations = settings.migrations
    folder = shown(migrations, settings.root)
    if not migrations.is_dir():
        missing = [] if declared is not None and not declared.objects else [_missing(migrations, folder)]
        return (None if missing else []), Checked.of(
            "folder", missing, "there is none" + " yet, and the schema is empty" * (not missing)
        )
    found = folder_findings(migrations, settings.namespace, shown=folder)
    note = not_looked_at()
    notes = [note] if note else []
    try:
        files = read_folder(migrations)
    except MigrationError:
        return None, Checked.of("folder", found, "", notes)
    lost = _snapshots(files, migrations, folder)
    return (None if lost else files), Checked.of("folder", [*found, *lost], _count(len(files), "migration"), notes)


def _missing(migrations: Path, folder: str) -> Finding:
    return Finding(
        "folder/missing",
        folder,
        f"there is no migrations folder {migrations}",
        "`sendoka generate` makes it; one of another name belongs into [tool.sendoka] of pyproject.toml",
    )


def _snapshots(files: Sequence[Migration], migrations: Path, folder: str) -> list[Finding]:
    """Find snapshots without their migration, and the newest migration without its snapshot.

    An older migration may have none: of several that were generated at once only the last has one.
    """
    names = {migration.name for migration in files}
    kept = {path.stem for path in (migrations / SNAPSHOTS).glob("*.json")}
    found = [
        _snapshot(
            folder,
            name,
            f"its migration {name}.sql is missing",
            f"restore {name}.sql from version control; where it was never applied, delete the snapshot",
        )
        for name in sorted(kept - names)
    ]
    if files and files[-1].name not in kept:
        newest = files[-1].name
        way_out = "restore it from version control; for a file written by hand, copy the snapshot before it"
        found.append(_snapshot(folder, newest, f"the snapshot of {newest}.sql is missing", way_out))
    return found


def _snapshot(folder: str, name: str, what: str, instead: str) -> Finding:
    file = f"{folder}/{SNAPSHOTS}/{name}.json"
    return Finding("folder/snapshot", file, what, instead, file)


# ------------------------------------------------------------------ the schema


class _Places:
    """Where the schema's files declare things, read when the first of them is found to be wrong."""

    def __init__(self, settings: Settings) -> None:
        self._root, self._schema = settings.root, settings.schema
        self._declared: Declarations | None = None

    def with_place(self, finding: Finding) -> Finding:
        """Return the finding with the file and the line of its address, where they are known."""
        self._declared = self._declared or Declarations(self._schema)
        found = self._declared.at(finding.place)
        if found is None:
            return finding
        path, line = found
        return replace(finding, file=shown(path, self._root), line=line)


def _generated(
    files: Sequence[Migration], declared: Model, migrations: Path, compare: Compare, places: _Places
) -> tuple[Model | None, Checked]:
    known: Model | None = None
    try:
        with uncollected():
            known = newest_model(migrations, files)
        old = known.attentive(declared)
        changes, doubt = compare(old, declared, read_renames((), old, declared))
    except SendokaError as error:
        return known, Checked.failed("ungenerated", error)
    found = [
        places.with_place(Finding("ungenerated", each.id.address, each.as_change, "run `sendoka generate`"))
        for each in differences(changes)
    ]
    says = (
        f"the schema, compared with {SNAPSHOTS}/{files[-1].name}.json" if files else "the schema, compared with nothing"
    )
    return known, Checked.of("ungenerated", found, says, [doubt] if doubt and found else [])


def _rules(declared: Model | None, rules: Mapping[str, Any], places: _Places) -> Checked:
    if not rules:
        return Checked.left_out("rules", "pyproject.toml has no [tool.sendoka.rules]")
    if declared is None:
        return Checked.left_out("rules", NOT_LOADED)
    try:
        found = [places.with_place(each) for each in lint(declared, rules)]
    except SettingsError as error:
        return Checked.failed("rules", error)
    return Checked.of(
        "rules", found, _count(sum(rules.get(each.name, True) is not False for each in all_rules()), "rule")
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
