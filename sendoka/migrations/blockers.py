"""Who holds the locks that a migration could not get.

A transaction that met its `lock_timeout` is gone when its error arrives, and with it what Postgres knew of whom it
waited for. So a request of its own looks for whoever holds a lock on a table that the migration names.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.database.statement import Statement
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import DatabaseError, TransportError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database.seam import Database
    from sendoka.database.statement import Cells

__all__ = ["Blocker", "ask_blockers", "names_in"]

_MOST = 3
"""How many are told; those whose transactions are the oldest."""

_LONGEST = 60
"""How many characters of a query are shown."""

_NAME = re.compile(r'"((?:[^"]|"")+)"|([^\W\d][\w$]*)')

# Any word of the statements that is a relation's name counts: one too many costs a line, for it is said who holds a
# lock on what. A role sees the queries of its own sessions, and of all with pg_read_all_stats; the rest is null then.
_HOLDERS = """
with named as (
    select coalesce(i.indrelid, c.oid) as oid
      from pg_class c join pg_namespace n on n.oid = c.relnamespace left join pg_index i on i.indexrelid = c.oid
     where c.relname in (select jsonb_array_elements_text($1::jsonb))
       and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast'))
select l.pid::text, a.application_name, a.usename, a.state,
       case when a.query <> '<insufficient privilege>' then a.query end,
       extract(epoch from clock_timestamp() - a.xact_start)::int::text,
       extract(epoch from clock_timestamp() - a.query_start)::int::text,
       string_agg(distinct t.relation || ' (' || l.mode || ')', ', ')
  from pg_locks l
  join (select distinct oid, oid::regclass::text as relation from named) t on t.oid = l.relation
  left join pg_stat_activity a on a.pid = l.pid
 where l.locktype = 'relation' and l.granted and l.pid is distinct from pg_backend_pid()
   and l.database = (select oid from pg_database where datname = current_database())
 group by l.pid, a.application_name, a.usename, a.state, a.query, a.xact_start, a.query_start
 order by a.xact_start nulls last, l.pid limit $2::int"""


@dataclass(frozen=True, slots=True)
class Blocker:
    """Who holds a lock on a table that the migration names; `str(blocker)` is a clause for a person.

    `locks` says which: `t (AccessShareLock)`. `pid` is None for a prepared transaction. The others are None where the
    role may not see them: `transaction_age` and `query_age`, in seconds, `state` (`active`, `idle in transaction`),
    and `query`, the first words of the session's present or last query, with `?` for its values.
    """

    pid: int | None
    locks: str
    application_name: str | None = None
    role: str | None = None
    state: str | None = None
    transaction_age: int | None = None
    query_age: int | None = None
    query: str | None = None

    def __str__(self) -> str:
        if self.pid is None:
            return f"a prepared transaction (see pg_prepared_xacts) holds {self.locks}"
        who = ", ".join(part for part in (self.application_name, self.role) if part)
        facts = [f"holds {self.locks}"]
        if self.transaction_age is not None:
            facts.append(f"its transaction is {self.transaction_age} s old")
        if self.state:
            facts.append(self.state)
        if self.query:
            age = "" if self.query_age is None else f", {self.query_age} s ago"
            facts.append(f"query{age}: {self.query}")
        return f"pid {self.pid}{f' ({who})' if who else ''} " + ", ".join(facts)


async def ask_blockers(database: Database, statements: Sequence[str], timeout: float) -> tuple[Blocker, ...]:
    """Return who holds locks on what `statements` name, the oldest transactions first; nobody where it cannot be asked.

    timeout: seconds that the question may take.
    """
    question = Statement(_HOLDERS, (json.dumps(sorted(names_in(statements))), str(_MOST)))
    try:
        options = TransactionOptions(read_only=True, timeout=timeout)
        (result,) = await database.run_all([question], options)
    except (DatabaseError, TransportError):
        return ()  # it is only told; what matters is the next try
    return tuple(_blocker(row) for row in result.rows)


def names_in(statements: Sequence[str]) -> set[str]:
    """Return every word of `statements` that may be a name, as Postgres would keep it."""
    found: set[str] = set()
    for statement in statements:
        for quoted, plain in _NAME.findall(statement):
            found.add(quoted.replace('""', '"') if quoted else plain.encode().lower().decode())
    return found


def _blocker(row: Cells) -> Blocker:
    pid, application, role, state, query, transaction_age, query_age, locks = row
    return Blocker(
        None if pid is None else int(pid),
        locks or "",
        _plain(application),
        _plain(role),
        state,
        None if transaction_age is None else int(transaction_age),
        None if query_age is None else int(query_age),
        _first_words(query),
    )


def _first_words(query: str | None) -> str | None:
    if not query:
        return None
    from sendoka.http.scan import masked  # only who waits for a lock pays for it

    words = _plain(masked(query)) or ""
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"


def _plain(text: str | None) -> str | None:
    """Return `text` without what a terminal would obey: anybody may have written it."""
    return None if not text else "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
