"""What every error of Sendoka has, and those that belong to no branch."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AnswerMissing",
    "InvalidCursor",
    "OnceKeyReused",
    "Outcome",
    "SendokaError",
    "SettingsError",
]


class Outcome(StrEnum):
    """What is known about the statements of a call that raised."""

    NOT_SENT = "not_sent"
    """The request never left whole: nothing ran."""
    REFUSED = "refused"
    """It was answered before anything ran."""
    FAILED = "failed"
    """The database reported an error, and the transaction it happened in is undone."""
    UNKNOWN = "unknown"
    """It may have run. Of a `DecodeError` alone more is known: its statements did run."""


class SendokaError(Exception):
    """Never raised itself; catch it for everything that Sendoka raises on purpose.

    `what`, `where` and `todo` are the parts of the text; the two last may be empty.
    """

    exit_code: ClassVar[int] = 3

    def __init__(self, what: str, *, where: str = "", todo: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.todo = todo

    def __str__(self) -> str:
        return "\n".join(part for part in (self.what, self.where, self.todo) if part)

    def __reduce__(self) -> tuple[Any, ...]:
        return _revive, (type(self), self.args, self.__dict__.copy(), _portable(self.__cause__))


def _revive(
    cls: type[SendokaError], args: tuple[Any, ...], state: dict[str, Any], cause: BaseException | None
) -> SendokaError:
    error = cls(*args)
    error.__dict__.update(state)
    error.__cause__ = cause
    return error


def _portable(cause: BaseException | None) -> BaseException | None:
    """Return the cause, or a plain exception with its text where it cannot be pickled."""
    import pickle

    try:
        pickle.loads(pickle.dumps(cause))  # noqa: S301 - only ever what was dumped in the line itself
    except Exception:  # noqa: BLE001 - a foreign exception's pickling may raise anything
        return Exception(f"{type(cause).__name__}: {cause}")
    return cause


class SettingsError(SendokaError, ValueError):
    """A connection string, option or setting that cannot be used. Never prints the connection string."""

    exit_code = 2


class InvalidCursor(SendokaError, ValueError):
    """A cursor that no page of this list gave out."""

    exit_code = 2


class OnceKeyReused(SendokaError, ValueError):
    """A `once` key that a transaction of other statements has used. Those of this call did not run."""

    outcome = Outcome.FAILED

    def __init__(self, key: str) -> None:
        super().__init__(
            f"the once key {key!r} belongs to a transaction of other statements",
            where="nothing of this call ran",
            todo="a key stands for the same statements and parameters: no new times or ids in them, or another key",
        )
        self.args = (key,)
        self.key = key


class AnswerMissing(SendokaError):
    """A question that needs a person's answer was met where nobody can be asked. `todo` names the flag.

    `questions` are dictionaries of `question`, a text, and `answers`, each the list of arguments that gives it.
    """

    exit_code = 4

    def __init__(
        self, what: str, *, where: str = "", todo: str = "", questions: tuple[Mapping[str, Any], ...] = ()
    ) -> None:
        super().__init__(what, where=where, todo=todo)
        self.questions = questions
