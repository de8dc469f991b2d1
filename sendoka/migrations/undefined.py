"""What a folder of migrations requires and a project does not have."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from sendoka.lint import Finding
from sendoka.migrations.checked import Checked

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sendoka.migrations.files import Migration

__all__ = ["undefined_backfills"]


def undefined_backfills(files: Iterable[Migration], folder: str, known: Collection[str]) -> Checked:
    """Look for backfills that a file of `folder` requires and that are not among the names `known`.

    Such a file can be applied nowhere: its backfill cannot be run. `folder` is as findings have it.
    """
    required = [(migration, name) for migration in files for name in migration.requires]
    findings = [_finding(migration, name, folder, known) for migration, name in required if name not in known]
    names = len({name for _, name in required})
    return Checked.of("backfills", findings, f"{names or 'none'} required by migrations")


def _finding(migration: Migration, name: str, folder: str, known: Collection[str]) -> Finding:
    file = f"{folder}/{migration.name}.sql"
    header = enumerate(migration.text.split("\n"), 1)
    line = next((number for number, text in header if text.startswith("--") and text.endswith(f" {name}")), None)
    what = f"it requires the backfill {name}, which no script defines"
    return Finding("backfills/undefined", file, what, _way_out(name, known), file, line)


def _way_out(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"did you mean {near[0]}? Where the file was applied it stays as it is: give the script its name"
    return f"put its script back into the folder of backfills, or write one called {name}"
