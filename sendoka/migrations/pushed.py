"""The row that a push leaves in a database, and what guards it: what every push and `migrate` after one stand on.

Whoever changes a pushed database reads first and writes later. In between another one may do the same, so the writing
transaction begins by locking the history and by looking whether all is as it was read: the row of the last push and
the digest of the catalog. Where it is not, a null meets a NOT NULL and nothing remains.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sendoka.database.home import Ours
from sendoka.errors import DatabaseError
from sendoka.migrations.history import settings_statement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sendoka.bookkeeping import Fact
    from sendoka.database.statement import Statement
    from sendoka.schema.declared_texts import Texts
    from sendoka.schema.model import Model

__all__ = ["PUSHED", "PushRow", "changed_meanwhile", "closing", "digest_of", "opening", "recording", "row_of"]

PUSHED = "pushed"
"""The name of the fact."""


@dataclass(frozen=True, slots=True)
class PushRow:
    """What the last push left. `value` is the row's own text, which tells it from every other push.

    `digest` is that of the pushed schema, None where the push has more transactions to come; `catalog` is what
    `catalog_digest` gave right after it; `texts` are what the schema declared and Postgres spells its own way. `at` is
    ISO 8601 in UTC.
    """

    value: str
    at: str
    digest: str | None
    catalog: str
    by: str
    texts: Texts = field(default_factory=dict)

    @classmethod
    def read(cls, value: str, at: str = "") -> PushRow:
        """Return the row whose value this is."""
        known = json.loads(value)
        return cls(value, at, known["digest"], known["catalog"], known["by"], known["texts"])


def row_of(facts: Mapping[str, Fact]) -> PushRow | None:
    """Return the row of the last push, None where nothing was pushed since the last migration."""
    fact = facts.get(PUSHED)
    return None if fact is None else PushRow.read(fact.value, fact.at)


def digest_of(model: Model) -> str:
    """Return the digest of a schema in Python: sha256 in hex, whatever order its tables were read in."""
    from hashlib import sha256

    from sendoka.schema.from_snapshot import snapshot_of

    return sha256(snapshot_of(model).encode()).hexdigest()


def opening(value: str | None, catalog: str) -> list[Statement]:
    """Return what a transaction begins with that changes what was read: nobody else does meanwhile, nor did before.

    `value` is the row of the last push as it was read, None where there was none; `catalog` the digest that was read.
    The search_path is empty then.
    """
    from sendoka.schema.from_catalog import catalog_digest

    return [
        settings_statement(""),
        # A push and a migration exclude each other by it; whoever only reads the history is not kept waiting.
        Ours("lock table sendoka.migrations in share row exclusive mode"),
        Ours(
            "insert into sendoka.facts (name, value) "  # noqa: S608 - constants of ours
            f"select '{PUSHED}', case when $1::text = {catalog_digest()} and $2::text is not distinct from "
            f"(select f.value from sendoka.facts f where f.name = '{PUSHED}') then '{{}}' end "
            "on conflict (name) do update set value = excluded.value",
            (catalog, value),
        ),
    ]


def closing(digest: str | None, operator: str, token: str, texts: Texts) -> list[Statement]:
    """Return what a push ends with: its row, whose new value is the last statement's one cell."""
    from sendoka.schema.from_catalog import catalog_digest

    return [
        settings_statement(""),
        Ours(
            "update sendoka.facts set at = now(), value = jsonb_build_object("  # noqa: S608 - constants of ours
            f"'digest', $1::text, 'catalog', {catalog_digest()}, 'by', session_user || $2::text, 'token', $3::text, "
            f"'texts', $4::jsonb)::text where name = '{PUSHED}' returning value",
            (digest, f", {operator}" if operator else "", token, json.dumps(texts)),
        ),
    ]


def changed_meanwhile(error: BaseException, namespace: str) -> bool:
    """Tell whether `error` means that the database is not as it was read any more: nothing was changed.

    `namespace` is where our tables are.
    """
    return isinstance(error, DatabaseError) and (error.sqlstate, error.schema, error.table) == (
        "23502",
        namespace,
        "facts",
    )


def recording(statements: Sequence[Statement], row: PushRow, catalog: str) -> list[Statement]:
    """Return a transaction that ends the time of pushes: `statements`, and the row of the last push is gone."""
    gone = Ours(f"delete from sendoka.facts where name = '{PUSHED}'")  # noqa: S608 - a constant of ours
    return [*opening(row.value, catalog), *statements, gone]
