"""The namespace `sendoka`, where everything of ours in a user's database lives; diff and push never look into it."""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING, NamedTuple

from sendoka.database.home import Ours
from sendoka.database.transaction import READ_ONLY, TransactionOptions
from sendoka.errors import (
    DatabaseError,
    InsufficientPrivilege,
    MigrationError,
    NotNullViolation,
    Outcome,
    TransportError,
    UndefinedTable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sendoka.database.seam import Database
    from sendoka.database.statement import Cells, Result, Statement

__all__ = [
    "ANOTHER_NAMESPACE",
    "BOOTSTRAP",
    "DEV",
    "FACTS",
    "FORMAT",
    "PRODUCTION",
    "UPGRADES",
    "Fact",
    "check_format",
    "ensure",
    "facts_in",
    "is_altered",
    "is_outdated",
    "is_race",
    "not_as_made",
    "operator",
    "read_facts",
    "set_mark",
    "upgrade",
]

FORMAT = 1
"""The version of our own tables. A database with a higher one belongs to a newer Sendoka."""

UPGRADES: Mapping[int, tuple[Statement, ...]] = {}
"""What leads from a format to the one after it, by the older one's number; none is lower than FORMAT - 1 and missing.

The statements are `if not exists` and its kin: tables that were not there are made in the newest form at once.
"""

BOOTSTRAP: tuple[Statement, ...] = (
    Ours("create schema if not exists sendoka"),
    Ours(
        "create table if not exists sendoka.facts ("
        "name text primary key, value text not null, at timestamptz not null default now())"
    ),
    Ours(
        "insert into sendoka.facts (name, value) values ('format', $1) on conflict (name) do nothing",
        (str(FORMAT),),
    ),
)
"""What stands in front of the first table of ours in a database. Running it again changes nothing."""

ANOTHER_NAMESPACE = 'namespace = "acme_sendoka" in [tool.sendoka] of pyproject.toml, neon(url, namespace=…) in code'
"""How a namespace for our tables is set, in words."""

DEV, PRODUCTION = "dev", "production"
"""What a database may be marked as: one that `push` may change, and one that nothing but migrations may."""

FACTS = Ours(
    "select name, value, to_char(at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') from sendoka.facts"
)
"""The question for all that is noted about a database: `format`, `mark`, `pushed`."""

# `if not exists` looks first and creates later, so two runners can still collide: on a catalog's unique index, or
# with the plain "already exists" errors.
_RACES = frozenset({"42P06", "42P07", "42710"})
_ATTEMPTS = 20

_CONFLICT = "40001"
"""What a role that works in a stricter isolation is told instead, by default, where it comes second at a row."""


def is_race(error: BaseException) -> bool:
    """Tell whether `error` means that somebody else was creating the same objects at the same moment."""
    if not isinstance(error, DatabaseError):
        return False
    catalog = error.sqlstate == "23505" and error.schema == "pg_catalog"
    return catalog or error.sqlstate in _RACES


def operator() -> str:
    """Return who runs this, for the audit in our tables: `user@host`, or a Lambda function's name.

    What the environment says comes first (USER, LOGNAME or USERNAME; HOSTNAME or COMPUTERNAME), then the host's own
    name and what it calls the account; empty where neither is known, as in a container. At most 200 characters.
    """
    function = _first("AWS_LAMBDA_FUNCTION_NAME")
    if function:
        return function[:200]
    user = _first("USER", "LOGNAME", "USERNAME") or _account()
    host = _first("HOSTNAME", "COMPUTERNAME") or (os.uname().nodename if hasattr(os, "uname") else "")
    return "@".join(part for part in (user, host) if part)[:200]


def _account() -> str:
    """Return what this host calls the account that the process runs as; empty where it does not know it."""
    try:
        import pwd  # not on Windows

        return pwd.getpwuid(os.getuid()).pw_name.strip()
    except (ImportError, KeyError, OSError):
        return ""


def _first(*names: str) -> str:
    """Return the first of these environment variables that holds something, empty where none does."""
    return next((value for name in names if (value := os.environ.get(name, "").strip())), "")


class Fact(NamedTuple):
    """Something that is noted about a database, and since when, as ISO 8601 in UTC."""

    value: str
    at: str


async def read_facts(database: Database) -> dict[str, Fact]:
    """Return what is noted about a database, by name; one request, and nothing where nothing of ours is there.

    Raises MigrationError for a database of a newer Sendoka, else what the exchange raises.
    """
    try:
        return facts_in((await database.run_all([FACTS], READ_ONLY))[0])
    except UndefinedTable:
        return {}
    except DatabaseError as error:
        if is_altered(error):
            raise not_as_made(database.namespace, error.message) from error
        raise


def is_altered(error: DatabaseError) -> bool:
    """Tell whether a question of ours was refused because our tables are not as they were made."""
    # Missing columns, other types, and values that do not fit; a missing table or right is another matter.
    return error.sqlstate[:2] in {"22", "42"} and error.sqlstate not in {"42501", "42P01", "42P06", "42P07", "42710"}


def not_as_made(namespace: str, why: str) -> MigrationError:
    """Return the error of tables of ours that somebody altered, or that are none of ours."""
    return MigrationError(
        f"the tables in the namespace {namespace} are not as Sendoka makes them: {why}",
        where="nothing was changed",
        todo="`sendoka repair` says what was altered; where they are another application's, give this one a namespace "
        f"of its own: {ANOTHER_NAMESPACE}",
    )


def facts_in(result: Result[Cells]) -> dict[str, Fact]:
    """Return the answer to `FACTS`. Raises MigrationError where a newer Sendoka has changed our tables."""
    facts = {name: Fact(value, at) for name, value, at in result.rows if name and value is not None and at}
    if facts:
        check_format(facts["format"].value if "format" in facts else None)
    return facts


def check_format(version: str | None) -> None:
    """Raise MigrationError where a newer Sendoka has changed our tables; `version` is the fact called `format`.

    So it is raised where that is not there, or no number: whoever made the tables may be newer.
    """
    if version is None or not (version.isascii() and version.isdigit()):
        said = "is gone" if version is None else f"says {version[:20]!r}"
        raise MigrationError(
            f"the format of Sendoka's tables in this database is not known: the fact `format` {said}",
            where="nothing was changed",
            todo="somebody altered it: set that row of the table `facts` to what another database of the same Sendoka "
            f"has; of this one it is {FORMAT}",
        )
    if int(version) > FORMAT:
        raise MigrationError(
            f"the tables of this database have format {version}, and this Sendoka knows up to {FORMAT}",
            todo="install the Sendoka that the rest of the team uses",
        )


# A production database is unmarked only by who said that it is none any more, whoever marked it meanwhile.
_SET_MARK = (
    "insert into sendoka.facts (name, value) values ('mark', $1) on conflict (name) do update "
    "set value = excluded.value, at = now() "
    "where sendoka.facts.value <> excluded.value and (sendoka.facts.value <> $2 or $3::boolean)"
)


async def set_mark(database: Database, mark: str, *, anyway: bool = False) -> Mapping[str, Fact]:
    """Mark a database as DEV or PRODUCTION and return what is noted then; a production one is left so, unless `anyway`.

    Raises what `read_facts` raises.
    """
    if not await read_facts(database):
        await ensure(database, ())
    told = Ours(_SET_MARK, (mark, PRODUCTION, "true" if anyway else "false"))
    results = await database.run_all([told, FACTS], TransactionOptions(idempotent=True))
    return facts_in(results[1])


def is_outdated(facts: Mapping[str, Fact]) -> bool:
    """Tell whether an older Sendoka made our tables."""
    return int(facts["format"].value) < FORMAT if "format" in facts else False


async def upgrade(database: Database) -> None:
    """Bring our own tables to the newest format in one transaction, safe among any number of callers.

    It is one request where they are in it. Raises what `read_facts` raises, and InsufficientPrivilege for a role that
    may not change them.
    """
    while True:
        facts = await read_facts(database)
        if not is_outdated(facts):
            return
        found = int(facts["format"].value)
        # Whoever comes second waits at the row, and meets a NOT NULL: the value is another one by then.
        first = Ours(
            "update sendoka.facts set value = case when value = $1 then $2 end, at = now() where name = 'format'",
            (str(found), str(FORMAT)),
        )
        steps = [step for number in range(found, FORMAT) for step in UPGRADES[number]]
        try:
            await database.run_all([first, *steps], TransactionOptions())
        except NotNullViolation as error:
            if (error.schema, error.table) != (database.namespace, "facts"):
                raise
        except (DatabaseError, TransportError) as error:
            conflict = isinstance(error, DatabaseError) and error.sqlstate == _CONFLICT
            if error.outcome is not Outcome.UNKNOWN and not conflict:
                raise


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
            import random  # not where all goes well

            pause = random.uniform(0.01, 0.05) * attempt  # noqa: S311 - jitter, not a secret
            if not is_race(error) or attempt == _ATTEMPTS or time.monotonic() + pause >= deadline:
                if isinstance(error, InsufficientPrivilege):
                    error.statement = None  # it is ours, and says nothing to whoever reads the error
                    error.todo = error.todo or _grant(database.namespace)
                raise
            await _pause(pause)
        else:
            return


def _grant(namespace: str) -> str:
    return (
        "let the owner of the database grant the role create on it; where the namespace is there already, create and "
        f"usage on schema {namespace}"
    )


async def _pause(seconds: float) -> None:
    # anyio, because the client runs under trio too; only who meets a rival pays for it.
    import anyio

    await anyio.sleep(seconds)
