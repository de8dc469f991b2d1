"""The line of a statement that an error is about, with a mark under the place."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["LONGEST", "Place", "pointed", "shown"]

LONGEST = 100
"""How many characters of a statement an error shows."""


class Place(NamedTuple):
    """A place in a text: its line, counted from 1, what is shown of that line, and what stands before the mark."""

    line: int
    shown: str
    before: str

    def in_file(self) -> list[str]:
        """Return two lines for a person that name the line by its number in its file."""
        return self.under(f"line {self.line}: ")

    def under(self, label: str) -> list[str]:
        """Return two lines for a person: `label` with the text, and the mark under it."""
        return [label + self.shown, " " * (_width(label) + _width(self.before)) + "^"]


def shown(text: str, position: int | None) -> list[str]:
    """Return lines that show a statement: the one that `position` (from 1) is in, by its number, with a mark under it.

    A statement of one short line is shown as it is, and without a position the first line of any.
    """
    text = text.rstrip()
    if position is None or ("\n" not in text and len(text) <= LONGEST):
        return [f"in: {_first_line(text)}"]
    place = pointed(text, position)
    return place.under(f"in line {place.line}: ")


def _first_line(text: str) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def pointed(text: str, position: int) -> Place:
    """Return where character number `position`, counted from 1, stands in `text`; behind its end is a place too.

    A tab is shown as one space; what is cut off a long line is before the place or well behind it.
    """
    text = text.rstrip()
    at = min(max(position - 1, 0), len(text))
    begin = text.rfind("\n", 0, at) + 1
    line = text[begin:].partition("\n")[0].rstrip()
    indent = len(line) - len(line.lstrip())
    # What is cut off stands for itself: the place stays in sight, with more before it than behind.
    cut = max(indent, at - begin - LONGEST * 2 // 3) if len(line) - indent > LONGEST else indent
    shown = ("…" if cut > indent else "") + line[cut:].replace("\t", " ")
    shown = shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"
    column = max(0, at - begin - cut) + (cut > indent)
    return Place(text.count("\n", 0, begin) + 1, shown, shown[:column].ljust(column))


def _width(text: str) -> int:
    """Return how many columns of a terminal `text` takes: wide signs take two, combining ones none."""
    import unicodedata  # an error that is shown pays for it, not a cold start

    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text
    )
