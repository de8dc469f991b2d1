"""Write the next migration from what changed in the schema."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from sendoka.cli._answers import answer_options, until_answered
from sendoka.cli._options import json_option, print_json, say, shown
from sendoka.cli._review import review
from sendoka.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sendoka.cli._review import Review
    from sendoka.migrations.generator import Choices, Draft, Written
    from sendoka.migrations.reverter import Revert
    from sendoka.schema.answers import Answers
    from sendoka.settings import Settings

__all__ = ["generate"]


@click.command
@click.option("--name", metavar="WORDS", help="The words of the file's name; by default two are chosen.")
@answer_options
@click.option("--online", is_flag=True, help="Take the ways that hold nobody up, in files of their own.")
@click.option("--custom", is_flag=True, help="Write an empty migration, for SQL of your own.")
@click.option("--revert", metavar="NAME", help="Undo one migration by a new one: its name, number or words.")
@click.option("--dry-run", is_flag=True, help="Show it and write nothing.")
@click.option("--check", is_flag=True, help="Exit with 1 where the schema has a change that no migration holds.")
@json_option
def generate(
    name: str | None,
    answers: Answers,
    online: bool,
    custom: bool,
    revert: str | None,
    dry_run: bool,
    check: bool,
    as_json: bool,
) -> int:
    """Write the next migration from what changed in the schema.

    Compares schema/ with the newest snapshot in migrations/meta/; needs no database. Nothing that may lose data is
    written before it is allowed by name, and nothing is taken for a rename that you did not call one. At a terminal you
    are asked; elsewhere, and with --json, what is not answered is listed with the flags to add (exit 4).

    What was written is shown, then reviewed: what each statement may do to a live database, the lock it takes, about
    how many rows there are where DATABASE_URL says so within seconds, and the SQL to use instead. Where a text of SQL
    is spelled in another way than before, a PostgreSQL of this machine is started to tell whether it means the same.

    With --online indexes and constraints of tables that are there already come in several files, none of which holds
    others up. CREATE INDEX CONCURRENTLY runs in no transaction: `sendoka migrate` sends it alone, and asks the server
    whether it is done.

    With --custom the migration has its header, a place for your SQL and a copy of the snapshot before it: for what the
    schema cannot say, such as data. Write the SQL before you apply the file anywhere.

    With --revert the migration undoes an earlier one, whatever came after it, in today's schema; where later migrations
    changed the same, that is named (exit 1), and so is what cannot come back: values, rows, and SQL of your own. Take
    the change out of schema/ as well: what it still says of it is listed.
    """
    _refuse_together(name, answers, online=online, custom=custom, revert=revert, dry_run=dry_run, check=check)
    from sendoka.migrations import generator
    from sendoka.sources import compared_here

    settings = read_settings()
    if check:
        return _check(generator.ungenerated(settings.schema, settings.migrations, compared_here), as_json=as_json)
    back: Revert | None = None
    found: Draft | None
    if custom:
        found = generator.custom(settings.migrations, name=name)
    else:
        choices = generator.Choices(name, answers, online, compared_here)
        found, back = _planned(settings, choices, revert, as_json=as_json)
    if found is None:
        print_json({"migrations": []}) if as_json else say("nothing to generate: the migrations hold the whole schema")
        return 0
    written = None if dry_run else generator.write(found, settings.migrations)
    seen = review(found, settings)
    if as_json:
        print_json(_data(found, seen, written, settings.root) | _reverted_data(back))
        return 0
    _show(found, seen)
    _show_reverted(back, settings)
    _tell(written, settings.root)
    return 0


def _refuse_together(
    name: str | None,
    answers: Answers,
    *,
    online: bool,
    custom: bool,
    revert: str | None,
    dry_run: bool,
    check: bool,
) -> None:
    """Raise UsageError for options that do not go together."""
    given = {
        "--rename": answers.renames,
        "--create": answers.creates,
        "--allow": answers.allow,
        "--online": online,
        "--custom": custom,
        "--revert": revert is not None,
        "--dry-run": dry_run,
        "--name": name is not None,
    }
    plans = ("--rename", "--create", "--allow", "--online", "--revert")
    refusing = {
        "--custom": (custom, plans, "it plans nothing, and has no questions to answer"),
        "--check": (check, tuple(given), "it asks and writes nothing"),
    }
    for option, (chosen, others, why) in refusing.items():
        for other in others if chosen else ():
            if given[other]:
                raise click.UsageError(f"{option} does not go with {other}: {why}")


def _planned(
    settings: Settings, choices: Choices, undo: str | None, *, as_json: bool
) -> tuple[Draft | None, Revert | None]:
    """Return what is to be written, with what is undone by it, once a person has answered all that it asks."""
    from sendoka.migrations.generator import draft
    from sendoka.migrations.reverter import revert

    if undo is None:
        return until_answered(
            lambda given: draft(settings.schema, settings.migrations, replace(choices, answers=given)),
            choices.answers,
            as_json=as_json,
        ), None
    back = until_answered(
        lambda given: revert(settings.schema, settings.migrations, undo, replace(choices, answers=given)),
        choices.answers,
        as_json=as_json,
    )
    return back.draft, back


def _show(found: Draft, seen: Review) -> None:
    for migration in found.migrations:
        say(migration.text)
    seen.show()
    for note in found.plan.notes:
        say(f"note: {note}")


def _show_reverted(back: Revert | None, settings: Settings) -> None:
    """Say what is undone with a revert, what is lost all the same, and what is left to do."""
    if back is None:
        return
    say(f"it undoes {', '.join(f'{name}.sql' for name in back.reverted)}")
    if len(back.reverted) > 1:
        say("note: these were generated at once, and are undone together: there is no snapshot between them")
    for each in back.lost:
        say(f"note: {each}")
    if back.schema:
        say(f"{shown(settings.schema, settings.root)}/ must be taken back too, or the next migration makes it again:")
        for each in back.schema:
            say(f"  {each}")


def _reverted_data(back: Revert | None) -> dict[str, Any]:
    if back is None:
        return {}
    return {"reverted": list(back.reverted), "lost": list(back.lost), "schema": list(back.schema)}


def _check(changes: Sequence[str], *, as_json: bool) -> int:
    if as_json:
        print_json({"changes": list(changes)})
    else:
        for change in changes:
            say(change)
        count = "1 change" if len(changes) == 1 else f"{len(changes)} changes"
        say(f"{count}, in no migration yet" if changes else "nothing to generate: the migrations hold the whole schema")
    return 1 if changes else 0


def _tell(written: Written | None, root: Path) -> None:
    if written is None:
        say("nothing was written")
        return
    if written.made is not None:
        say(f"made {shown(written.made, root)}/")
    say("commit: " + " ".join(shown(path, root) for path in written.paths))


def _data(found: Draft, seen: Review, written: Written | None, root: Path) -> dict[str, Any]:
    return {
        "migrations": [
            {"name": each.name, "statements": each.statements, "done_when": each.done_when} for each in found.migrations
        ],
        "hazards": seen.data(),
        "database": seen.database,
        "notes": list(found.plan.notes),
        "paths": [shown(path, root) for path in written.paths] if written else [],
        "made": shown(written.made, root) if written and written.made else None,
    }
