"""What a folder of migrations requires and a project does not have."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from sendoka.lint import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from sendoka.migrations.files import Migration

__all__ = ["undefined_backfills"]


def undefined_backfills(files: Iterable[Migration], folder: Path, known: Collection[str]) -> list[Finding]:
    """Return a finding for each backfill that a file of `folder` requires and that is not among the names `known`.

    Such a file can be applied nowhere: its backfill cannot be run.
    """
    return [
        Finding(
            "requires-backfill",
            f"{folder.name}/{migration.name}.sql",
            f"it requires the backfill {name}, which no script defines",
            _way_out(name, known),
        )
        for migration in files
        for name in migration.requires
        if name not in known
    ]


def _way_out(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"did you mean {near[0]}? A file that was applied anywhere stays as it is: then name the script {name}"
    return f"put its script back into the folder of backfills, or write one called {name}"
