"""A hazard for a program, and in words: the same facts wherever a plan is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sendoka.schema.step import Hazard, Place

__all__ = ["address", "hazard_data", "instead"]


def hazard_data(hazard: Hazard, rows: Mapping[Place, int] | None = None) -> dict[str, Any]:
    """Return a hazard as JSON values; `rows` says about how many the tables have, where somebody was asked."""
    lock = hazard.lock
    return {
        "name": hazard.flag,
        "why": hazard.why,
        "asks": hazard.asks,
        "lock": lock
        and {
            "mode": lock.mode,
            "blocks": lock.blocks or None,
            "rows": lock.rows or None,
            "tables": [{"name": address(each), "rows": (rows or {}).get(each)} for each in lock.tables],
        },
        "instead": instead(hazard) or None,
        "sql": [list(file) for file in hazard.sql],
    }


def address(table: Place) -> str:
    """Return how a table is called in words."""
    namespace, name = table
    return name if namespace == "public" else f"{namespace}.{name}"


def instead(hazard: Hazard) -> str:
    """Return the ways in words that need no allowance, or hold nobody up; empty where none is known."""
    from sendoka.schema.hazards import known

    return hazard.instead or known(hazard.name).instead.replace("`", "")
