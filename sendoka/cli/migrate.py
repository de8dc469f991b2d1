"""Apply the pending migrations, each in one transaction, exactly once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

import click

from sendoka.cli._database import connect
from sendoka.cli._options import Number, env_file_option, json_option, print_json, run, say
from sendoka.cli._report import INTERRUPTED
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sendoka.migrations.event import Event
    from sendoka.migrations.files import Migration
    from sendoka.migrations.runner import MigrationReport
    from sendoka.settings import Settings, Source

__all__ = ["migrate"]


@click.command
@click.option(
    "--deadline",
    type=Number(min=0.1),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="Give up waiting for other runners, locks and answers after this long.",
)
@click.option(
    "--lock-budget",
    type=Number(min=0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How much of that may go to waiting for locks on tables; who holds them is said at each wait.",
)
@env_file_option
@json_option
def migrate(deadline: float, lock_budget: float, env_file: Path | None, as_json: bool) -> int:
    """Apply the pending migrations, each in one transaction, exactly once.

    The whole folder and every applied checksum are verified first. Any number of runners may do this at once: one
    applies, the others wait and see it applied. A lost answer is settled by asking the database.

    A migration waits 2 s for a lock, because whoever comes behind it waits too; then it is undone and tried again a
    little later, until --lock-budget is used up. A statement runs for 10 min at most. A file says otherwise in its
    header: `-- lock-timeout: 5s`, `-- statement-timeout: 1h`, and one that takes longer than --deadline needs more of
    that. A statement without a transaction (CREATE INDEX CONCURRENTLY) has neither, and --deadline does not end it.

    Where `sendoka[lint]` is installed, Postgres' own grammar reads the statements that are pending, and what does not
    belong into a migration is refused before anything is sent.
    """
    settings = read_settings()
    source = find_source(settings, env_file=env_file)
    progress = _Progress(quiet=as_json)
    try:
        report = run(_migrate(settings, source, deadline, lock_budget, progress))
    except KeyboardInterrupt:
        return _interrupted(progress)
    if as_json:
        print_json(asdict(report))
    elif not report.applied:
        say(f"nothing to do: {_standing(report, settings)}")
    else:
        for applied in report.applied:
            if not applied.by_us:
                say(f"{applied.name} was applied by another runner: {applied.by}")
        say(f"done: the database is at {report.head}")
    return 0


def _standing(report: MigrationReport, settings: Settings) -> str:
    if report.head is not None:
        return f"the database is {'ahead of' if report.ahead else 'at'} {report.head}"
    folder = f"{settings.migrations} has no migration"
    if report.ahead:
        return f"{folder}, and the database has some: the code here is older, or this is another database"
    return f"{folder} yet; `sendoka generate` writes one from schema/"


@dataclass(slots=True)
class _Progress:
    """Says what happens, and remembers which migration was sent and is not known to be applied."""

    quiet: bool
    open: str = ""

    def tell(self, event: Event) -> None:
        self.open = "" if event.kind in {"applied", "recorded"} else event.migration
        if not self.quiet:
            say(str(event))


def _interrupted(progress: _Progress) -> int:
    if progress.open:
        say(f"interrupted: {progress.open} was sent and may still be applied", err=True)
    else:
        say("interrupted: no migration was on its way", err=True)
    say("run `sendoka status` to see, or `sendoka migrate` to go on; nothing is applied twice", dim=True, err=True)
    return INTERRUPTED


async def _migrate(
    settings: Settings, source: Source, deadline: float, lock_budget: float, progress: _Progress
) -> MigrationReport:
    from sendoka.migrations.runner import migrate as apply

    async with connect(source) as sql:
        return await apply(
            sql,
            settings.migrations,
            verify=True,
            deadline=deadline,
            lock_budget=lock_budget,
            on_event=progress.tell,
            examine=partial(_examine, settings.namespace),
        )


def _examine(namespace: str, pending: Sequence[Migration]) -> None:
    """Refuse statements that do not belong into a migration, before any is sent; loaded where something is pending."""
    from sendoka.migrations.inspection import refuse_statements

    refuse_statements(pending, namespace)
