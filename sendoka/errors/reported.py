"""`DatabaseError`: what Postgres reports, with the fields of its protocol.

Its kinds stand in the modules beside this one: branches by what a caller can do, leaves under Postgres' own condition
names. A leaf stands there because somebody catches it by name; every other SQLSTATE is raised as the branch of its
class, or as `DatabaseError` itself.
"""

from __future__ import annotations

from typing import ClassVar

from sendoka.errors.base import Outcome, SendokaError

__all__ = ["JUDGED", "DatabaseError"]

JUDGED = (Outcome.FAILED, Outcome.UNKNOWN)
"""What a statement that Postgres judged may have come to: `unknown` where an earlier send of its call may still run."""


class DatabaseError(SendokaError):
    """Postgres reported an error; raised itself for an SQLSTATE that no class below has.

    Its fields are those of Postgres' protocol, None where it sent none: `.message`, `.sqlstate`, `.severity`,
    `.detail`, `.hint`, `.position`, `.context`, `.schema`, `.table`, `.column`, `.datatype`, `.constraint`.
    `.statement` is the text of the statement it is about, as it was sent, where that can be known; what the error's own
    text shows of it has its passwords masked. The transaction it happened in is
    undone (`failed`). `unknown` is said where the server ended the connection with it, or where an earlier send of the
    same call may still run; `refused` where it was the login that failed.

    What to do: mend the statement or the data.
    """

    # Source of the fields: "Error and Notice Message Fields" in the PostgreSQL documentation; Neon passes them all on.

    outcomes: ClassVar[tuple[Outcome, ...]] = (Outcome.FAILED, Outcome.UNKNOWN, Outcome.REFUSED)
    sqlstates: ClassVar[tuple[str, ...]] = ()
    """The SQLSTATEs this class is raised for; of two characters: the whole class of codes, as far as none below has it.

    Source: "PostgreSQL Error Codes", Appendix A of the PostgreSQL documentation.
    """

    def __init__(
        self,
        message: str,
        *,
        sqlstate: str = "",
        severity: str = "ERROR",
        detail: str | None = None,
        hint: str | None = None,
        position: int | None = None,
        context: str | None = None,
        schema: str | None = None,
        table: str | None = None,
        column: str | None = None,
        datatype: str | None = None,
        constraint: str | None = None,
        statement: str | None = None,
        outcome: Outcome = Outcome.FAILED,
        todo: str = "",
    ) -> None:
        super().__init__(f"{message} ({sqlstate})" if sqlstate else message, todo=todo)
        self.args = (message,)
        self.message = message
        self.sqlstate = sqlstate
        self.severity = severity
        self.detail = detail
        self.hint = hint
        self.position = position
        self.context = context
        self.schema = schema
        self.table = table
        self.column = column
        self.datatype = datatype
        self.constraint = constraint
        self.statement = statement
        self.outcome = outcome

    def __str__(self) -> str:
        from sendoka.errors.masking import concealed, without  # who shows no error loads neither
        from sendoka.errors.pointer import shown

        lines = [without(self.what, self.statement or "")]
        if self.detail:
            lines.append(f"detail: {without(self.detail, self.statement or '')}")
        if self.statement:
            text, position = concealed(self.statement, self.position)
            lines += shown(text, position)
        if self.todo or self.hint:
            lines.append(f"hint: {self.todo or self.hint}")
        return "\n".join(lines)
