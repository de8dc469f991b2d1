"""List the scripts of the backfill folder."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import click

from sendoka.cli._options import json_option, print_json, say
from sendoka.settings import read_settings

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["list_command"]


@click.command
@json_option
def list_command(as_json: bool) -> int:
    """List the scripts of the backfill folder, and what each comes after."""
    from sendoka.backfills.scripts import after, names

    folder = read_settings().backfill
    rows = [
        {"name": name, "file": f"{stem}.py", "about": _about(folder / f"{stem}.py"), "after": after(folder, [stem])}
        for name, stems in names(folder).items()
        for stem in stems
    ]
    if as_json:
        print_json({"backfills": rows})
        return 0
    if not rows:
        say(f"there are no scripts in {folder}")
    for row in rows:
        behind = f", after {', '.join(row['after'])}" if row["after"] else ""
        say(f"{row['name']}  {row['about']}  ({row['file']}{behind})")
    return 0


def _about(file: Path) -> str:
    try:
        return (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").partition("\n")[0]
    except (SyntaxError, ValueError):  # null bytes, or not UTF-8
        return "not Python"
