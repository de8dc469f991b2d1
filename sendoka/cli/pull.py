"""Write the schema files of a database that is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sendoka.cli._options import Place, env_file_option, json_option, print_json, run, say, shown
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from sendoka.pull import Pulled
    from sendoka.schema.model import Model
    from sendoka.settings import Settings

__all__ = ["pull"]


@click.command
@click.option("--from", "source", metavar="SCHEMA", help="The schema to write; by default that of DATABASE_URL.")
@click.option(
    "--to",
    "folder",
    metavar="FOLDER",
    type=Place(),
    help="Where to write it; by default the project's schema folder.",
)
@click.option("--force", is_flag=True, help="Overwrite files that differ, and leave others beside them.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@click.option("--scratch", metavar="URL", help="Load SQL on this PostgreSQL server, not on one of our own.")
@env_file_option
@json_option
def pull(
    source: str | None,
    folder: Path | None,
    force: bool,
    dry_run: bool,
    scratch: str | None,
    env_file: Path | None,
    as_json: bool,
) -> int:
    """Write the schema files of a database that is there.

    Each table gets a file of its own; views, functions and all else stand in a file of their noun. Read again they make
    the schema that the database has: it is tried out, and what differs is named (exit 1).

    A SCHEMA is a connection string, a snapshot (.json), a file of SQL (.sql) or a migrations folder, which is replayed
    from its beginning. The database is only read. A file that is there is overwritten with --force alone.
    """
    if source is not None and env_file is not None:
        raise click.UsageError("--from and --env-file both say which database: leave one out")
    from sendoka.pull import pulled, write

    settings = read_settings()
    model, version = run(_read(source, env_file, scratch, settings))
    found = pulled(model, folder.absolute() if folder is not None else settings.schema)
    if not dry_run:
        write(found, force=force)
    if as_json:
        print_json(_data(found, version, dry_run=dry_run))
    else:
        _tell(found, version, dry_run=dry_run)
    return 1 if found.notes else 0


async def _read(
    source: str | None, env_file: Path | None, url: str | None, settings: Settings
) -> tuple[Model, int | None]:
    from sendoka.schema.from_catalog import model_from_catalog
    from sendoka.scratch import Scratch
    from sendoka.sources import read_model

    if source is not None:
        async with Scratch(url) as scratch:
            return await read_model(source, scratch), scratch.version
    from sendoka.cli._database import connect

    async with connect(find_source(settings, env_file=env_file)) as sql:
        return await model_from_catalog(sql), None


def _tell(found: Pulled, version: int | None, *, dry_run: bool) -> None:
    folder = shown(found.folder, Path.cwd())
    for mark, names in (("+", found.new), ("~", found.changed), ("=", found.unchanged)):
        for name in names:
            say(f"{mark} {folder}/{name}" + (" (as it was)" if mark == "=" else ""), dim=mark == "=")
    for name in found.others:
        say(f"mind: {folder}/{name} is no part of it, and is read as well", err=True)
    for note in found.notes:
        say(f"mind: {note}", err=True)
    for each in found.unmanaged:
        say(f"not managed, and left as it is: {each}")
    count = len(found.new) + len(found.changed)
    files = f"{count} file{'' if count == 1 else 's'}"
    built = f" (SQL was loaded on Postgres {version})" if version is not None else ""
    say(f"{files} would be written{built}" if dry_run else f"{files} written{built}", dim=True)


def _data(found: Pulled, version: int | None, *, dry_run: bool) -> dict[str, Any]:
    return {
        "folder": found.folder,
        "new": list(found.new),
        "changed": list(found.changed),
        "unchanged": list(found.unchanged),
        "others": list(found.others),
        "notes": list(found.notes),
        "unmanaged": list(found.unmanaged),
        "written": not dry_run,
        "scratch_version": version,
    }
