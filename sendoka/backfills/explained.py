"""What EXPLAIN says of a batch, in a line for every read of a table and every write to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["explained", "index_of"]

_PARTS = {
    "CTE sendoka_scan": "scan",
    "CTE sendoka_hits": "lock",
    "CTE sendoka_page": "page",
    "CTE sendoka_change": "change",
}


def explained(plan: dict[str, Any]) -> list[str]:
    """Return a plan as short lines: `scan: Index Only Scan messages_pkey, 1,000 rows, 1.2 ms, 40 pages (3 read)`."""
    lines = [f"{part}: {_line(node)}" for part, node in _nodes(plan["Plan"], "") if part and _is_told(node)]
    fired = [f"trigger {each['Trigger Name']}, {each['Time']:.1f} ms" for each in plan.get("Triggers", ())]
    return [*lines, *fired]


def index_of(plan: dict[str, Any]) -> str | None:
    """Return the index by which the scan finds the next keys, None where it reads the table."""
    for part, node in _nodes(plan["Plan"], ""):
        if part == "scan" and "Index Name" in node:
            return str(node["Index Name"])
    return None


def _nodes(node: dict[str, Any], part: str) -> Iterator[tuple[str, dict[str, Any]]]:
    part = _PARTS.get(str(node.get("Subplan Name")), part)
    yield part, node
    for each in node.get("Plans", ()):
        yield from _nodes(each, part)


def _is_told(node: dict[str, Any]) -> bool:
    """Tell whether a step of the plan meets a table, or sorts."""
    return node["Node Type"] in {"Sort", "Incremental Sort"} or bool({"Relation Name", "Index Name"} & node.keys())


def _line(node: dict[str, Any]) -> str:
    what = node["Operation"] if node["Node Type"] == "ModifyTable" else node["Node Type"]
    of = node.get("Index Name") or node.get("Relation Name") or ""
    loops = node["Actual Loops"]
    if not loops:
        return f"{what} {of}, never".replace("  ", " ")
    spent, hit, read = node["Actual Total Time"] * loops, node["Shared Hit Blocks"], node["Shared Read Blocks"]
    pages = f", {_counted(hit + read, 'page')}" if hit + read else ""
    cold = f" ({read:,} read)" if read else ""
    return (
        f"{what} {of}".strip() + f", {_counted(round(node['Actual Rows'] * loops), 'row')}, {spent:.1f} ms{pages}{cold}"
    )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
