"""Dates and times as text: the ISO style, read and written. What is outside Python's range is looked for only then."""

from __future__ import annotations

from datetime import date, datetime, time

__all__ = ["read_date", "read_time", "read_timestamp", "read_timestamptz", "time_text"]


def read_date(text: str) -> date:
    """Return a `date`; a `FarDate` where Python's type ends. Raises StyleError where the style is not ISO."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        from sendoka.http.types.far import FarDate

        return FarDate(text)


def read_timestamp(text: str) -> datetime:
    """Return a naive `datetime`; a `FarDatetime` where Python's type ends. Raises StyleError for another style."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        from sendoka.http.types.far import FarDatetime

        return FarDatetime(text)


def read_timestamptz(text: str) -> datetime:
    """Return an aware `datetime`; a `FarDatetime` where Python's type ends. Raises StyleError for another style."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        from sendoka.http.types.far import FarDatetime

        return FarDatetime(text, aware=True)


def read_time(text: str) -> time:
    """Return a `time`, aware for `timetz`; a `FarTime` for 24:00:00."""
    if text.startswith("24"):  # some versions of Python read it as the day's beginning
        from sendoka.http.types.far import FarTime

        return FarTime(text)
    return time.fromisoformat(text)


def time_text(value: time) -> str:
    """Return a time's text. Raises ValueError for a time zone whose offset depends on the day."""
    if value.tzinfo is not None and value.utcoffset() is None:
        raise ValueError(f"a time in {value.tzinfo} has no offset without its date; give it a fixed one")
    return value.isoformat()
