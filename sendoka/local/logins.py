"""What Neon answers when PostgreSQL lets nobody in, told from the words that libpq hands on."""

from __future__ import annotations

import re

from sendoka.local.failure import Failure

__all__ = ["refused_login"]

_FATAL = re.compile(
    r"FATAL:\s+(?P<message>.*?)(?:\nDETAIL:\s+(?P<detail>.*?))?(?:\nHINT:\s+(?P<hint>.*?))?\s*$", re.DOTALL
)

_CREDENTIALS = re.compile(
    r"password authentication failed|authentication failed for user|role \".*\" does not exist"
    r"|is not permitted to log in|no pg_hba\.conf entry|no password supplied|SCRAM"
)

# libpq hands on the words of a refused login and not its fields, so the SQLSTATE is told from the words.
# Source: InitPostgres() in postinit.c and the errcodes beside each message.
_KNOWN = (
    (re.compile(r'database ".*" does not exist'), "3D000", 400),
    (re.compile(r"too many clients|connection slots|too many connections"), "53300", 500),
    (re.compile(r"the database system is|not yet accepting connections"), "57P03", 500),
    (re.compile(r"permission denied for database"), "42501", 500),
    (re.compile(r"not currently accepting connections"), "55000", 500),
)


def refused_login(text: str, user: str) -> Failure:
    """Return the failure for libpq's `text` about a login of `user`: 400 for what the user got wrong, else 500."""
    if _CREDENTIALS.search(text):
        return Failure(f"password authentication failed for user '{user}'")
    said = _FATAL.search(text)
    for pattern, code, status in _KNOWN if said else ():
        if said and pattern.search(said["message"]):
            fields = {"code": code, "severity": "FATAL", "detail": said["detail"], "hint": said["hint"]}
            where = {"file": "postinit.c", "routine": "InitPostgres"} if code == "3D000" else {}
            return Failure(said["message"], status=status, fields={**fields, **where})
    return Failure("Couldn't connect to compute node", status=500)
