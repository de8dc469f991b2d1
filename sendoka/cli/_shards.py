"""How the shards of a run are shown: a line for each that matters, and the others as numbers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sendoka.cli._options import printable
from sendoka.phrases import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.backfills.report import ShardProgress

__all__ = ["chosen", "facts_of", "fitting", "line_of", "states_of"]

_STATES = ("running", "begun", "to come", "scanned", "held")


def states_of(shards: Sequence[ShardProgress]) -> str:
    """Return how many shards are in which state: `4 running, 5 to come, 7 scanned`."""
    found = Counter(_state(shard) for shard in shards)
    return ", ".join(f"{found[state]} {state}" for state in _STATES if found[state])


def chosen(shards: Sequence[ShardProgress], room: int) -> list[ShardProgress]:
    """Return what there are lines for, in order: all, or first who is running, then what was left half-way."""
    if len(shards) <= room:
        return list(shards)
    order = sorted(shards, key=lambda shard: (_STATES.index(_state(shard)) if shard.state != "held" else 1, shard.dead))
    return sorted(
        (shard for shard in order[: max(0, room)] if _state(shard) in {"running", "begun"}),
        key=lambda shard: shard.number,
    )


def line_of(shard: ShardProgress, width: int | None = None) -> str:
    """Return the line of a shard: all that is known of it, or what fits into so many columns."""
    state = "" if shard.state == "running" else f"{_state(shard)} · "
    more = "" if shard.lease is None else f", for {duration(shard.lease)} more"
    full, *others = facts_of(shard)
    forms = [full, *others]
    if shard.holder:
        forms = [f"{full} · {shard.holder}{more}", f"{full} · {shard.holder}", *forms]
    return fitting([f"shard {shard.number}: {state}{form}" for form in forms], width)


def facts_of(shard: ShardProgress) -> list[str]:
    """Return what may be said of a shard, the longest first: its rows, what was changed and left out, and its speed."""
    rows = f"{shard.pass_scanned:,}"
    if shard.total is not None and shard.state != "scanned":
        rows += f" of about {shard.total:,}"
    dead = [f"{shard.dead:,} left out"] if shard.dead else []
    speed = _speed(shard)
    forms = (
        [f"{rows} rows", f"{shard.changed:,} changed", *dead, *speed],
        [f"{rows} rows", *dead, *speed],
        [*dead, *speed],
        speed or [f"{shard.pass_scanned:,} rows"],
        speed[-1:] or [f"{shard.pass_scanned:,}"],
    )
    return [" · ".join(form) for form in forms]


def _speed(shard: ShardProgress) -> list[str]:
    """Return for what it waits, or how fast it is, and how long it takes yet, as far as that is known."""
    if shard.waiting:
        return ["waiting"]
    rate = [] if shard.rate is None else [f"{shard.rate:,.0f} rows/s"]
    return rate if shard.seconds_left is None else [*rate, f"{duration(shard.seconds_left)} left"]


def fitting(forms: Sequence[str], width: int | None) -> str:
    """Return the first form that fits into so many columns, or the last one, cut."""
    forms = [printable(form) for form in forms]
    if width is None:
        return forms[0]
    found = next((form for form in forms if len(form) <= width), forms[-1])
    return found if len(found) <= width else f"{found[: max(0, width - 1)]}…"


def _state(shard: ShardProgress) -> str:
    if shard.state != "free":
        return shard.state
    return "begun" if shard.pass_scanned else "to come"
