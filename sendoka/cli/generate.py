"""Write the next migration from what changed in the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sendoka.cli._answers import answer_options, until_answered
from sendoka.cli._options import json_option, print_json, say
from sendoka.settings import read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.migrations.generator import Draft, Written
    from sendoka.schema.answers import Answers
    from sendoka.schema.step import Plan

__all__ = ["generate"]


@click.command
@click.option("--name", metavar="WORDS", help="The words of the file's name; by default two are chosen.")
@answer_options
@click.option("--custom", is_flag=True, help="Write an empty migration, for SQL of your own.")
@click.option("--dry-run", is_flag=True, help="Show it and write nothing.")
@json_option
def generate(name: str | None, answers: Answers, custom: bool, dry_run: bool, as_json: bool) -> int:
    """Write the next migration from what changed in the schema.

    Compares schema/ with the newest snapshot in migrations/meta/; needs no database. Nothing that may lose data is
    written before it is allowed by name, and nothing is taken for a rename that you did not call one. At a terminal you
    are asked; elsewhere, and with --json, what is not answered is listed with the flags to add (exit 4).

    With --custom the migration has its header, a place for your SQL and a copy of the snapshot before it: for what the
    schema cannot say, such as an extension, a function or data. Write the SQL before you apply the file anywhere.
    """
    if custom and answers:
        raise click.UsageError("--custom has no questions to answer: leave out --rename, --create and --allow")
    from sendoka.migrations import generator

    settings = read_settings()

    def draft(given: Answers) -> Draft | None:
        known = {"allow": given.allow, "renames": given.renames, "creates": given.creates}
        return generator.draft(settings.schema, settings.migrations, name=name, **known)

    found = (
        generator.custom(settings.migrations, name=name) if custom else until_answered(draft, answers, as_json=as_json)
    )
    if found is None:
        print_json({"migrations": []}) if as_json else say("nothing to generate: the migrations hold the whole schema")
        return 0
    written = None if dry_run else generator.write(found, settings.migrations)
    if as_json:
        print_json(_data(found, written, settings.root))
        return 0
    for migration in found.migrations:
        say(migration.text)
    _review(found.plan)
    _tell(written, settings.root)
    return 0


def _tell(written: Written | None, root: Path) -> None:
    if written is None:
        say("nothing was written")
        return
    if written.made is not None:
        say(f"made {_shown(written.made, root)}/")
    say("commit: " + " ".join(_shown(path, root) for path in written.paths))


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _data(found: Draft, written: Written | None, root: Path) -> dict[str, Any]:
    return {
        "migrations": [{"name": migration.name, "statements": migration.statements} for migration in found.migrations],
        "hazards": [{"name": hazard.flag, "why": hazard.why} for hazard in found.plan.hazards],
        "notes": list(found.plan.notes),
        "paths": [_shown(path, root) for path in written.paths] if written else [],
        "made": _shown(written.made, root) if written and written.made else None,
    }


def _review(plan: Plan) -> None:
    for hazard in plan.hazards:
        say(f"mind: {hazard.flag}: {hazard.why}")
    for note in plan.notes:
        say(f"note: {note}")
