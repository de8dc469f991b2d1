"""All that `check` looks at, in order: the project's files, and what was asked for besides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.backfills.scripts import names
from sendoka.cli._database import connect, place_of
from sendoka.cli._options import run
from sendoka.errors import SendokaError, SettingsError, TransportError
from sendoka.migrations.checked import Checked, Verdict, shown
from sendoka.migrations.checks import NOT_WHOLE, check
from sendoka.migrations.divergence import check_history
from sendoka.migrations.drift import check_drift
from sendoka.migrations.replay import check_replay
from sendoka.migrations.since import check_since
from sendoka.migrations.undefined import undefined_backfills
from sendoka.schema.kind import Renaming
from sendoka.scratch import Scratch
from sendoka.settings import find_source
from sendoka.sources import compared, compared_here

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from sendoka.migrations.checks import Offline
    from sendoka.migrations.drift import Spell
    from sendoka.schema.diff import Changes
    from sendoka.schema.model import Model
    from sendoka.settings import Settings

__all__ = ["Asked", "look"]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which checks were asked for besides those of the files, and what they need."""

    history: bool = False
    drift: bool = False
    replay: bool = False
    since: str | None = None
    scratch: str | None = None
    env_file: Path | None = None


def look(settings: Settings, asked: Asked) -> list[Checked]:
    """Make all checks that were asked for. A check that cannot be made keeps no other one from being made."""
    offline = check(settings, compared_here)
    return [
        *offline.checks,
        _backfills(settings, offline),
        *run(_beyond(settings, asked, offline)),
        _since(settings, asked),
    ]


def _backfills(settings: Settings, offline: Offline) -> Checked:
    if offline.files is None:
        return Checked.left_out("backfills", NOT_WHOLE)
    return undefined_backfills(offline.files, shown(settings.migrations, settings.root), names(settings.backfill))


async def _beyond(settings: Settings, asked: Asked, offline: Offline) -> list[Checked]:
    async with Scratch(asked.scratch) as scratch:
        spell = _spelling(scratch)
        history = await _of_database("history", asked.history, settings, asked, offline, spell)
        drift = await _of_database("drift", asked.drift, settings, asked, offline, spell, history.error)
        return [history, drift, await _replay(settings, asked, offline, scratch, spell)]


def _spelling(scratch: Scratch) -> Spell:
    async def spell(there: Model, wanted: Model) -> tuple[Changes, str | None]:
        found = await compared(there, wanted, Renaming(), scratch)
        return found.changes, found.doubt

    return spell


async def _of_database(
    name: str,
    is_asked: bool,
    settings: Settings,
    asked: Asked,
    offline: Offline,
    spell: Spell,
    before: SendokaError | None = None,
) -> Checked:
    """Make the check `name`; `before` is what kept the one before it from asking the same database."""
    files = offline.files
    if not is_asked:
        return _not_asked(name)
    if files is None:
        return Checked.left_out(name, NOT_WHOLE)
    if isinstance(before, TransportError):
        return Checked.failed(name, before)

    async def ask() -> Checked:
        source = find_source(settings, env_file=asked.env_file)
        async with connect(source) as sql:
            if name == "history":
                found = await check_history(sql, files, shown(settings.migrations, settings.root))
            else:
                found = await check_drift(sql, files, settings.migrations, spell)
            return found.of_database(f"{sql.target.database} at {place_of(sql.target)}, from {source.name}")

    return await _attempt(name, ask)


async def _replay(settings: Settings, asked: Asked, offline: Offline, scratch: Scratch, spell: Spell) -> Checked:
    files = offline.files
    if not asked.replay:
        return _not_asked("replay")
    if files is None:
        return Checked.left_out("replay", NOT_WHOLE)
    is_generated = any(each.name == "ungenerated" and each.verdict is Verdict.CLEAN for each in offline.checks)
    wanted = offline.declared if is_generated else offline.known
    if wanted is None:
        return Checked.left_out("replay", "neither the schema nor a snapshot can be read")
    known, folder = wanted, shown(settings.migrations, settings.root)

    async def make() -> Checked:
        async with scratch.database() as empty:
            return await check_replay(empty, files, folder, known, spell, is_declared=is_generated)

    return await _attempt("replay", make)


def _since(settings: Settings, asked: Asked) -> Checked:
    if asked.since is None:
        return Checked.left_out("since", "not asked for: --since REF")
    try:
        return check_since(settings.migrations, asked.since, shown(settings.migrations, settings.root))
    except SendokaError as error:
        return Checked.failed("since", error)


async def _attempt(name: str, work: Callable[[], Awaitable[Checked]]) -> Checked:
    try:
        return await work()
    except SendokaError as error:
        return Checked.failed(name, error)
    except ModuleNotFoundError as error:
        todo = 'pip install "sendoka[dev]"'
        return Checked.failed(name, SettingsError(f"this needs {error.name}, which is not installed", todo=todo))


def _not_asked(name: str) -> Checked:
    return Checked.left_out(name, f"not asked for: --{name}")
