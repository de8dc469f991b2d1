"""The namespace `sendoka`, where everything of ours in a user's database lives; diff and push never look into it."""

from __future__ import annotations

import math
import os
import random
import time
from typing import TYPE_CHECKING

from sendoka.database.statement import Statement
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database.seam import Database

__all__ = ["BOOTSTRAP", "FORMAT", "NAMESPACE", "ensure", "is_race", "operator"]

NAMESPACE = "sendoka"

FORMAT = 1
"""The version of our own tables. A database with a higher one belongs to a newer Sendoka."""

BOOTSTRAP: tuple[Statement, ...] = (
    Statement("create schema if not exists sendoka"),
    Statement(
        "create table if not exists sendoka.facts ("
        "name text primary key, value text not null, at timestamptz not null default now())"
    ),
    Statement(
        "insert into sendoka.facts (name, value) values ('format', $1) on conflict (name) do nothing",
        (str(FORMAT),),
    ),
)
"""What stands in front of the first table of ours in a database. Running it again changes nothing."""

# `if not exists` looks first and creates later, so two runners can still collide: on a catalog's unique index, or
# with the plain "already exists" errors.
_RACES = frozenset({"42P06", "42P07", "42710"})
_ATTEMPTS = 20


def is_race(error: BaseException) -> bool:
    """Tell whether `error` means that somebody else was creating the same objects at the same moment."""
    if not isinstance(error, DatabaseError):
        return False
    catalog = error.sqlstate == "23505" and error.schema == "pg_catalog"
    return catalog or error.sqlstate in _RACES


def operator() -> str:
    """Return who runs this, for the audit in our tables: `user@host`, or a Lambda function's name.

    What the environment says comes first (USER, LOGNAME or USERNAME; HOSTNAME or COMPUTERNAME), then the host's own
    name; empty where neither is known. At most 200 characters.
    """
    function = _first("AWS_LAMBDA_FUNCTION_NAME")
    if function:
        return function[:200]
    user = _first("USER", "LOGNAME", "USERNAME")
    host = _first("HOSTNAME", "COMPUTERNAME") or (os.uname().nodename if hasattr(os, "uname") else "")
    return "@".join(part for part in (user, host) if part)[:200]


def _first(*names: str) -> str:
    """Return the first of these environment variables that holds something, empty where none does."""
    return next((value for name in names if (value := os.environ.get(name, "").strip())), "")


async def ensure(database: Database, tables: Sequence[Statement], *, timeout: float | None = None) -> None:
    """Create the namespace and `tables` (each an `if not exists` statement), safe among any number of callers.

    `timeout` is the seconds that all of it may take, where it is not for each request what the database itself allows.
    """
    deadline = math.inf if timeout is None else time.monotonic() + timeout
    for attempt in range(1, _ATTEMPTS + 1):
        left = None if timeout is None else max(0.001, deadline - time.monotonic())
        try:
            await database.run_all([*BOOTSTRAP, *tables], TransactionOptions(idempotent=True, timeout=left))
        except DatabaseError as error:
            pause = random.uniform(0.01, 0.05) * attempt  # noqa: S311 - jitter, not a secret
            if not is_race(error) or attempt == _ATTEMPTS or time.monotonic() + pause >= deadline:
                raise
            await _pause(pause)
        else:
            return


async def _pause(seconds: float) -> None:
    # anyio, because the client runs under trio too; only who meets a rival pays for it.
    import anyio

    await anyio.sleep(seconds)
