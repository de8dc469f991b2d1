"""Make, read and prune the ledger of `once=` transactions."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from sendoka.cli._database import connect
from sendoka.cli._options import env_file_option, json_option, print_json, run, say
from sendoka.cli._subcommands import Subcommands
from sendoka.phrases import moment
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.database.ledger import Entry
    from sendoka.settings import Source

__all__ = ["ledger"]

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_SHORTEST = timedelta(hours=1)


class _Age(click.ParamType[timedelta]):
    name = "age"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"(\d{1,4})([hdw])", str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no age; write 12h, 30d or 8w", param, ctx)
        age = timedelta(**{_UNITS[found[2]]: int(found[1])})
        if age < _SHORTEST:
            self.fail("keys younger than an hour may belong to calls that are still on their way", param, ctx)
        return age


@click.group(cls=Subcommands, invoke_without_command=True)
@click.pass_context
def ledger(ctx: click.Context) -> None:
    """Make, read and prune the ledger: the keys of `sql.transaction([…], once=KEY)`."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@ledger.command("create")
@env_file_option
@json_option
def _create_command(env_file: Path | None, as_json: bool) -> int:
    """Create the ledger, for roles that may not do it themselves. Doing it again changes nothing.

    The first `once=` transaction does the same where its role may create.
    """
    name, grants = run(_create(find_source(read_settings(), env_file=env_file)))
    if as_json:
        print_json({"ledger": name, "grants": grants})
    else:
        say(f"{name} is there")
        say(f"for another role: {grants}", dim=True)
    return 0


@ledger.command("show")
@click.argument("key")
@env_file_option
@json_option
def _show_command(key: str, env_file: Path | None, as_json: bool) -> int:
    """Say whether a transaction has committed under KEY, and when.

    Exit status 1 where none has by now: a send whose answer was lost may still arrive.
    """
    entry = run(_find(find_source(read_settings(), env_file=env_file), key))
    at = None if entry is None else entry.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if as_json:
        print_json({"key": key, "committed_at": at, "digest": None if entry is None else entry.digest})
    elif entry is None:
        say(f"nothing has committed under {key!r} by now")
    else:
        say(f"{key!r} was committed at {moment(at)}")
    return 0 if entry is not None else 1


@ledger.command("prune")
@click.option(
    "--older-than",
    type=_Age(),
    default="30d",
    show_default=True,
    metavar="AGE",
    help="Delete keys older than this: hours, days or weeks (12h, 30d, 8w).",
)
@env_file_option
@json_option
def _prune_command(older_than: timedelta, env_file: Path | None, as_json: bool) -> int:
    """Delete the keys that are too old for another call under them.

    A call under a key that was pruned runs again, so keep keys longer than anything retries: queues, crons, people.
    """
    gone = run(_prune(find_source(read_settings(), env_file=env_file), older_than, quiet=as_json))
    if as_json:
        print_json({"pruned": gone, "older_than_seconds": older_than.total_seconds()})
    else:
        say("nothing to do: no key is so old" if not gone else f"done: {gone:,} keys are gone")
    return 0


async def _create(source: Source) -> tuple[str, str]:
    from sendoka.database.ledger import ensure_ledger, grants_to, ledger_of

    async with connect(source) as sql:
        await ensure_ledger(sql)
        return ledger_of(sql), grants_to("ROLE", sql)


async def _find(source: Source, key: str) -> Entry | None:
    from sendoka.database.ledger import find_entry

    async with connect(source) as sql:
        return await find_entry(sql, key)


async def _prune(source: Source, older_than: timedelta, *, quiet: bool) -> int:
    from sendoka.database.ledger import prune_ledger

    def tell(gone: int) -> None:
        if not quiet:
            say(f"{gone:,} keys are gone", dim=True)

    async with connect(source) as sql:
        return await prune_ledger(sql, older_than, on_batch=tell)
