"""A mock of Neon's endpoint: answers in Neon's shape, by the statement, without a socket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sendoka.database.statement import Statement
from sendoka.errors import NEON_ERROR_KEYS
from sendoka.http import transport as seam
from sendoka.http.client import neon
from sendoka.http.reply import Reply
from sendoka.http.transport import Transport
from sendoka.testing.answers import Script

if TYPE_CHECKING:
    import re
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from sendoka.http.client import Neon
    from sendoka.http.request import Request
    from sendoka.http.transport import Timing
    from sendoka.testing.answers import Canned

__all__ = ["NeonMock"]


class NeonMock(Transport):
    """Canned answers for every client: in `with NeonMock() as mock:` no request reaches a network.

        with NeonMock() as mock:
            mock.on("select name from widgets where id = $1").rows({"name": "Lamp"})
            mock.on(re.compile("^insert into orders")).fails("23505", constraint="orders_pkey")
            ...
        assert len(mock.requests) == 2

    A statement that nothing was said about is an AssertionError that lists what was, and once more at the end of the
    block, where the application has caught the first. There so is an answer that was never asked for. `client()` is
    for code that takes its client as an argument.
    """

    def __init__(self) -> None:
        self._script = Script()
        self._before: Transport | None = None
        self._unexpected: list[str] = []
        self.requests: list[list[Statement]] = []

    def on(self, wanted: str | re.Pattern[str]) -> Canned:
        """Return the answer to statements of this text (white space does not count), or that this pattern finds.

        Say on it what it is: `.rows({...}, ...)`, `.affects(count, "INSERT")` or `.fails("23505", ...)`.
        """
        return self._script.on(wanted)

    def migrated(self, folder: str | Path = "migrations") -> Canned:
        """Answer `migrate()`'s question as a database that has every migration of `folder`."""
        from sendoka.migrations.files import read_folder
        from sendoka.migrations.history import head_statement

        newest = read_folder(folder)[-1]
        row = (str(newest.number), newest.name, newest.checksum, "applied", None, "0.1", "mock", "mock", "1")
        return self.on(head_statement(newest).text).rows(row)

    def client(self) -> Neon:
        """Return a client of this mock."""
        return neon("postgresql://mock:mock@mock.invalid/mock", transport=self)

    @property
    def statements(self) -> list[Statement]:
        """Every statement that was sent, in order."""
        return [statement for request in self.requests for statement in request]

    async def exchange(self, request: Request, timing: Timing) -> Reply:
        """Answer one request, as Neon would."""
        document = json.loads(request.body)
        batch = "queries" in document
        queries = document["queries"] if batch else [document]
        statements = [Statement(query["query"], tuple(query["params"])) for query in queries]
        self.requests.append(statements)
        results = []
        for statement in statements:
            canned = self._find(statement)
            result = canned.answer(statement)
            if canned.error_fields is not None:
                return _reply(400, {key: canned.error_fields.get(key) for key in NEON_ERROR_KEYS})
            results.append(_document(result))
        return _reply(200, {"results": results} if batch else results[0])

    def _find(self, statement: Statement) -> Canned:
        try:
            return self._script.find(statement)
        except AssertionError as error:
            self._unexpected.append(str(error))
            raise

    async def sleep(self, seconds: float) -> None:
        """Wait not at all: nothing passes by itself in a mock."""

    async def aclose(self) -> None:
        """Close nothing."""

    def __enter__(self) -> Self:
        self._before = seam.intercept(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seam.intercept(self._before)
        if kind is not None:
            return
        if self._unexpected:
            raise AssertionError("\n".join(self._unexpected))
        unused = self._script.unused()
        if unused:
            raise AssertionError("these statements were expected and never sent:\n  " + "\n  ".join(unused))


def _document(result: Any) -> dict[str, Any]:
    fields = [
        {
            "name": field.name,
            "dataTypeID": field.type_oid,
            "tableID": field.table_oid,
            "columnID": field.column,
            "dataTypeSize": field.type_size,
            "dataTypeModifier": field.type_modifier,
            "format": "text",
        }
        for field in result.fields
    ]
    return {
        "fields": fields,
        "rows": result.rows,
        "command": result.command,
        "rowCount": result.row_count,
        "rowAsArray": True,
    }


def _reply(status: int, document: Any) -> Reply:
    return Reply(status, json.dumps(document).encode())
