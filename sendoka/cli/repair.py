"""Find what went wrong with a history by hand, and repair it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import click

from sendoka.cli._answers import is_attended
from sendoka.cli._database import connect, place_of
from sendoka.cli._options import env_file_option, json_option, print_json, printable, run, say
from sendoka.errors import AnswerMissing
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from sendoka.http.client import Neon
    from sendoka.http.target import Target
    from sendoka.migrations.files import Migration
    from sendoka.migrations.repairer import Repair
    from sendoka.migrations.shape import Problem
    from sendoka.settings import Settings, Source

    Plan = Callable[[Neon], Awaitable[Repair]]

__all__ = ["repair"]


@click.command
@click.option("--applied", metavar="NAME", help="Note what is pending, up to this file, as applied; none is run.")
@click.option("--settle", metavar="NAME", help="Settle a file that was begun and is not finished.")
@click.option(
    "--as",
    "as_",
    type=click.Choice(["pending", "applied"]),
    help="With --settle: take its row away, or close it, where the server does not say by itself.",
)
@click.option("--accept", metavar="NAME", help="Accept that comments or white space of the newest file were edited.")
@click.option("--anyway", is_flag=True, help="With --applied: also where a done-when is false.")
@click.option("--yes", is_flag=True, help="Write without asking.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@click.option("--scratch", metavar="URL", help="Compare texts of SQL on this PostgreSQL server, not on one of our own.")
@env_file_option
@json_option
def repair(
    applied: str | None,
    settle: str | None,
    as_: Literal["pending", "applied"] | None,
    accept: str | None,
    anyway: bool,
    yes: bool,
    dry_run: bool,
    scratch: str | None,
    env_file: Path | None,
    as_json: bool,
) -> int:
    """Find what went wrong with a history by hand, and repair it.

    Without an option it compares the folder and the history, and the history with what it was made as, names each thing
    that is wrong with the repair for it, and changes nothing: exit 0 where nothing is wrong, 1 where something is.

    --applied NAME is for SQL that was run by hand: what is pending, up to that file, is noted and not run. Where the
    database differs from the file's snapshot it is said before; a false done-when is refused.

    --settle NAME is for a file without a transaction whose row says `running`. The server is asked: somebody works on
    it, and nothing is done; or it is done, and its row is closed; or neither, and the next `sendoka migrate` takes it
    over, unless `--as pending` takes its row away.

    --accept NAME is for the newest applied file. What was applied is looked for in Git, and must hold the same
    statements; an edit that changes one is put into a new migration.

    What will be written is said first, row by row. You are asked at a terminal; elsewhere --yes is needed (exit 4). It
    is one transaction, which writes nothing where the history has changed meanwhile.
    """
    chosen = [name for name in (applied, settle, accept) if name is not None]
    if len(chosen) > 1:
        raise click.UsageError("one repair at a time: --applied, --settle or --accept")
    if as_ is not None and settle is None:
        raise click.UsageError("--as goes with --settle")
    for option, given in {"--anyway": anyway, "--scratch": scratch is not None}.items():
        if given and applied is None:
            raise click.UsageError(f"{option} goes with --applied")
    for option, given in {"--yes": yes, "--dry-run": dry_run}.items():
        if given and not chosen:
            raise click.UsageError(
                f"{option} goes with --applied, --settle or --accept: without one nothing is written"
            )
    settings = read_settings()
    source = find_source(settings, env_file=env_file)
    if not chosen:
        return _diagnosed(settings, source, as_json=as_json)
    if applied is not None:
        plan = _applied(settings, applied, scratch, anyway=anyway)
    elif settle is not None:
        plan = _settled(settings, settle, as_)
    else:
        plan = _accepted(settings, accept or "")
    found, target = run(_planned(source, plan))
    return _carry_out(found, target, source, yes=yes, dry_run=dry_run, as_json=as_json)


# ------------------------------------------------------------------ a diagnosis


def _diagnosed(settings: Settings, source: Source, *, as_json: bool) -> int:
    problems, target = run(_diagnose(settings, source))
    if as_json:
        print_json({**_about(target, source), "problems": [asdict(each) for each in problems]})
        return 1 if problems else 0
    _say_where(target, source)
    for each in problems:
        what = each.what if each.migration in each.what else f"{each.migration}: {each.what}"
        say(f"{click.style(each.id, fg='red')} {printable(what)}")
        say(printable(f"  {each.todo}"), dim=True)
        if each.command is not None:
            say(f"  repair: {printable(each.command)}")
    if not problems:
        say("nothing is wrong with the history")
    return 1 if problems else 0


async def _diagnose(settings: Settings, source: Source) -> tuple[Sequence[Problem], Target]:
    from sendoka.migrations.diagnosis import diagnose

    async with connect(source) as sql:
        return await diagnose(sql, settings.migrations), sql.target


# ------------------------------------------------------------------ a repair


def _applied(settings: Settings, name: str, scratch: str | None, *, anyway: bool) -> Plan:
    async def planned(sql: Neon) -> Repair:
        from sendoka.migrations.by_hand import mark_applied

        async def differ(file: Migration) -> Sequence[str]:
            return await _differences(sql, settings, file, scratch)

        return await mark_applied(sql, settings.migrations, name, differ, anyway=anyway)

    return planned


def _settled(settings: Settings, name: str, as_: Literal["pending", "applied"] | None) -> Plan:
    async def planned(sql: Neon) -> Repair:
        from sendoka.migrations.settlement import settle

        return await settle(sql, settings.migrations, name, as_=as_)

    return planned


def _accepted(settings: Settings, name: str) -> Plan:
    async def planned(sql: Neon) -> Repair:
        from sendoka.migrations.acceptance import accept
        from sendoka.migrations.git import read_versions

        return await accept(sql, settings.migrations, name, read_versions)

    return planned


async def _differences(sql: Neon, settings: Settings, file: Migration, server: str | None) -> Sequence[str]:
    """Return in what the database differs from the snapshot of a file; of a file without one that it has none."""
    from sendoka.migrations.differences import differences
    from sendoka.migrations.snapshots import snapshot_path
    from sendoka.schema.from_catalog import read_catalog
    from sendoka.schema.from_snapshot import read_snapshot
    from sendoka.schema.kind import Renaming
    from sendoka.scratch import Scratch
    from sendoka.sources import compared

    path = snapshot_path(settings.migrations, file.name)
    if not path.is_file():
        return ["it has no snapshot, so the two were not compared"]
    catalog = await read_catalog(sql)
    async with Scratch(server) as scratch:
        found = (await compared(catalog.model, read_snapshot(path), Renaming(), scratch)).changes
    return [each.as_state for each in differences(found)]


async def _planned(source: Source, plan: Plan) -> tuple[Repair, Target]:
    async with connect(source) as sql:
        return await plan(sql), sql.target


def _carry_out(found: Repair, target: Target, source: Source, *, yes: bool, dry_run: bool, as_json: bool) -> int:
    if not as_json:
        _say_where(target, source)
        for note in found.notes:
            say(printable(note))
        for change in found.changes:
            say(f"{'would ' if dry_run else ''}{printable(str(change))}")
    written = False
    if found.changes and not dry_run:
        if not yes and not _agreed(found, as_json=as_json):
            say("nothing was written")
            return 1
        run(_write(source, found))
        written = True
    if as_json:
        changes = [asdict(change) for change in found.changes]
        print_json({**_about(target, source), "notes": found.notes, "changes": changes, "written": written})
    elif found.changes:
        say("written" if written else "nothing was written")
    return 0 if found.changes or found.settled else 1


def _agreed(found: Repair, *, as_json: bool) -> bool:
    if as_json or not is_attended():
        raise AnswerMissing(
            "a repair writes to the history, and nobody can be asked here",
            where="\n".join([*(found.notes if as_json else ()), *map(str, found.changes)]),
            todo="--yes writes it, --dry-run only shows it",
            questions=({"question": "write it?", "answers": [["--yes"]]},),
        )
    return click.confirm("Write it?", err=True)


async def _write(source: Source, found: Repair) -> None:
    from sendoka.migrations.repairer import write

    async with connect(source) as sql:
        await write(sql, found)


def _say_where(target: Target, source: Source) -> None:
    say(printable(f"{target.database} at {place_of(target)} (DATABASE_URL from {source.name})"), dim=True)


def _about(target: Target, source: Source) -> dict[str, Any]:
    return {"host": place_of(target), "database": target.database, "source": source.name}
