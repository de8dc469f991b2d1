"""What `generate` says of the hazards in what it wrote: how it asks for rows, and how it shows them."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sendoka.cli._hazard import address, hazard_data, instead
from sendoka.cli._options import console, run, say
from sendoka.errors import SendokaError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from sendoka.migrations.generator import Draft
    from sendoka.schema.step import Hazard, Lock, Place, Step
    from sendoka.settings import Settings

__all__ = ["Review", "review"]

DEADLINE = 3.0
"""Seconds that a database has to say how many rows there are; whoever waits for a file does not wait for it."""


@dataclass(frozen=True, slots=True)
class Review:
    """The hazards of what was drafted. `database` says who was asked for `rows`, or why nobody was."""

    found: tuple[tuple[str, Step, Hazard], ...]
    database: str
    rows: Mapping[Place, int] = field(default_factory=dict)

    def data(self) -> list[dict[str, Any]]:
        """Return it as JSON values."""
        return [
            {"migration": name, "statement": step.text, **hazard_data(hazard, self.rows)}
            for name, step, hazard in self.found
        ]

    def show(self) -> None:
        """Print it: with styles on a terminal, plain elsewhere."""
        lines = list(self._lines())
        if not sys.stdout.isatty():
            for _, text in lines:
                say(text)
            return
        from rich.text import Text

        screen = console()
        for style, text in lines:
            screen.print(Text(text, style=style), soft_wrap=True)

    def _lines(self) -> Iterator[tuple[str, str]]:
        """Yield (style, text) of each line."""
        if not self.found:
            return
        count = "1 hazard" if len(self.found) == 1 else f"{len(self.found)} hazards"
        yield "bold", f"review: {count}; {self.database}"
        for name, step, hazard in self.found:
            yield "", ""
            yield "bold yellow" if hazard.asks else "yellow", f"{hazard.flag} in {name}"
            yield from (("cyan", f"  {line}") for line in f"{step.text};".split("\n"))
            yield "", f"  why: {hazard.why}"
            if hazard.lock is not None:
                yield "", f"  lock: {self._lock(hazard.lock)}"
            yield from self._ways_out(hazard)
        yield "", ""

    def _lock(self, lock: Lock) -> str:
        tables = " and ".join(self._sized(each) for each in lock.tables)
        blocks = f"{lock.blocks} wait" if lock.blocks else "nobody waits"
        rows = {"read": "; every row is read", "written": "; the table is written again"}.get(lock.rows, "")
        return f"{lock.mode} on {tables}: {blocks}{rows}"

    def _sized(self, table: Place) -> str:
        rows = self.rows.get(table)
        return address(table) if rows is None else f"{address(table)} (about {rows:,} rows)"

    def _ways_out(self, hazard: Hazard) -> Iterator[tuple[str, str]]:
        words = instead(hazard)
        if words:
            yield "green", f"  instead: {words}"
        elif hazard.sql:
            yield "green", "  instead:"
        for number, file in enumerate(hazard.sql):
            if number:
                yield "dim", "    -- the next file"
            for text in file:
                end = "" if text.startswith("--") else ";"
                yield from (("dim", f"    {line}") for line in f"{text}{end}".split("\n"))


def review(found: Draft, settings: Settings) -> Review:
    """Return the review of a draft; the database of the project, if there is one, is asked for rows."""
    pairs = zip(found.migrations, found.plan.transactions, strict=False)  # a person's own migration has no plan
    hazards = tuple(
        (migration.name, step, hazard)
        for migration, transaction in pairs
        for step in transaction.steps
        for hazard in step.hazards
    )
    tables = {table for _, _, hazard in hazards if hazard.lock for table in hazard.lock.tables}
    if not tables:
        return Review(hazards, "no database asked")
    try:
        place, rows = _asked(tables, settings)
    except SendokaError as error:
        return Review(hazards, f"no database asked: {error.what}")
    return Review(hazards, place, rows)


def _asked(tables: Collection[Place], settings: Settings) -> tuple[str, Mapping[Place, int]]:
    from sendoka.settings import look_for_source

    source = look_for_source(settings)
    if source is None:
        return "no database asked: there is no DATABASE_URL", {}
    return f"rows by the planner of DATABASE_URL from {source.name}", run(_rows(source.url, tables))


async def _rows(url: str, tables: Collection[Place]) -> Mapping[Place, int]:
    from sendoka.http.client import neon
    from sendoka.migrations.estimates import estimated_rows

    async with neon(url, timeout=DEADLINE, connect_timeout=DEADLINE) as sql:
        return await estimated_rows(sql, tables, deadline=DEADLINE)
