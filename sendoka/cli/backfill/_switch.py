"""How `pause`, `resume` and `cancel` do what they are called, and say what became of the run."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sendoka.cli._database import connect
from sendoka.cli._options import print_json, run, say

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sendoka.backfills import Switched
    from sendoka.database import Database
    from sendoka.settings import Source

    Act = Callable[[Database, str], Awaitable[Switched]]

__all__ = ["switch"]

_NOW = {
    "paused": "no batch is done until: sendoka backfill resume {name}",
    "resumed": "who waits for it goes on; where nobody does: sendoka backfill run {name}",
    "cancelled": "what it changed stays; a new run: sendoka backfill run {name} --again",
}


def switch(act: Act, source: Source, name: str, *, as_json: bool) -> None:
    """Do `act` to the backfill `name`, and print what became of it."""
    found = run(_done(act, source, name))
    if as_json:
        print_json(asdict(found))
    elif found.changed:
        say(f"{name}: {found.state}; {_NOW[found.state].format(name=name)}")
    elif found.state in _NOW:
        say(f"{name} was {found.state} already; nothing to do")
    else:
        say(f"{name} is not paused: {found.state}; nothing to do")


async def _done(act: Act, source: Source, name: str) -> Switched:
    async with connect(source) as sql:
        return await act(sql, name)
