"""The options that say what holds a backfill back, and their values for `run()` and `plan()`."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["pace_of", "pace_options"]

_OPTIONS = (
    click.option("--rate", metavar="N/s", help="Rows scanned a second at most: 2000/s."),
    click.option("--wal-budget", metavar="SIZE/s", help="WAL that the server writes a second at most: 20MB/s."),
    click.option("--between", metavar="HH:MM-HH:MM", help="Only in these hours, by the database's clock; needs --tz."),
    click.option("--tz", metavar="ZONE", help="The time zone of --between: Europe/Oslo."),
    click.option(
        "--yield",
        "yields",
        multiple=True,
        metavar="NAME=BOUND",
        help="When to make room for others: vacuum=off, transactions=30min, all=off.",
    ),
)


def pace_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command is given `rate`, `wal_budget`, `between`, `tz` and `yields`."""
    return reduce(lambda decorated, option: option(decorated), reversed(_OPTIONS), command)


def pace_of(
    *, rate: str | None, wal_budget: str | None, between: str | None, tz: str | None, yields: Iterable[str]
) -> dict[str, Any]:
    """Return the parameters of `run()`, known to be right. Raises UsageError or InvalidBackfill, with what to write."""
    from sendoka.backfills.limits import Limits

    said = {}
    for each in yields:
        name, sign, bound = each.partition("=")
        if not sign:
            raise click.UsageError(f"--yield {each}: write it as NAME=BOUND, such as vacuum=off or transactions=30min")
        said[name.strip()] = bound.strip()
    given = {"rate": rate, "wal_budget": wal_budget, "between": between, "tz": tz, "yields": said}
    Limits.of(**given)  # type: ignore[arg-type]  # one dictionary of parameters of several types
    return given
