"""The ledger of a mock: what `once=` and `settings=` put into a transaction is answered as a database would."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from sendoka.testing.cells import result_of
from sendoka.testing.mishaps import error_reply

if TYPE_CHECKING:
    from sendoka.database.statement import Cells, Result, Statement
    from sendoka.http.reply import Reply

__all__ = ["Ledger"]

_INSERT = re.compile(r"insert into sendoka\.ledger \(key, digest\) values \(\$1, \$2\)")
_LOOK = re.compile(r"select digest, .* from sendoka\.ledger where key = \$1")
_SETTINGS = re.compile(r"select set_config\(\$1, \$2, true\)")


class Ledger:
    """Remembers the keys of transactions that were committed, whether their answers arrived or not."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, str]] = {}
        self._written: tuple[str, str] | None = None

    def knows(self, statement: Statement) -> bool:
        """Tell whether `statement` is one that the client adds by itself."""
        return any(own.match(statement.text) for own in (_INSERT, _LOOK, _SETTINGS))

    def answer(self, statement: Statement) -> list[Result[Cells]] | Reply:
        """Return what comes of a statement that the client itself has added."""
        if _INSERT.match(statement.text):
            return self._insert(*statement.params)
        if _LOOK.match(statement.text):
            kept = self._kept.get(statement.params[0] or "")
            return [_of("SELECT", result_of([kept] if kept else [], columns=("digest", "at")))]
        return [_of("SELECT", result_of([statement.params[1::2]]))]

    def end(self, *, committed: bool) -> None:
        """Keep the key of the transaction that ends, or forget it."""
        if self._written is not None and committed:
            key, digest = self._written
            self._kept[key] = (digest, _now())
        self._written = None

    def _insert(self, key: str | None, digest: str | None) -> list[Result[Cells]] | Reply:
        if key in self._kept:
            return error_reply(
                {
                    "message": 'duplicate key value violates unique constraint "ledger_pkey"',
                    "code": "23505",
                    "detail": f"Key (key)=({key}) already exists.",
                    "severity": "ERROR",
                    "schema": "sendoka",
                    "table": "ledger",
                    "constraint": "ledger_pkey",
                }
            )
        self._written = (key or "", digest or "")
        return [_of("INSERT", result_of([(_now(),)], columns=("int8",)))]


def _now() -> str:
    """Return the microseconds since 1970."""
    return str(time.time_ns() // 1000)


def _of(command: str, result: Result[Cells]) -> Result[Cells]:
    return type(result)(result.fields, result.rows, command, result.row_count)
