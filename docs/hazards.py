"""Write docs/hazards.md from the table in `sendoka/schema/hazards.py` and the kinds: `make docs`."""

from __future__ import annotations

from pathlib import Path

from sendoka.schema.hazards import HAZARDS, known
from sendoka.schema.kinds import all_kinds
from sendoka.schema.model import Member
from sendoka.schema.step import Lock

__all__ = ["PAGE", "names", "page"]

PAGE = Path(__file__).with_name("hazards.md")

_INTRODUCTION = """# Hazards

<!-- Written by docs/hazards.py from sendoka/schema/hazards.py: mend it there, then `make docs`. -->

A hazard is what a statement may do to a live database. Its name stands before its target, as in
`drop-column:messages.legacy`: in `--allow`, in the header of a migration, in the review of `generate` and in `diff`. A
name never gets another meaning.

A lock is held until its transaction ends, and whoever waits for it lets others wait behind. What a plan makes itself
has no hazards: nobody uses it yet. Nor has what Postgres does in its catalog alone: a column that may be null, a
constant default, a longer `varchar`.

| name | what | lock | it blocks | rows | instead |
| --- | --- | --- | --- | --- | --- |
{rows}
"""


def names() -> list[str]:
    """Return every name, sorted: those of the table, and the drop, the rename and the move of each kind."""
    kinds = all_kinds()
    drops = {f"drop-{kind.name}" for kind in kinds}
    renamed = [kind for kind in kinds if kind.renames_on_answer or kind.renames_if_alterable]
    renames = {f"rename-{kind.name}" for kind in renamed}
    moves = {f"move-{kind.name}" for kind in renamed if not issubclass(kind.holds, Member)}
    return sorted({*HAZARDS, *drops, *renames, *moves, "rename-enum-value"} - {"move-namespace"})


def page() -> str:
    """Return the page's text."""
    return _INTRODUCTION.format(rows="\n".join(_row(name) for name in names()))


def _row(name: str) -> str:
    facts = known(name)
    lock = f"`{facts.lock}`" if facts.lock else "–"
    cells = [f"`{name}`", facts.does, lock, Lock(facts.lock, ()).blocks or "–", facts.rows or "–", facts.instead or "–"]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
