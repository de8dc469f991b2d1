"""Make a project that works at once, in a folder or here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from sendoka.cli._options import Place, Whole, json_option, print_json, say
from sendoka.cli._starter import LOCAL_PORT, start_project
from sendoka.settings import VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["init"]

MARKS = {"wrote": "+", "extended": "~", "kept": "="}


@click.command
@click.argument("folder", type=Place(), default=".")
@click.option(
    "--port",
    type=Whole(1, 65535),
    default=LOCAL_PORT,
    show_default=True,
    help="Where the project's local endpoint listens.",
)
@json_option
def init(folder: Path, port: int, as_json: bool) -> int:
    """Make a project in FOLDER (by default here) that works at once: a table, rows, a backfill, tests.

    Asks nothing and overwrites nothing: files that are there are kept, a pyproject.toml and a .gitignore get what they
    lack added to their end. Where schema/ has tables already, no example is written.
    """
    if folder.is_file():
        raise click.UsageError(f"{folder} is a file; give a folder, which is made where it is missing")
    project = start_project(folder, port=port)
    if as_json:
        print_json(
            {
                "folder": project.folder,
                "files": dict(project.files),
                "next": project.commands,
                "warnings": project.warnings,
            }
        )
        return 0
    for name, what in project.files:
        say(f"{MARKS[what]} {name}" + (" (kept as it was)" if what == "kept" else ""), dim=what == "kept")
    for warning in project.warnings:
        say(f"\nmind: {warning}", err=True)
    say("\nnext:")
    for command, reason in project.steps:
        say(f"  {command:<42} # {reason}")
    if VARIABLE in os.environ:
        say(f"\n{VARIABLE} is set in this shell and counts before .env.local: unset it first", err=True)
    return 0
