"""Write the next migration from what changed in the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sendoka.cli._options import json_option, print_json, say
from sendoka.settings import read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.migrations.files import Migration
    from sendoka.schema.step import Plan

__all__ = ["generate"]


@click.command
@click.option("--name", metavar="WORDS", help="The words of the file's name; by default two are chosen.")
@click.option("--rename", "renames", multiple=True, metavar="OLD=NEW", help="What went and came is one thing renamed.")
@click.option("--allow", multiple=True, metavar="HAZARD", help="Allow a step that may lose data, by its name.")
@click.option("--dry-run", is_flag=True, help="Show it and write nothing.")
@json_option
def generate(name: str | None, renames: tuple[str, ...], allow: tuple[str, ...], dry_run: bool, as_json: bool) -> int:
    """Write the next migration from what changed in the schema.

    Compares schema/ with the newest snapshot in migrations/meta/; needs no database. Nothing that may lose data is
    written before it is allowed by name, and nothing is taken for a rename that you did not call one: what is not
    answered is listed with the flags to add (exit 4).
    """
    from sendoka.migrations.generator import draft
    from sendoka.migrations.generator import generate as write

    settings = read_settings()
    make = draft if dry_run else write
    made: Any = make(settings.schema, settings.migrations, name=name, allow=allow, renames=renames)
    if made is None:
        print_json({"migrations": []}) if as_json else say("nothing to generate: the migrations hold the whole schema")
        return 0
    paths = [] if dry_run else [_shown(path, settings.root) for path in made.paths]
    if as_json:
        print_json(_data(made.migrations, made.plan, paths))
        return 0
    for migration in made.migrations:
        say(migration.text)
    _review(made.plan)
    say("nothing was written" if dry_run else "commit: " + " ".join(paths))
    return 0


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _data(migrations: tuple[Migration, ...], plan: Plan, paths: list[str]) -> dict[str, Any]:
    return {
        "migrations": [{"name": migration.name, "statements": migration.statements} for migration in migrations],
        "hazards": [{"name": hazard.flag, "why": hazard.why} for hazard in plan.hazards],
        "notes": list(plan.notes),
        "paths": paths,
    }


def _review(plan: Plan) -> None:
    for hazard in plan.hazards:
        say(f"mind: {hazard.flag}: {hazard.why}")
    for note in plan.notes:
        say(f"note: {note}")
