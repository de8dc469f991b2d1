"""What partitions have from their tables, under names of their own, beside what tables have by themselves."""

from __future__ import annotations

__all__ = ["own_and_passed_on"]


def own_and_passed_on(rows: str, columns: str, condition: str = "true") -> tuple[str, str]:
    """Return the SELECTs of what is not `passed_on` and of what is, by the column of that name of `rows`.

    Both stand on these: Postgres finds them once.
    """
    own, passed_on = (
        f"select {columns} from {rows} where {condition} and {each}" for each in ("not passed_on", "passed_on")
    )
    return own, passed_on
