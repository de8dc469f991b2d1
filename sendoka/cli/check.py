"""Check the migrations and the schema, and a database against them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from sendoka.cli._options import env_file_option, json_option, print_json, printable, say
from sendoka.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sendoka.migrations.checked import Checked

__all__ = ["check"]

USAGE = 2


@click.command
@click.option("--history", is_flag=True, help="Compare the folder with what the database has applied.")
@click.option("--drift", is_flag=True, help="Compare the database with what its applied migrations made.")
@click.option("--replay", is_flag=True, help="Run all migrations in a scratch database; they must make the schema.")
@click.option("--since", metavar="REF", help="Files that this Git commit has must be untouched: origin/main.")
@click.option("--scratch", metavar="URL", help="Use this PostgreSQL server for scratch databases, not one of our own.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "github"]),
    help="github adds annotations; unless you say, they come where GITHUB_ACTIONS=true.",
)
@env_file_option
@json_option
def check(
    history: bool,
    drift: bool,
    replay: bool,
    since: str | None,
    scratch: str | None,
    form: str | None,
    env_file: Path | None,
    as_json: bool,
) -> int:
    """Check the migrations and the schema, and a database against them.

    Without options it needs no database: the migrations must be an unbroken chain with its newest snapshot, the schema
    must have no change that was not generated, and the rules of [tool.sendoka.rules] must be kept. What else there is
    to check has an option, and what was not looked at is said.

    \b
    On a pull request:        sendoka check --replay --since origin/main
    Of a database, each night: sendoka check --history --drift

    The statements of the migrations are read by Postgres' own grammar where `sendoka[lint]` is installed: several
    commands between two breakpoints, what cannot run in a transaction, settings that outlive theirs, and more.

    A database is read, never changed. --replay, and texts of SQL that are spelled in another way than before, start a
    PostgreSQL of this machine for a moment; --scratch names another server, on which databases are made and dropped.

    Exits with 1 where something is found, and with 2 or 3 where a check that was asked for could not be made.
    """
    from sendoka.cli._checking import Asked, look

    if as_json and form == "github":
        raise click.UsageError("--json and --format github are two forms of one answer: choose one")
    if scratch is not None and not (drift or replay):
        raise click.UsageError("--scratch names a server for --replay and --drift: ask for one of them")
    settings = read_settings()
    checks = look(settings, Asked(history, drift, replay, since, scratch, env_file))
    if as_json:
        print_json(_data(checks))
    else:
        _show(checks)
        _annotate(checks, settings.root, form)
    return _status(checks)


def _status(checks: Sequence[Checked]) -> int:
    """Return 2 or 3 where a check could not be made, whatever the others found: nobody knows all."""
    failed = [max(USAGE, each.error.exit_code) for each in checks if each.error is not None]
    return max(failed, default=1 if any(each.findings for each in checks) else 0)


def _data(checks: Sequence[Checked]) -> dict[str, Any]:
    from sendoka.cli._report import as_data

    told = [
        {"name": each.name, "verdict": each.verdict, "says": each.says, "notes": each.notes}
        | {"findings": len(each.findings)}
        | ({} if each.error is None else {"error": as_data(each.error)})
        for each in checks
    ]
    return {"findings": [asdict(finding) for each in checks for finding in each.findings], "checks": told}


def _annotate(checks: Sequence[Checked], root: Path, form: str | None) -> None:
    from sendoka.cli._annotations import annotated, is_wanted

    if is_wanted(form):
        for line in annotated(checks, root):
            say(line)


def _show(checks: Sequence[Checked]) -> None:
    for finding in (finding for each in checks for finding in each.findings):
        say(_line(str(finding)))
    for note in dict.fromkeys(note for each in checks for note in each.notes):
        say(_line(f"note: {note}"), dim=True)
    failed: dict[str, list[Checked]] = {}
    for each in checks:
        say(f"{each.name:<11}  {_word(each):<8}  {_line(each.says)}".rstrip(), dim=each.verdict == "left out")
        if each.error is not None:
            failed.setdefault(str(each.error), []).append(each)
    for same in failed.values():
        _fail(same)
    found, unmade = sum(len(each.findings) for each in checks), [each.name for each in checks if each.error]
    open_ = f"; could not be made: {', '.join(unmade)}" if unmade else ""
    say((f"{found} found" if found else "nothing found") + open_)


def _word(check: Checked) -> str:
    words = {"found": f"{len(check.findings)} found", "failed": "not made"}
    return words.get(check.verdict, check.verdict)


def _fail(checks: Sequence[Checked]) -> None:
    """Say on stderr why these could not be made, all for one reason."""
    error = checks[0].error
    click.echo(getattr(error, "traceback", ""), err=True, nl=False)
    first, *rest = str(error).splitlines()
    names = " and ".join(each.name for each in checks)
    say(click.style(f"error: {names} could not be made: {printable(first)}", fg="red"), err=True)
    for line in rest:
        say(printable(line), dim=True, err=True)


def _line(text: str) -> str:
    """Return `text` as one line that no terminal obeys, and GitHub takes for no command."""
    return printable(" ".join(text.split()))
