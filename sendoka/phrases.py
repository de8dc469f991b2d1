"""Numbers as people say them: `1 batch`, `3 min 05 s`, and a moment to the second."""

from __future__ import annotations

__all__ = ["counted", "duration", "moment"]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 batch`, `1,200 batches`, `3 rows`, `2 policies`."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith("cy"):
        return f"{number:,} {noun[:-1]}ies"
    return f"{number:,} {noun}{'es' if noun.endswith(('ch', 'ss', 'x')) else 's'}"


def duration(seconds: float, *, tenths: bool = False) -> str:
    """Return a duration: `12 s`, `3 min 05 s`, `2 h 10 min`, `4 d 06 h`; below ten seconds with `tenths` `0.4 s`."""
    if tenths and seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 86400} d {whole % 86400 // 3600:02} h"


def moment(iso: str | None) -> str:
    """Return a time to the second, from its ISO 8601 form in UTC: `2026-04-22 09:30:00 UTC`."""
    return f"{(iso or '')[:19].replace('T', ' ')} UTC"
