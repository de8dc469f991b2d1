"""What a person must decide, and the flags that say it: `--rename old=new`, `--allow drop-column:messages.legacy`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sendoka.errors import SettingsError
from sendoka.schema.questions import questions, unanswered
from sendoka.schema.renames import pieces, read_renames

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from sendoka.schema.diff import Changes
    from sendoka.schema.model import Id
    from sendoka.schema.step import Plan

__all__ = ["answered", "kept", "read_renames"]


def answered(steps: Plan, changes: Changes, allow: Collection[str], creates: Collection[str] = ()) -> Plan:
    """Return `steps` with what `allow` allowed and `creates` called new, as it is kept in the migration.

    Raises AnswerMissing where a hazard that asks is not allowed; its text and its `questions` list the exact flags,
    renames that may be meant included. Raises SettingsError for an answer that fits nothing.
    """
    found = kept(steps, changes, allow, creates)
    asking = {hazard.flag: hazard for hazard in steps.hazards if hazard.asks}
    missing = [hazard for flag, hazard in asking.items() if flag not in allow]
    if missing:
        raise unanswered(questions(missing, changes, allow, _created(changes, creates)))
    return found


def kept(steps: Plan, changes: Changes, allow: Collection[str], creates: Collection[str] = ()) -> Plan:
    """Return `steps` with the answers that were given; what was not asked, or not answered, is not kept.

    Raises SettingsError for an answer that fits nothing.
    """
    asking = {hazard.flag: hazard for hazard in steps.hazards if hazard.asks}
    for flag in allow:
        if flag not in {hazard.flag for hazard in steps.hazards}:
            raise SettingsError(f"--allow {flag} fits nothing in this plan", todo=_could_allow(asking))
    created = tuple(map(str, _created(changes, creates)))
    allowed = tuple(f"{each.name} {each.target}" for flag, each in asking.items() if flag in allow)
    return replace(steps, created=created, allowed=allowed)


def _could_allow(asking: Iterable[str]) -> str:
    flags = ", ".join(asking)
    return f"it asks for: {flags}" if flags else "it asks for nothing"


def _created(changes: Changes, creates: Collection[str]) -> tuple[Id, ...]:
    """Return the ids of what `creates` calls new, by address or by kind and address. Raises SettingsError."""
    found: dict[Id, None] = {}
    come = list(_come(changes))
    for text in creates:
        fitting = [key for key in come if text in {key.address, str(key)}]
        if not fitting:
            raise SettingsError(
                f"--create {text} fits nothing: nothing new is called so",
                todo="write it as --create table.column, or with its kind before it: --create 'index table.name'",
            )
        found |= dict.fromkeys(fitting)
    return tuple(found)


def _come(changes: Changes) -> Iterator[Id]:
    yield from (each.id for each in changes.created)
    for each in changes.altered:
        yield from pieces(each.old, each.new)[1]
