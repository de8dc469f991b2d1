"""Postgres judged the data: a constraint, or a value that does not fit its type."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sendoka.errors.reported import JUDGED, DatabaseError

if TYPE_CHECKING:
    from sendoka.errors.base import Outcome

__all__ = [
    "CheckViolation",
    "DataError",
    "DivisionByZero",
    "ExclusionViolation",
    "ForeignKeyViolation",
    "IntegrityError",
    "InvalidDatetimeFormat",
    "InvalidTextRepresentation",
    "NotNullViolation",
    "NumericValueOutOfRange",
    "RestrictViolation",
    "StringDataRightTruncation",
    "UniqueViolation",
]


class IntegrityError(DatabaseError):
    """A constraint was violated. `.constraint` names it, `.table` its table.

    What to do: mend the data, or answer whoever sent them; the constraint's name says which rule it was.
    """

    outcomes: ClassVar[tuple[Outcome, ...]] = JUDGED
    sqlstates: ClassVar[tuple[str, ...]] = ("23",)


class UniqueViolation(IntegrityError):
    """A row with this key is there already. `.detail` shows the key.

    What to do: tell whoever chose the value; or write `on conflict (…) do nothing`, or `do update`.
    """

    sqlstates = ("23505",)


class ForeignKeyViolation(IntegrityError):
    """The row that a foreign key points at does not exist, or others still point at the row to be deleted.

    What to do: insert the row that is pointed at first, in the same transaction; or delete in the other order.
    """

    sqlstates = ("23503",)


class NotNullViolation(IntegrityError):
    """A column that must have a value would get NULL. `.column` names it.

    What to do: give the value, or the column a default.
    """

    sqlstates = ("23502",)


class CheckViolation(IntegrityError):
    """A row does not satisfy a CHECK constraint, or fits no partition of its table.

    What to do: mend the value; the constraint's name says which rule it was.
    """

    sqlstates = ("23514",)


class ExclusionViolation(IntegrityError):
    """A row collides with another one by an EXCLUDE constraint: two bookings that overlap.

    What to do: choose another value; `.detail` shows both.
    """

    sqlstates = ("23P01",)


class RestrictViolation(IntegrityError):
    """A row that others point at by ON DELETE (or UPDATE) RESTRICT was to be deleted or changed.

    What to do: delete or move the rows that point at it first.
    """

    sqlstates = ("23001",)


class DataError(DatabaseError):
    """A value does not fit its type, or what is done with it.

    What to do: mend the value; the statement itself is right.
    """

    outcomes: ClassVar[tuple[Outcome, ...]] = JUDGED
    sqlstates: ClassVar[tuple[str, ...]] = ("22",)


class InvalidTextRepresentation(DataError):
    """A parameter's text cannot be read as the type that the statement gives it: `x` for an integer, no UUID, no JSON.

    What to do: send a value of that type. For a `json` or `jsonb` column a list has to be `Json([…])`.
    """

    sqlstates = ("22P02",)


class NumericValueOutOfRange(DataError):
    """A number is too large for its type, or for the precision of its column.

    What to do: check the value, or widen the column.
    """

    sqlstates = ("22003",)


class StringDataRightTruncation(DataError):
    """A text is longer than its column, `varchar(n)`, takes.

    What to do: check the length before, or widen the column.
    """

    sqlstates = ("22001",)


class InvalidDatetimeFormat(DataError):
    """A text cannot be read as a date, time or interval.

    What to do: send a `datetime`, `date`, `time` or `timedelta`, or ISO 8601.
    """

    sqlstates = ("22007",)


class DivisionByZero(DataError):
    """The statement divides by zero for some row.

    What to do: `x / nullif(y, 0)` gives NULL instead.
    """

    sqlstates = ("22012",)
