"""Bring a database that is marked dev to the schema, without a file."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from sendoka.cli._answers import answer_options, until_answered
from sendoka.cli._database import connect, place_of
from sendoka.cli._options import env_file_option, json_option, print_json, run, say
from sendoka.cli._plan import as_data, branches_of, show
from sendoka.cli._report import INTERRUPTED
from sendoka.phrases import counted
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sendoka.http.client import Neon
    from sendoka.http.target import Target
    from sendoka.migrations.pusher import Found, Outlook, Pushed, Remembered
    from sendoka.schema.answers import Answers
    from sendoka.schema.model import Model
    from sendoka.schema.renaming import Renaming
    from sendoka.scratch import Scratch
    from sendoka.settings import Settings, Source

__all__ = ["push"]


@click.command
@answer_options
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@click.option("--watch", is_flag=True, help="Push again whenever a file of the schema changes, until Ctrl-C.")
@click.option("--scratch", metavar="URL", help="Compare texts of SQL on this PostgreSQL server, not on one of our own.")
@env_file_option
@json_option
def push(
    answers: Answers,
    dry_run: bool,
    watch: bool,
    scratch: str | None,
    env_file: Path | None,
    as_json: bool,
) -> int:
    """Bring a database that is marked dev to the schema, without a file.

    For shaping: edit schema/, push, look, edit again. Once you are content `sendoka generate` writes the migration, and
    `sendoka migrate` sees that this database has it already. All of it is one transaction, unless Postgres needs more,
    which is said before. Only a database that is marked dev is changed: a local endpoint's is, and `sendoka mark dev`
    marks another one.

    It shows the plan and applies it: the mark says that this database may be changed. What may lose data is done only
    once you allow it by name, and what came and went is a rename only where you say so. At a terminal you are asked;
    elsewhere, with --json and with --watch, what is not answered is listed with the flags to add (exit 4).
    """
    if watch and (as_json or dry_run):
        raise click.UsageError(f"--watch goes on until Ctrl-C: leave out {'--json' if as_json else '--dry-run'}")
    settings = read_settings()
    source = find_source(settings, env_file=env_file)
    session = _Session(settings, source, answers, dry_run=dry_run, quiet=as_json)
    try:
        if watch:
            run(session.watch(scratch))
        else:
            until_answered(lambda given: run(session.once(scratch, given)), answers, as_json=as_json)
    except KeyboardInterrupt:
        return session.interrupted(watching=watch)
    return 0


@dataclass(slots=True)
class _Session:
    """One call of the command: what it pushes, and what it says on the way."""

    settings: Settings
    source: Source
    answers: Answers
    dry_run: bool
    quiet: bool
    sent: bool = False
    """Whether a transaction may be on its way."""
    named: bool = False
    """Whether it was said which database this is."""
    told: bool = False
    """Whether it was said what is not managed; it is the same each time."""

    async def once(self, server: str | None, answers: Answers) -> None:
        from sendoka.migrations.pusher import Remembered
        from sendoka.schema.from_python import model_from_folder
        from sendoka.scratch import Scratch

        self.answers = answers
        schema = model_from_folder(self.settings.schema)
        async with connect(self.source) as sql, Scratch(server) as scratch:
            self._head(sql.target)
            pushed = await self._push(sql, schema, scratch, Remembered())
            if self.quiet:
                print_json(self._data(pushed, sql.target))
            else:
                self._end(pushed, pushed.seconds)

    async def watch(self, server: str | None) -> None:
        from sendoka.cli._watch import Watched
        from sendoka.migrations.pusher import Remembered
        from sendoka.schema.answers import Answers
        from sendoka.scratch import Scratch

        watched, remembered = Watched(self.settings), Remembered()
        async with connect(self.source) as sql, Scratch(server) as scratch:
            self._head(sql.target)
            while True:
                began = time.monotonic()
                with watched.reports():
                    pushed = await self._push(sql, watched.schema(), scratch, remembered)
                    self.answers = Answers()  # they are given, and would fit nothing next time
                    self._end(pushed, time.monotonic() - began)
                await watched.change()

    async def _push(self, sql: Neon, schema: Model, scratch: Scratch, remembered: Remembered) -> Pushed:
        from sendoka.migrations.pusher import push
        from sendoka.sources import compared

        async def compare(old: Model, new: Model, renaming: Renaming) -> Found:
            return await compared(old, new, renaming, scratch)

        try:
            pushed = await push(
                sql,
                schema,
                compare,
                answers=self.answers,
                dry_run=self.dry_run,
                remembered=remembered,
                on_plan=lambda outlook: self._show(outlook, scratch),
                on_wait=lambda why: say(f"waiting: {why}", dim=True, err=True),
            )
        except Exception:
            self.sent = False  # what became of it is in the error; a cancellation tells nothing
            raise
        self.sent = False
        return pushed

    def interrupted(self, *, watching: bool) -> int:
        """Say what Ctrl-C has met, and return the exit status."""
        if watching and not self.sent:
            say("stopped", err=True)
            return INTERRUPTED
        say("interrupted: " + ("it was sent, and may still be applied" if self.sent else "nothing was sent"), err=True)
        say("run `sendoka push` again: it sees what is there", dim=True, err=True)
        return INTERRUPTED

    # -------------------------------------------------------------- what a person sees

    def _head(self, target: Target) -> None:
        if not self.quiet and not self.named:
            self.named = True
            say(f"{target.database} at {place_of(target)} (DATABASE_URL from {self.source.name})", dim=True)

    def _show(self, outlook: Outlook, scratch: Scratch) -> None:
        self.sent = not self.dry_run
        if self.quiet:
            return
        count = len(outlook.plan.transactions)
        if count > 1:
            say(
                f"this takes {count} transactions: Postgres lets nobody use what the first makes before it is committed"
            )
        show(branches_of(outlook.plan, outlook.changes))
        for note in _notes(outlook, scratch.version, unmanaged=not self.told):
            say(f"note: {note}", dim=True)
        self.told = True

    def _end(self, pushed: Pushed, seconds: float) -> None:
        plan = pushed.outlook.plan
        statements = counted(len(plan.steps), "statement")
        if pushed.applied and not plan.transactions:
            say(f"pushed in {seconds * 1000:.0f} ms, though an answer was lost")
        elif pushed.applied:
            say(f"pushed: {statements} in {seconds * 1000:.0f} ms")
        elif plan.transactions:
            say(f"nothing was done: {statements} would be sent")
        else:
            say("nothing to push: the database has the whole schema")

    def _data(self, pushed: Pushed, target: Target) -> dict[str, Any]:
        outlook = pushed.outlook
        return {
            "host": place_of(target),
            "database": target.database,
            "source": self.source.name,
            "transactions": as_data(outlook.plan),
            "applied": pushed.applied,
            "seconds": round(pushed.seconds, 3),
            "renamed": list(outlook.plan.renamed),
            "created": list(outlook.plan.created),
            "allowed": list(outlook.plan.allowed),
            "notes": list(outlook.notes),
            "unmanaged": list(outlook.unmanaged),
        }


def _notes(outlook: Outlook, built_on: int | None, *, unmanaged: bool) -> Iterator[str]:
    yield from outlook.notes
    if built_on is not None and built_on != outlook.version:
        yield f"texts were compared on Postgres {built_on}, and the database is Postgres {outlook.version}"
    if unmanaged:
        yield from (f"not managed, and left as it is: {each}" for each in outlook.unmanaged)
