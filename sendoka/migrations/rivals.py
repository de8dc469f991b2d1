"""Whether an error is about our own tables: a rival that was met at them, or a grant that they lack.

Postgres names what it was about, and not where that is: a table of the user's own may be called `migrations` too, and
have keys that are called as ours are. So what has only our name is asked for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sendoka.database.statement import Statement
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import DatabaseError, TransportError

if TYPE_CHECKING:
    from sendoka.database.seam import Database
    from sendoka.errors import InsufficientPrivilege

__all__ = ["is_our_grant", "is_rival"]

_TIMEOUT = 10.0
"""Seconds that a question may take; without its answer the name decides."""

# Where runners meet: at the keys of the history, and while it is created, at those of the catalog.
_INDEX = re.compile(
    r'relation "(?:(?P<ours>migrations_(?:pkey|checksum_key|parent_key|one_root))|pg_(?:namespace|class|type)_\w+)"'
)

# A rival holds this lock on our table until its transaction ends; whoever is not seen is gone, and is waited for as a
# lock is.
_MET = """
select not exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                    where c.relname = $1 and n.nspname <> $2)
    or exists (select from pg_locks l join pg_class c on c.oid = l.relation
                 join pg_namespace n on n.oid = c.relnamespace
                where c.relname = 'migrations' and n.nspname = $2 and l.mode = 'RowExclusiveLock' and l.granted
                  and l.pid is distinct from pg_backend_pid()
                  and l.database = (select oid from pg_database where datname = current_database()))"""

# A missing grant comes without the fields that name a schema and a table: Postgres' sentence is all there is.
_GRANT = re.compile(
    r"permission denied for schema (?P<schema>.*)"
    r"|(?P<is>permission denied for|must be owner of) (?:table|relation) "
    r"(?P<table>migrations|facts|backfill_runs|dead_letters)"
)
# The first statement in a new database creates our schema, and is refused with these words.
_FIRST_GRANT = re.compile(r"permission denied for database .*", re.DOTALL)

_LACKS = """
select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where c.relname = $1 and n.nspname = $2
                  and case when $3::boolean then not pg_has_role(c.relowner, 'usage')
                           else not has_table_privilege(c.oid, 'select')
                             or $1 in ('migrations', 'facts') and not (
                                has_table_privilege(c.oid, 'insert') and has_table_privilege(c.oid, 'update')) end)"""


async def is_rival(database: Database, error: DatabaseError | TransportError, *, new: bool) -> bool:
    """Tell whether another runner was met at the keys of our history, in whatever way the wait for it ended.

    new: whether our tables were to be created, so that it may have been met at the catalog's keys too.
    """
    if not isinstance(error, DatabaseError):
        return False
    if error.schema == database.namespace:
        return True
    found = _INDEX.search(error.context or "")
    if found is None:
        return False
    return new if found["ours"] is None else await _asked(database, _MET, found["ours"], database.namespace)


async def is_our_grant(database: Database, error: InsufficientPrivilege, *, new: bool = False) -> bool:
    """Tell whether the role lacks a right on our own tables, and not on what a statement of the user's names.

    new: whether the transaction began by creating them.
    """
    found = _GRANT.fullmatch(error.message)
    if found is None:
        return new and _FIRST_GRANT.fullmatch(error.message) is not None
    if found["table"] is None:
        return bool(found["schema"] == database.namespace)
    owner = "true" if found["is"].startswith("must") else "false"
    return await _asked(database, _LACKS, found["table"], database.namespace, owner)


async def _asked(database: Database, question: str, *params: str) -> bool:
    options = TransactionOptions(read_only=True, timeout=_TIMEOUT)
    try:
        (result,) = await database.run_all([Statement(question, params)], options)
    except (DatabaseError, TransportError):
        return True
    return result.rows[0][0] in {"t", "true"}
