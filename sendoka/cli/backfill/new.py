"""Write the script of a new backfill, dated and documented."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import click

from sendoka.cli._database import connect
from sendoka.cli._options import env_file_option, json_option, print_json, run, say, shown
from sendoka.errors import SettingsError
from sendoka.settings import find_source, look_for_source, read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.backfills import Backfill
    from sendoka.backfills.target import Target
    from sendoka.settings import Settings, Source

__all__ = ["new"]


@click.command
@click.argument("name")
@click.option("--table", metavar="T", help="The table; its key is filled in where DATABASE_URL leads to it.")
@click.option("--python", is_flag=True, help="The form in Python: a step over pages of rows. The usual one is in SQL.")
@env_file_option
@json_option
def new(name: str, table: str | None, python: bool, env_file: Path | None, as_json: bool) -> int:
    """Write backfill/YYYY_MM_DD_NAME.py, a script to be filled in.

    It says which rows are to be changed, and what becomes of them. Until it is filled in the database refuses it, for
    no table has THE_COLUMN. A name that there is already is refused; nothing is overwritten, and nothing in the
    database is changed.
    """
    from sendoka.backfills.starter import checked_name, script

    settings = read_settings()
    name = checked_name(settings.backfill, name)
    target = _target(settings, env_file, table, name)
    today = datetime.date.today()
    file_name, text = script(name, day=today, table=table, target=target, python=python)
    file = settings.backfill / file_name
    _write(file, text)
    if as_json:
        print_json({"name": name, "file": file, "table": target.shown if target else table, "python": python})
    else:
        say(f"wrote {shown(file, settings.root)}")
        say(f"fill it in, then: sendoka backfill run {name}")
    return 0


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8", newline="\n") as out:
            out.write(text)
    except OSError as error:
        raise SettingsError(
            f"the script cannot be written: {error.strerror or error}",
            where=str(file),
            todo='make room for the folder, or name another one: backfill = "FOLDER" below [tool.sendoka]',
        ) from error


def _target(settings: Settings, env_file: Path | None, table: str | None, name: str) -> Target | None:
    """Ask the database for the table, where both are named."""
    if table is None:
        return None
    from sendoka.backfills import backfill

    asked = backfill(table=table, where="true", sql="delete from page", name=name)
    source = find_source(settings, env_file=env_file) if env_file else look_for_source(settings)
    return run(_read(source, asked)) if source else None


async def _read(source: Source, asked: Backfill) -> Target:
    from sendoka.backfills.target import read_target

    async with connect(source) as sql:
        return await read_target(sql, asked)
