"""The tables of values in the documentation are those of the code."""

from __future__ import annotations

from sendoka.http.encode import PARAMETERS
from sendoka.http.types.catalog import RANGES, SCALARS
from tests.documents import ROOT


def parameters_as_text() -> str:
    """Return the table of what can be sent, as the documentation has to show it."""
    lines = ["| Python | Postgres reads |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {one.shown} | {one.reads} |" for one in PARAMETERS)]) + "\n"


def types_as_text() -> str:
    """Return the table of what is read as what, as the documentation has to show it."""
    lines = ["| Postgres | Python |", "| --- | --- |"]
    for shown in dict.fromkeys(scalar.shown for scalar in SCALARS):
        names = ", ".join(f"`{scalar.name}`" for scalar in SCALARS if scalar.shown == shown)
        if shown == "`str`":
            names += ", and whatever is not in this table"
        lines.append(f"| {names} | {shown} |")
    lines.append(f"| {', '.join(f'`{kind.name}`' for kind in RANGES)} | `Range` |")
    lines.append(f"| {', '.join(f'`{kind.multirange}`' for kind in RANGES)} | `Multirange` |")
    lines.append("| arrays of all of these | `list`, nested where they are |")
    return "\n".join(lines) + "\n"


def shown(mark: str) -> str:
    text = (ROOT / "docs/client.md").read_text(encoding="utf-8")
    return text.partition(f"<!-- {mark} -->\n")[2].partition(f"<!-- /{mark} -->")[0]


def test_the_documentation_shows_what_can_be_sent() -> None:
    assert shown("parameters") == parameters_as_text(), "put between the marks:\n" + parameters_as_text()


def test_the_documentation_shows_what_is_read_as_what() -> None:
    assert shown("types") == types_as_text(), "put between the marks:\n" + types_as_text()
