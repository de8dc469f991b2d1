"""What a backfill comes after: others that must be done before it begins, and no circle of them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from sendoka.backfills.dead_letters import count_dead
from sendoka.backfills.declare import Backfill
from sendoka.backfills.runs import find_run
from sendoka.errors import BackfillError, InvalidBackfill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sendoka.database.seam import Database

__all__ = ["check_after", "check_after_itself", "check_circle", "unfinished", "written_after"]


def written_after(text: str) -> tuple[str, ...]:
    """Return the names that `after=` has in the text of a script, which is not run; nothing where it is not Python."""
    try:
        calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    except (SyntaxError, ValueError):  # null bytes
        return ()
    given = [keyword.value for call in calls for keyword in call.keywords if keyword.arg == "after"]
    found = [name for value in given for name in _names(value)]
    return tuple(dict.fromkeys(found))


def _names(value: ast.expr) -> Iterable[str]:
    if isinstance(value, ast.List | ast.Tuple):
        for element in value.elts:
            yield from _names(element)
    elif isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.Name):
        yield value.id
    elif isinstance(value, ast.Attribute):
        yield value.attr


def check_circle(name: str, after: Callable[[str], Iterable[str]]) -> None:
    """Refuse a backfill that comes after itself; `after` says what comes before a name, as far as that is known."""
    path = _way_back(name, after)
    if path:
        raise InvalidBackfill(
            f"the backfill {name} comes after itself: {' after '.join(path)}",
            todo="take one of them out of after=: none of them could ever begin",
        )


def _way_back(name: str, after: Callable[[str], Iterable[str]]) -> list[str]:
    """Return the shortest way from `name` to itself, empty where there is none."""
    paths, seen = [[name]], {name}
    while paths:
        path = paths.pop(0)
        for each in after(path[-1]):
            if each == name:
                return [*path, name]
            if each not in seen:
                seen.add(each)
                paths.append([*path, each])
    return []


def check_after_itself(backfill: Backfill) -> None:
    """Refuse a backfill that comes after itself by way of the objects that it names."""
    known = {backfill.name: backfill}
    for one in iter(found := [backfill]):
        for each in one.after:
            if isinstance(each, Backfill) and each.name not in known:
                known[each.name] = each
                found.append(each)
    check_circle(backfill.name, lambda name: known[name].after_names if name in known else ())


_HOW = {"paused": "resume {}", "cancelled": "run {} --again"}


async def unfinished(database: Database, backfill: Backfill) -> list[tuple[str, str, str]]:
    """Return the backfills that this one comes after and that are not done.

    Each with how it stands, in words, and the command that goes on with it, `run {}`.
    """
    found = [(name, *await _standing(database, name)) for name in backfill.after_names]
    return [each for each in found if each[1]]


async def _standing(database: Database, name: str) -> tuple[str, str]:
    """Return what keeps the newest run of `name` from being done for good, empty where nothing does, and the way on."""
    run = await find_run(database, name)
    if run is None:
        return "it was never run here", "run {}"
    if run.state != "done":
        how = _HOW.get(run.state, "run {}")
        return f"its run {run.number} is {run.state}" + (f": {run.reason}" if run.reason else ""), how
    dead = await count_dead(database, run.id)
    return f"{dead} of its rows could not be changed and were left out" if dead else "", "retry-dead {}"


def check_after(backfill: Backfill, missing: list[tuple[str, str, str]]) -> None:
    """Raise BackfillError where others are `missing` that must be done first."""
    if not missing:
        return
    name, standing, how = missing[0]
    raise BackfillError(
        f"the backfill {backfill.name} comes after {name}, which is not done: {standing}",
        where=f"it comes after {', '.join(backfill.after_names)}; nothing was changed",
        todo=f"sendoka backfill {how.format(name)}",
    )
