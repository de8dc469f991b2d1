"""What makes no sense as a request of its own: a statement whose whole effect would end with the request's session."""

from __future__ import annotations

import warnings

from sendoka.database.transaction import first_words

__all__ = ["check_alone"]

_LIST = "what belongs together is one list: await sql.transaction([sql(…), sql(…)])"
_SETTINGS = 'settings hold for a transaction: await sql.transaction([sql(…)], settings={"statement_timeout": "5s"})'
_ROLE = 'a role holds for a transaction: await sql.transaction([sql(…)], settings={"role": …})'
_ALREADY = "every request begins without anything of earlier ones; leave it out"
_TCP = "notifications reach a connection that stays open, over TCP; NOTIFY itself can be sent"

# Whatever is not here is sent: what has an effect is never refused, and of the rest Postgres itself says that it wants
# a transaction (LOCK), or does not find what is meant (EXECUTE, FETCH).
_INSTEAD = {
    **dict.fromkeys(("BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"), _LIST),
    "PREPARE TRANSACTION": _LIST,
    "SET": _SETTINGS,
    "SET ROLE": _ROLE,
    "SET SESSION AUTHORIZATION": 'await sql.transaction([sql(…)], settings={"session_authorization": …})',
    "SET TRANSACTION": "say isolation_level= or read_only= to sql.transaction([…])",
    "SET SESSION CHARACTERISTICS": "say isolation_level= or read_only= to sql.transaction([…])",
    "SET CONSTRAINTS": "let it stand first in a list: await sql.transaction([sql(…), sql(…)])",
    **dict.fromkeys(("RESET", "DISCARD", "DEALLOCATE"), _ALREADY),
    **dict.fromkeys(("LISTEN", "UNLISTEN"), _TCP),
    "PREPARE": "send the statement itself, with its parameters: await sql(…, value)",
    "DECLARE": "ask for all the rows, or for a page at a time: paginate()",
}


def check_alone(text: str) -> None:
    """Raise ValueError for a statement that can have no effect as the only one of its request.

    An empty text is sent with a RuntimeWarning: Neon answers it, as a recorded exchange shows, and the official driver
    sends it, but here it is hardly ever meant. Of a comment alone nothing is said: some ask so whether the database is
    there.
    """
    if not text.strip("; \t\r\n\f\v"):
        # The fourth frame is the caller's: this one, the query's claim and its method stand before it.
        warnings.warn("the statement is empty, and answers nothing", RuntimeWarning, stacklevel=4)
        return
    command = _command(text)
    if command is not None:
        raise ValueError(
            f"{command} by itself has no effect, because over HTTP a session ends with its request; {_INSTEAD[command]}"
        )


def _command(text: str) -> str | None:
    """Return the command of `_INSTEAD` that `text` is, None where it is another."""
    words = first_words(text, 4)
    if words[1:2] == ["PREPARED"]:
        return None  # COMMIT PREPARED and ROLLBACK PREPARED end a transaction of another session
    if words[:2] == ["SET", "LOCAL"]:
        del words[1]
    return next((found for end in (3, 2, 1) if (found := " ".join(words[:end])) in _INSTEAD), None)
