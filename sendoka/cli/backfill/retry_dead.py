"""Try the rows again that a backfill left out."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from sendoka.cli._database import connect
from sendoka.cli._options import env_file_option, json_option, print_json, run
from sendoka.cli._progress import left_out
from sendoka.cli._sentence import tell
from sendoka.phrases import counted
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sendoka.backfills import Backfill, RetryReport
    from sendoka.backfills.dead_letters import DeadLetter
    from sendoka.backfills.runs import Run
    from sendoka.settings import Source

__all__ = ["retry_dead"]

_INTERRUPTED = 130
_AFTER = {
    "paused": "let it go on first: sendoka backfill resume {name}",
    "cancelled": "a new run meets its rows again: sendoka backfill run {name} --again",
}

_SHOWN = 20
"""Letters that are shown; --json has all."""


@click.command
@click.argument("name")
@click.option("--list", "only_list", is_flag=True, help="Show what each of them failed with, and try none.")
@env_file_option
@json_option
def retry_dead(name: str, only_list: bool, env_file: Path | None, as_json: bool) -> int:
    """Try the rows again that the backfill NAME left out.

    They are in sendoka.dead_letters, with what each of them failed with. After a correction of the rows, or of the
    script, each is tried once, by the script as it is now: it is changed and its letter is gone, or it stays, with what
    it failed with this time. A letter whose row is gone or needs no change any more is settled too. A script that
    changed since needs no --accept-change here: what was tried with which script is in the log. Ctrl-C stops it where
    it is, and nothing is lost. A run that is paused or cancelled is left alone, then and before. Exits with 1 where
    letters are left, with 130 where not all of them were tried.

    With --list they are only shown, of a script that is gone too.
    """
    from sendoka.backfills.scripts import load

    settings = read_settings()
    source = find_source(settings, env_file=env_file)
    if only_list:
        return _list(*run(_letters(source, name)), as_json=as_json)
    chosen = load(settings.backfill, name)
    report = run(_retry(source, chosen))
    print_json(asdict(report)) if as_json else _say(report)
    return _INTERRUPTED if report.reason else int(report.dead > 0)


async def _retry(source: Source, chosen: Backfill) -> RetryReport:
    from sendoka.backfills import retry_dead as retry

    async with connect(source) as sql:
        return await retry(sql, chosen)


async def _letters(source: Source, name: str) -> tuple[Run, list[DeadLetter]]:
    from sendoka.backfills.dead_letters import list_dead
    from sendoka.backfills.log import known_run

    async with connect(source) as sql:
        found = await known_run(sql, name)
        return found, await list_dead(sql, found.id)


def _list(found: Run, letters: list[DeadLetter], *, as_json: bool) -> int:
    if as_json:
        dead = {"dead": len(letters), "letters": [asdict(letter) for letter in letters]}
        print_json({"name": found.name, "run": found.number, **dead})
    elif not letters:
        tell(f"{found.name} has no dead letters")
    else:
        tell(f"{found.name}: {left_out(len(letters))}")
        _say_letters(letters)
        tell(f"try them again after a correction: sendoka backfill retry-dead {found.name}")
    return int(bool(letters))


def _say_letters(letters: Sequence[DeadLetter]) -> None:
    for letter in letters[:_SHOWN]:
        code = f" ({letter.sqlstate})" if letter.sqlstate else ""
        message = " ".join(letter.message.split())  # that of an HTTP client has several lines
        tell(f"  {letter.key}: {message}{code}, tried {counted(letter.attempt, 'time')}")
    if len(letters) > _SHOWN:
        tell(f"  and {len(letters) - _SHOWN:,} more in sendoka.dead_letters")


def _say(report: RetryReport) -> None:
    if not report.tried and not report.dead:
        tell(f"{report.name} has no dead letters: nothing to do")
        return
    if report.reason:
        tell(
            f"{report.name} is {report.reason}" if report.reason != "interrupted" else f"{report.name} was interrupted"
        )
        after = _AFTER.get(report.reason.partition(" ")[0], "try the others: sendoka backfill retry-dead {name}")
        tell(after.format(name=report.name))
    tried = counted(report.tried, "row")
    tell(f"{report.name}: {tried} tried again, {report.settled:,} of them settled, {report.dead:,} left")
    _say_letters(report.letters)
    if report.script_changed:
        tell("its script changed since the run began; the rows were tried by it as it is now")
