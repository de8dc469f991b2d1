"""Mark a database as dev, which push may change, or as production."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sendoka.cli._database import connect, place_of
from sendoka.cli._options import env_file_option, json_option, print_json, printable, run, say
from sendoka.errors import AnswerMissing
from sendoka.phrases import moment
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sendoka.bookkeeping import Fact
    from sendoka.http.target import Target
    from sendoka.settings import Source

__all__ = ["mark"]

MEANING = {"dev": "`sendoka push` may change it", "production": "nothing but migrations changes it"}


@click.command
@click.argument("name", required=False, type=click.Choice(["dev", "production"]), metavar="[dev|production]")
@click.option("--no-longer-production", is_flag=True, help="Mark as dev what is marked as production.")
@env_file_option
@json_option
def mark(name: str | None, no_longer_production: bool, env_file: Path | None, as_json: bool) -> int:
    """Mark a database as dev, which push may change, or as production.

    The mark stands in the database itself, in sendoka.facts, so that it holds for everybody who has its connection
    string. A local endpoint marks its own database as dev. Mark the databases that people depend on as production once:
    `sendoka push` then never touches them. Without a word it shows the mark.
    """
    if no_longer_production and name != "dev":
        raise click.UsageError("--no-longer-production goes with: sendoka mark dev")
    source = find_source(read_settings(), env_file=env_file)
    facts, target = run(_mark(source, name, anyway=no_longer_production))
    if as_json:
        print_json(_data(facts, target, source))
    else:
        say(_told(facts, target, source))
    return 0


async def _mark(source: Source, name: str | None, *, anyway: bool) -> tuple[Mapping[str, Fact], Target]:
    from sendoka.bookkeeping import read_facts, set_mark

    async with connect(source) as sql:
        facts = await read_facts(sql) if name is None else await set_mark(sql, name, anyway=anyway)
        if name is not None and facts["mark"].value != name:
            raise AnswerMissing(
                f"the database {sql.target.database} is marked production since {moment(facts['mark'].at)}",
                where=f"at {place_of(sql.target)}, DATABASE_URL from {source.name}",
                todo="if nobody depends on it any more: sendoka mark dev --no-longer-production",
            )
        return facts, sql.target


def _told(facts: Mapping[str, Fact], target: Target, source: Source) -> str:
    database = f"{target.database} at {place_of(target)} (DATABASE_URL from {source.name})"
    if "mark" not in facts:
        return f"{database} is not marked: `sendoka mark dev` lets push change it, `sendoka mark production` never"
    name, since = printable(facts["mark"].value), moment(facts["mark"].at)
    return f"{database} is marked {name} since {since}: {MEANING.get(name, 'push does not change it')}"


def _data(facts: Mapping[str, Fact], target: Target, source: Source) -> dict[str, Any]:
    found = facts.get("mark")
    return {
        "host": place_of(target),
        "database": target.database,
        "source": source.name,
        "mark": found.value if found else None,
        "since": found.at if found else None,
    }
