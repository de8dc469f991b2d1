"""What the endpoint answers instead of a result: Neon's error object, seventeen keys in their order."""

from __future__ import annotations

from json.encoder import encode_basestring
from typing import TYPE_CHECKING

from sendoka.errors import NEON_ERROR_KEYS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg.pq.abc import PGresult

__all__ = ["Failure", "from_result"]

# The letters of "Error and Notice Message Fields" in the PostgreSQL documentation, in the order of NEON_ERROR_KEYS.
_LETTERS = tuple(ord(letter) for letter in "MCDHPpqSWtcsdnFLR")
_SQLSTATE = ord("C")


class Failure(Exception):
    """An answer with an error: `status` is 400, 413, 500 or 507; `fields` are the NEON_ERROR_KEYS that are not null.

    `keeps_session` tells that the backend may be used again after its transaction is rolled back.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        fields: Mapping[str, str | None] | None = None,
        keeps_session: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        # What does not come from PostgreSQL has an empty code and severity.
        self.fields: Mapping[str, str | None] = {"code": "", "severity": ""} if fields is None else fields
        self.keeps_session = keeps_session

    def body(self) -> bytes:
        """Return the error object as JSON."""
        values = {**self.fields, "message": self.message}
        pairs = (f'"{key}":{_json(values.get(key))}' for key in NEON_ERROR_KEYS)
        return ("{" + ",".join(pairs) + "}").encode("utf-8", "replace")


def from_result(result: PGresult) -> Failure:
    """Return the failure that PostgreSQL reported; one without SQLSTATE is libpq's own: the connection is gone."""
    if result.error_field(_SQLSTATE) is None:
        return Failure("connection closed")
    cells = [result.error_field(letter) for letter in _LETTERS]
    fields = {
        key: cell.decode("utf-8", "replace")
        for key, cell in zip(NEON_ERROR_KEYS, cells, strict=True)
        if cell is not None
    }
    # FATAL and PANIC end the session.
    return Failure(fields.pop("message", ""), fields=fields, keeps_session=fields.get("severity") == "ERROR")


def _json(value: str | None) -> str:
    return "null" if value is None else encode_basestring(value)
