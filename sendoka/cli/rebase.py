"""Put what a branch added behind what was merged meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sendoka.cli._answers import is_attended
from sendoka.cli._database import connect, place_of
from sendoka.cli._options import env_file_option, json_option, print_json, printable, run, say, shown
from sendoka.errors import AnswerMissing, DatabaseError, TransportError
from sendoka.settings import find_source, look_for_source, read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.migrations.rebaser import Rebase
    from sendoka.migrations.tree import Tree
    from sendoka.settings import Settings, Source

__all__ = ["rebase"]


@click.command
@click.option("--onto", metavar="REF", help="The branch of Git whose files stay; by default the main one.")
@click.option("--keep", metavar="NAME", help="A file that stays, by its name, number or words.")
@click.option("--offline", is_flag=True, help="Do not ask the database of DATABASE_URL what it has.")
@click.option("--dry-run", is_flag=True, help="Show it and write nothing.")
@env_file_option
@json_option
def rebase(
    onto: str | None, keep: str | None, offline: bool, dry_run: bool, env_file: Path | None, as_json: bool
) -> int:
    """Put what a branch added behind what was merged meanwhile.

    After a merge in Git two files may have one number, or one parent. What stays is what the main branch has
    (origin/main, else main, or --onto REF) and what the database of DATABASE_URL has applied; a file that is applied is
    never moved. Where neither tells, say it with --keep, or at a terminal when you are asked; elsewhere that is
    exit 4.

    The other files follow under new numbers. Their words, answers, timeouts and SQL stay byte for byte; the snapshots
    are made anew, the change of each on top of what was merged. Where both sides changed the same, and the SQL would
    not do what it was written for, it is named and nothing is written (exit 1): delete the file and generate it again.

    New files are written first and old ones removed last. What a crash leaves is found by `sendoka check`, and the next
    rebase goes on from there.
    """
    if offline and env_file is not None:
        raise click.UsageError("--offline does not go with --env-file: it asks no database")
    from sendoka.migrations.folder import read_folder
    from sendoka.migrations.rebaser import write
    from sendoka.migrations.tree import read_tree

    settings = read_settings()
    folder = settings.migrations
    if not folder.is_dir():
        read_folder(folder)  # says that there is none
    tree = read_tree(folder)
    found, notes = _found(settings, tree, onto, keep, _source(settings, env_file, offline=offline), as_json=as_json)
    if found is None:
        read_folder(folder)
        print_json(_nothing()) if as_json else say("nothing to rebase: the migrations are one chain")
        return 0
    if not as_json:
        _show(found, notes)
    added, removed = ([], []) if dry_run else write(found, folder)
    if as_json:
        paths = {"paths": added, "removed": removed}
        shown_paths = {key: [shown(path, settings.root) for path in each] for key, each in paths.items()}
        print_json(_data(found, notes) | shown_paths)
    elif dry_run:
        say("nothing was written")
    else:
        say("commit: git add -A " + shown(folder, settings.root))
    return 0


def _source(settings: Settings, env_file: Path | None, *, offline: bool) -> Source | None:
    if offline:
        return None
    return look_for_source(settings) if env_file is None else find_source(settings, env_file=env_file)


def _found(
    settings: Settings, tree: Tree, onto: str | None, keep: str | None, source: Source | None, *, as_json: bool
) -> tuple[Rebase | None, list[str]]:
    """Return what is to be done, a person being asked which side stays, and what to know of how it was found."""
    from sendoka.migrations.rebaser import rebase as planned

    if not tree.forks:
        return None, []
    fixed, notes = _merged(settings, tree, onto)
    if source is None:
        notes.append("no database was asked: where a file that moves is applied, it must stay")
    else:
        applied, place = _asked(tree, source)
        fixed |= dict.fromkeys(applied, f"applied in the database at {place}")
        notes.append(f"nothing that moves is applied at {place}, which was asked (DATABASE_URL from {source.name})")
    while True:
        try:
            found = planned(settings.migrations, tree, fixed, keep)
        except AnswerMissing as error:
            if as_json or not is_attended():
                raise
            keep = _ask(error)
        else:
            return found, [*notes, *(found.notes if found else ())]


def _merged(settings: Settings, tree: Tree, onto: str | None) -> tuple[dict[str, str], list[str]]:
    """Return the files of the main branch with the reason, as long as they make one chain."""
    from sendoka.migrations.mainline import mainlines

    fixed: dict[str, str] = {}
    notes = []
    here = {each.name for each in tree.files}
    for line in mainlines(settings.migrations, onto, tree.is_chain):
        if tree.is_chain({*fixed, *line.names}):
            for name in (line.names & here) - set(fixed):
                fixed[name] = f"on {line.ref}"
            if line.before:
                notes.append(f"{line.ref} holds both sides: what was there first stays")
    return fixed, notes


def _asked(tree: Tree, source: Source) -> tuple[set[str], str]:
    try:
        return run(_applied(tree, source))
    except (DatabaseError, TransportError) as error:
        error.todo = "; ".join(filter(None, (error.todo, "with --offline the database is left out")))
        raise


async def _applied(tree: Tree, source: Source) -> tuple[set[str], str]:
    """Return the files that the database has, and which one that is."""
    from sendoka.migrations.inquiry import ask_all

    async with connect(source) as sql:
        known = {entry.checksum for entry in (await ask_all(sql)).history or ()}
        return {each.name for each in tree.files if each.checksum in known}, place_of(sql.target)


def _ask(error: AnswerMissing) -> str:
    names = [str(flags[1]) for flags in error.questions[0]["answers"]]
    say("Which one stays? The others follow it.", err=True)
    for number, name in enumerate(names, 1):
        say(f"  {number}  {name}", err=True)
    chosen = click.prompt("Which one (Ctrl-C writes nothing)", type=click.IntRange(1, len(names)), err=True)
    return names[int(chosen) - 1]


def _show(found: Rebase, notes: list[str]) -> None:
    say(f"{found.kept[-1].name}.sql stays, and what follows it is:")
    for move in found.moves:
        parent = move.new.parent.name if move.new.parent else "none"
        say(f"  {move.old.name}.sql → {move.new.name}.sql, after {parent}")
    for old, twin in found.leftovers:
        say(f"  {old.name}.sql goes: a rebase that was cut off had made {twin.name}.sql of it")
    for note in notes:
        say(printable(f"note: {note}"))


def _nothing() -> dict[str, Any]:
    return {"kept": None, "moves": [], "leftovers": [], "notes": [], "paths": [], "removed": []}


def _data(found: Rebase, notes: list[str]) -> dict[str, Any]:
    return {
        "kept": found.kept[-1].name,
        "moves": [{"from": each.old.name, "to": each.new.name} for each in found.moves],
        "leftovers": [old.name for old, _ in found.leftovers],
        "notes": notes,
    }
