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
    """Everything that Sendoka raises on purpose; raised itself where no kind below fits.

    `.what`, `.where` and `.todo` are the parts of the text; the two last may be empty.

    What to do: what the text says.
    """

    # The docstring of every class here has this shape: when it is raised, what it carries, what to do. With the facts
    # below docs/errors.md is made of it.
    exit_code: ClassVar[int] = 3
    """The exit status of a command that ends with it."""
    outcomes: ClassVar[tuple[Outcome, ...]] = ()
    """What `.outcome` may say, the usual one first; none for errors that are not about statements of a call."""

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
    import pickle  # a cold start pays for it only where it pickles

    try:
        pickle.loads(pickle.dumps(cause))  # noqa: S301 - only ever what was dumped in the line itself
    except Exception:  # noqa: BLE001 - a foreign exception's pickling may raise anything
        return Exception(f"{type(cause).__name__}: {cause}")
    return cause


class SettingsError(SendokaError, ValueError):
    """A connection string, option or setting cannot be used. The text never shows the connection string.

    What to do: mend what the text names; nothing was sent.
    """

    exit_code = 2


class InvalidCursor(SendokaError, ValueError):
    """`paginate()` was given a cursor that no page of this list gave out.

    What to do: answer a request that brought it with "bad request", or start at the first page.
    """

    exit_code = 2


class OnceKeyReused(SendokaError, ValueError):
    """A transaction's `once=` key is in the ledger already, with other statements or other values; `.key` is it.

    The database refused the key, and the transaction of this call is undone (`failed`): of the new statements none
    stays, those that came first under this key have.

    What to do: give every intent a key of its own, made of what it is about (`signup:` and an id); and do not put what
    differs from call to call (a time, a new id) into the statements of one key.
    """

    outcomes = (Outcome.FAILED,)
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
    """A question that needs a person's answer was met where nobody can be asked: without a terminal, or with `--json`.

    `.questions` are dictionaries of `question`, a text, and `answers`, each the list of arguments that gives it.

    What to do: answer with the flag that `.todo` names, or run the command in a terminal.
    """

    exit_code = 4

    def __init__(
        self, what: str, *, where: str = "", todo: str = "", questions: tuple[Mapping[str, Any], ...] = ()
    ) -> None:
        super().__init__(what, where=where, todo=todo)
        self.questions = questions
