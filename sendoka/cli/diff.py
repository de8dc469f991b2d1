"""Show what leads from one schema to another, as SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sendoka.cli._answers import answer_options
from sendoka.cli._options import json_option, print_json, run, say
from sendoka.cli._plan import as_data

if TYPE_CHECKING:
    from collections.abc import Collection

    from sendoka.schema.answers import Answers
    from sendoka.schema.model import Model
    from sendoka.schema.step import Hazard, Plan, Step

__all__ = ["diff"]


@click.command
@click.option("--from", "old", required=True, metavar="SCHEMA", help="The schema that is there.")
@click.option("--to", "new", required=True, metavar="SCHEMA", help="The schema that is wanted.")
@click.option("--sql", is_flag=True, help="Print the statements alone, ready for psql.")
@click.option("--check", is_flag=True, help="Exit with 1 where the two differ.")
@answer_options
@click.option("--scratch", metavar="URL", help="Build schemas on this PostgreSQL server, not on one of our own.")
@json_option
def diff(old: str, new: str, sql: bool, check: bool, answers: Answers, scratch: str | None, as_json: bool) -> int:
    """Show what leads from one schema to another, as SQL.

    A SCHEMA is a connection string, a snapshot (.json), a file of SQL (.sql), the folder of a schema in Python, or that
    of migrations, drizzle's too, which is replayed from its beginning. Nothing is changed anywhere: SQL is tried out in
    a scratch database on this machine, or on the server that --scratch names.

    Every step that may lose data or lock a table is marked with the name of what it does; what the two hold and Sendoka
    does not manage is listed, and left out. Nobody is asked here: what needs an answer elsewhere is marked as asking.
    """
    if sql and as_json:
        raise click.UsageError("--sql and --json are two forms of one answer: choose one")
    steps, notes, version = run(_plan(old, new, answers, scratch))
    if as_json:
        print_json(_data(steps, notes, version))
    else:
        _print(steps, notes, version, sql=sql)
    return 1 if check and steps.transactions else 0


async def _plan(old: str, new: str, answers: Answers, url: str | None) -> tuple[Plan, tuple[str, ...], int | None]:
    from sendoka.schema.decisions import kept, read_renames
    from sendoka.schema.plan import plan
    from sendoka.scratch import Scratch
    from sendoka.sources import compared, read_model

    async with Scratch(url) as scratch:
        before, after = await read_model(old, scratch), await read_model(new, scratch)
        renaming = read_renames(answers.renames, before, after, answers.creates)
        found = await compared(before, after, renaming, scratch)
        steps = kept(plan(found.changes), found.changes, answers.allow, answers.creates)
        doubts = (*([found.doubt] if found.doubt else []), *steps.notes)
        return steps, (*doubts, *_unmanaged(before, after)), scratch.version


def _unmanaged(old: Model, new: Model) -> list[str]:
    return [f"not managed, and left as it is: {each}" for each in sorted({*old.unmanaged, *new.unmanaged})]


def _print(steps: Plan, notes: tuple[str, ...], version: int | None, *, sql: bool) -> None:
    # What one statement sets for the rest of its transaction needs one.
    bracketed = sql and (len(steps.transactions) > 1 or any(step.text.startswith("SET LOCAL") for step in steps.steps))
    for number, transaction in enumerate(steps.transactions):
        if number:
            say("-- the next transaction: what was made so far must be committed first")
        say("begin;") if bracketed else None
        for step in transaction.steps:
            say(_marked(step, steps.allowed))
        say("commit;") if bracketed else None
    for note in notes:
        say(f"-- {note}", err=sql)
    if not sql:
        built = f" (schemas were built on Postgres {version})" if version is not None else ""
        count = len(steps.steps)
        say((f"{count} statements" if count > 1 else "1 statement" if count else "no difference") + built, dim=True)


def _marked(step: Step, allowed: Collection[str]) -> str:
    marks = "".join(f"-- {_sort(each, allowed)}: {each.flag}: {each.why}\n" for each in step.hazards)
    return f"{marks}{step.text};\n"


def _sort(hazard: Hazard, allowed: Collection[str]) -> str:
    if not hazard.asks:
        return "mind"
    return "allowed" if f"{hazard.name} {hazard.target}" in allowed else "asks"


def _data(steps: Plan, notes: tuple[str, ...], version: int | None) -> dict[str, Any]:
    return {
        "transactions": as_data(steps),
        "renamed": list(steps.renamed),
        "allowed": list(steps.allowed),
        "notes": list(notes),
        "scratch_version": version,
    }
