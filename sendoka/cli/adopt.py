"""Take over a database that is in use, and run nothing in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sendoka.cli._database import connect, place_of
from sendoka.cli._options import env_file_option, json_option, print_json, printable, run, say, shown
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from sendoka.http.target import Target
    from sendoka.migrations.adopter import Adoption
    from sendoka.schema.diff import Changes
    from sendoka.schema.model import Model
    from sendoka.settings import Settings, Source

__all__ = ["adopt"]

_TABLE = "drizzle.__drizzle_migrations"


def _table(_: click.Context, __: click.Parameter, value: str) -> tuple[str, str]:
    namespace, dot, name = value.partition(".")
    if not (namespace and dot and name) or not value.replace(".", "_", 1).replace("$", "_").isidentifier():
        raise click.BadParameter(f"{value!r} is not NAMESPACE.TABLE")
    return namespace, name


@click.command
@click.option(
    "--drizzle",
    metavar="FOLDER",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The folder of drizzle's migrations that this database was made by.",
)
@click.option(
    "--drizzle-table",
    metavar="NAMESPACE.TABLE",
    default=_TABLE,
    show_default=True,
    callback=_table,
    help="Where drizzle noted what it ran.",
)
@click.option("--name", metavar="WORDS", default="baseline", show_default=True, help="The words of the first file.")
@click.option("--dry-run", is_flag=True, help="Show what would be written and noted, and do neither.")
@click.option("--scratch", metavar="URL", help="Compare texts of SQL on this PostgreSQL server, not on one of our own.")
@env_file_option
@json_option
def adopt(
    drizzle: Path | None,
    drizzle_table: tuple[str, str],
    name: str,
    dry_run: bool,
    scratch: str | None,
    env_file: Path | None,
    as_json: bool,
) -> int:
    """Take over a database that is in use, and run nothing in it.

    Begin with `sendoka pull`, which writes schema/ from the database. Then `adopt` compares the two, writes the first
    migration, by which new databases are made, and notes it as applied in this one. In each further database it only
    notes: all migrations up to the newest whose snapshot the database equals. What differs is named, and nothing done.

    A database that drizzle made is taken over with its history: every row of it must be a file of FOLDER, by name,
    moment and hash, and every file have its row. The first migration says which row it stands for, so `sendoka migrate`
    takes over each further database at that row by itself, and stops at one that drizzle left elsewhere.
    """
    settings = read_settings()
    source = find_source(settings, env_file=env_file)
    found, target = run(_adopt(settings, source, drizzle, drizzle_table, name, dry_run, scratch))
    if as_json:
        print_json(_data(found, target, source, settings.root, dry_run=dry_run))
    else:
        _tell(found, target, source, settings.root, dry_run=dry_run)
    return 0


async def _adopt(
    settings: Settings,
    source: Source,
    drizzle: Path | None,
    table: tuple[str, str],
    name: str,
    dry_run: bool,
    server: str | None,
) -> tuple[Adoption, Target]:
    from sendoka.migrations.adopter import adopt as adopted
    from sendoka.schema.kind import Renaming
    from sendoka.scratch import Scratch
    from sendoka.sources import compared

    async with connect(source) as sql, Scratch(server) as scratch:

        async def found(there: Model, wanted: Model) -> Changes:
            return (await compared(there, wanted, Renaming(), scratch)).changes

        done = await adopted(
            sql,
            settings.schema,
            settings.migrations,
            found,
            drizzle=drizzle,
            table=table,
            name=name,
            dry_run=dry_run,
        )
        return done, sql.target


def _tell(found: Adoption, target: Target, source: Source, root: Path, *, dry_run: bool) -> None:
    say(printable(f"{target.database} at {place_of(target)} (DATABASE_URL from {source.name})"), dim=True)
    if found.already:
        say(f"nothing to adopt: this database has a history of {len(found.noted)}, up to {found.noted[-1]}")
        return
    for each in found.noted:
        say(f"{'would be noted' if dry_run else 'noted'} as applied, and not run: {each}")
    if found.adopted is not None:
        say(f"it stands for what drizzle ran, up to {found.adopted.name}")
    for migration, backfill in found.unasked:
        say(f"note: {migration} requires the backfill {backfill}, and nobody was asked whether it is done")
    for each in found.unmanaged:
        say(f"not managed, and in no migration: {each}", dim=True)
    if found.pending:
        say(f"pending after it: {', '.join(found.pending)}; run `sendoka migrate`")
    if found.written is not None:
        say("commit: " + " ".join(shown(path, root) for path in found.written.paths))
    elif dry_run:
        say("nothing was written, and nothing noted")


def _data(found: Adoption, target: Target, source: Source, root: Path, *, dry_run: bool) -> dict[str, Any]:
    return {
        "host": place_of(target),
        "database": target.database,
        "source": source.name,
        "already": found.already,
        "noted": [] if dry_run else list(found.noted),
        "would_note": list(found.noted) if dry_run else [],
        "pending": list(found.pending),
        "adopted": found.adopted._asdict() if found.adopted else None,
        "unmanaged": list(found.unmanaged),
        "unasked": [{"migration": migration, "backfill": backfill} for migration, backfill in found.unasked],
        "paths": [shown(path, root) for path in found.written.paths] if found.written else [],
    }
