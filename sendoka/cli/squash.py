"""Put many migrations into one file that stands for them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from sendoka.cli._options import json_option, print_json, run, say, shown
from sendoka.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sendoka.migrations.squasher import Squash
    from sendoka.scratch import ScratchDatabase
    from sendoka.settings import Settings

__all__ = ["squash"]


@click.command
@click.option("--to", metavar="NAME", help="The last file that goes: its name, number or words; else the newest.")
@click.option("--name", metavar="WORDS", help="The words of the new file's name; by default two are chosen.")
@click.option(
    "--without-backfill",
    "without",
    metavar="NAME",
    multiple=True,
    help="A required backfill that a new database does without, though files put in rows before it.",
)
@click.option("--dry-run", is_flag=True, help="Prove it and show it, and write nothing.")
@click.option("--scratch", metavar="URL", help="Try it out on this PostgreSQL server, not on one of our own.")
@json_option
def squash(
    to: str | None, name: str | None, without: tuple[str, ...], dry_run: bool, scratch: str | None, as_json: bool
) -> int:
    """Put many migrations into one file that stands for them.

    The file makes the schema that they lead to, and carries the rows that they put in. Both ways are run from nothing
    in scratch databases, and nothing is written unless they make the same schema, rows and sequences.

    In the chain it stands for the last of them: what follows stays as it is, byte for byte. A database that is at that
    file or past it needs nothing; an empty one runs the one file; one that is behind it is migrated with the folder as
    it was. So squash what every database has.

    One file cannot wait for a backfill. Where a file that goes requires one, a new database does without it: nothing is
    lost while its tables are empty. Where files before it have put in rows, which the backfill could change, that is
    asked: --without-backfill NAME says that they are right as they are (else exit 4).
    """
    settings = read_settings()
    found, version = run(_squash(settings, scratch, to, name, without))
    written: tuple[Path, ...] = ()
    if not dry_run:
        from sendoka.migrations.squasher import write_squash

        written = write_squash(found, settings.migrations)
    paths = [shown(path, settings.root) for path in written]
    if as_json:
        print_json(_data(found, paths, version))
    else:
        _tell(found, paths, version)
    return 0


async def _squash(
    settings: Settings, server: str | None, to: str | None, name: str | None, without: tuple[str, ...]
) -> tuple[Squash, int | None]:
    from sendoka.migrations.squasher import squash as squashed
    from sendoka.scratch import Scratch

    async with Scratch(server) as scratch:

        @asynccontextmanager
        async def playground() -> AsyncIterator[ScratchDatabase]:
            async with scratch.database() as database:
                yield database

        return await squashed(settings.migrations, playground, to=to, name=name, without=without), scratch.version


def _tell(found: Squash, paths: list[str], version: int | None) -> None:
    first, last = found.replaced[0].name, found.replaced[-1].name
    if not paths:
        say(found.migration.text)
    for table, count in found.seeded:
        say(f"it carries {count} row{'' if count == 1 else 's'} of {table}")
    for each in found.dropped:
        why = f"rows of {', '.join(each.tables)} are as the files put them in" if each.tables else "no table has rows"
        say(f"note: a new database does without the backfill {each.backfill}, which {each.migration} required: {why}")
    if found.adopted is not None:
        say(f"note: {first} stood for what drizzle ran up to {found.adopted}; a database of drizzle's that nobody has")
        say("      migrated yet is taken over by the folder as it was")
    say(f"{found.migration.name} stands for {len(found.replaced)} files, {first} to {last}")
    say(f"both ways were run on Postgres {version} and made the same", dim=True)
    if paths:
        say("commit the folder: " + " ".join(paths) + f", and {len(found.replaced)} files that went")
    else:
        say("nothing was written")


def _data(found: Squash, paths: list[str], version: int | None) -> dict[str, Any]:
    return {
        "migration": found.migration.name,
        "statements": found.migration.statements,
        "replaced": [each.name for each in found.replaced],
        "seeded": dict(found.seeded),
        "dropped": [asdict(each) for each in found.dropped],
        "adopted": found.adopted,
        "postgres": version,
        "paths": paths,
    }
