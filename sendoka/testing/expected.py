"""What is expected, statement or transaction alike: the answers it gets, one after the other."""

from __future__ import annotations

import contextlib
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sendoka.errors import NEON_ERROR_KEYS
from sendoka.http.reply import Reply
from sendoka.testing.mishaps import error_reply, find_mishap, json_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from sendoka.database.statement import Cells, Result, Statement
    from sendoka.testing.mishaps import MishapName
    from sendoka.testing.recorded import Recorded

    # What is to be answered, and the request it came in -> what comes back.
    Act = Callable[[Sequence[Statement], Recorded], list[Result[Cells]] | Reply]

__all__ = ["Expected", "Turn"]

_SQLSTATE = re.compile(r"[0-9A-Z]{5}")
_HERE = str(Path(__file__).parent)


@dataclass(slots=True)
class Turn:
    """One answer: `least` and `most` say how often it is given (`most` None: without end), after `seconds`.

    `commits` is true where the statements were run, whatever the client is told.
    """

    act: Act
    commits: bool = False
    least: int = 1
    most: int | None = None
    seconds: float = 0.0
    given: int = 0
    _said: bool = field(default=False, repr=False)

    @property
    def is_over(self) -> bool:
        """Tell whether it was given as often as it may be."""
        return self.most is not None and self.given >= self.most

    def count(self, least: int, most: int | None) -> None:
        """Say how often it is given. Raises ValueError the second time."""
        if self._said:
            raise ValueError("how often this answer is given was said already")
        self.least, self.most, self._said = least, most, True


class Expected:
    """The part that statements and transactions share: a list of turns, each said by one call of a method."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.seen = 0
        self.place = _place()

    def fails(self, sqlstate: str, message: str = "", **fields: str) -> Self:
        """Answer an error of Postgres: `fails("23505", constraint="users_email_key")`.

        `fields` are the others of Neon's error object: detail, hint, position, schema, table, column, dataType, …
        Raises ValueError for what is no SQLSTATE, TypeError for a field that Neon's errors do not have.
        """
        if not _SQLSTATE.fullmatch(str(sqlstate)):
            raise ValueError(f"{sqlstate!r} is no SQLSTATE: five digits or capital letters, as in '23505'")
        unknown = sorted(fields.keys() - set(NEON_ERROR_KEYS))
        if unknown:
            raise TypeError(f"an error of Neon has no field {unknown[0]!r}; it has: {', '.join(NEON_ERROR_KEYS)}")
        said = {"message": message or f"a scripted error {sqlstate}", "code": sqlstate, "severity": "ERROR", **fields}
        return self._turn(lambda _, __: error_reply(said))

    def meets(self, mishap: MishapName) -> Self:
        """Let the request meet something that goes wrong below SQL: `meets("connection_closed")`; see `MISHAPS`."""
        found = find_mishap(mishap)
        return self._turn(lambda _, request: found.happen(request), commits=found.ran)

    def refuses(self, message: str, status: int = 500) -> Self:
        """Answer an error of Neon itself, with an empty code, as its proxy and its control plane write it."""
        return self._turn(lambda _, __: error_reply({"message": message, "code": "", "severity": ""}, status))

    def answers(self, status: int, body: Any) -> Self:
        """Answer this status and body: bytes and text as they are, anything else as JSON."""
        if isinstance(body, bytes | str):
            reply = Reply(status, body.encode() if isinstance(body, str) else body)
        else:
            reply = json_reply(status, body)
        return self._turn(lambda _, __: reply)

    def times(self, count: int) -> Self:
        """Give the answer that was said last exactly `count` times; then the next one is due, or none is expected.

        Without it an answer before another is given once, and the last as often as it is asked for.
        """
        if isinstance(count, bool) or not count >= 1:
            raise ValueError(f"times() takes a number from 1, not {count!r}")
        self._last("times").count(count, count)
        return self

    def any_times(self) -> Self:
        """Give the answer that was said last as often as it is asked for, never included."""
        self._last("any_times").count(0, None)
        return self

    def after(self, seconds: float) -> Self:
        """Let the answer that was said last take so long, in the mock's own time: nobody waits.

        Where the call's deadline is nearer, it passes: a RequestTimeout, and the statements may have run.
        """
        if not seconds > 0:
            raise ValueError(f"after() takes a number of seconds above 0, not {seconds!r}")
        self._last("after").seconds = seconds
        return self

    @property
    def is_over(self) -> bool:
        """Tell whether every answer was given as often as it may be."""
        return bool(self.turns) and all(turn.is_over for turn in self.turns)

    @property
    def lacks(self) -> str:
        """Return what is missing, as "never sent" or "sent 1 of 3 times"; empty where nothing is."""
        least = sum(turn.least for turn in self.turns) if self.turns else 1
        if self.seen >= least:
            return ""
        return f"sent {self.seen} of {least} times" if self.seen else "never sent"

    def due(self) -> Turn | None:
        """Return the answer whose turn it is, counted as given; None where none was said."""
        turn = next((turn for turn in self.turns if not turn.is_over), None)
        if turn is not None:
            turn.given += 1
        return turn

    def _turn(self, act: Act, *, commits: bool = False) -> Self:
        if self.turns and self.turns[-1].most is None:
            if self.turns[-1].least == 0:
                raise ValueError("an answer behind any_times() would never be given")
            self.turns[-1].most = 1
        self.turns.append(Turn(act, commits))
        return self

    def _last(self, word: str) -> Turn:
        if not self.turns:
            raise ValueError(f"say first what is answered: .rows(…).{word}(…)")
        return self.turns[-1]


def _place() -> str:
    """Return where the test said so, as `tests/test_x.py:12`."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    file = Path(frame.f_code.co_filename)
    with contextlib.suppress(ValueError):
        file = file.relative_to(Path.cwd())
    return f"{file}:{frame.f_lineno}"
