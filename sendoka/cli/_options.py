"""What the commands share: options, and how they print."""

from __future__ import annotations

import asyncio
import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from rich.console import Console


__all__ = [
    "Number",
    "Place",
    "Whole",
    "console",
    "env_file_option",
    "json_option",
    "print_json",
    "printable",
    "run",
    "say",
    "shown",
]

T = TypeVar("T")


class Whole(click.IntRange):
    """A whole number, within bounds, that messages call so."""

    name = "whole number"


class Number(click.FloatRange):
    """A number, within bounds, that messages call so. What is no quantity, as `nan` or `inf`, is refused."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a valid number.", param, ctx)
        return number


class Place(click.Path):
    """A file or folder, as a Path. A connection string is refused, and not shown, before it makes a folder."""

    name = "path"

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if "://" in str(value):
            self.fail("this is a connection string, and no file or folder", param, ctx)
        return super().convert(value, param, ctx)


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object: the same facts.")
"""`--json`, as the argument `as_json`. Errors are then one JSON object on stdout too."""

env_file_option = click.option(
    "--env-file",
    metavar="FILE",
    type=Place(),
    help="Read DATABASE_URL from this file, whatever the environment says.",
)
"""`--env-file FILE`, as the argument `env_file: Path | None` for `sendoka.settings.find_source`."""


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine to its end. Ctrl-C cancels it, lets it clean up and then raises KeyboardInterrupt."""
    return asyncio.run(work)


def say(text: str, *, dim: bool = False, err: bool = False) -> None:
    """Print a line for a person; styles are left out where nobody sees them."""
    click.echo(
        click.style(text, dim=True) if dim else text, err=err, color=False if os.environ.get("NO_COLOR") else None
    )


def shown(path: Path, root: Path) -> str:
    """Return a path as a person gives it in `root`, whole where it is elsewhere."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def printable(text: str) -> str:
    """Return `text` without what a terminal would obey: it comes from a database, where anybody may have written it."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def print_json(value: object) -> None:
    """Print `value` as one JSON object on stdout. Dates, paths and the like become their text."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


def console() -> Console:
    """Return a rich console on stdout, for tables, trees and progress. Importing it costs 40 ms, so ask late."""
    from rich.console import Console

    return Console(highlight=False)
