"""What a schema declares beside its tables, each in one call: `declare(metadata, view("active_orgs", "select …"))`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sendoka.schema.declared import query_of
from sendoka.schema.kinds.materialized_view import MaterializedView
from sendoka.schema.kinds.view import View
from sendoka.schema.model import PUBLIC

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Select

__all__ = ["materialized_view", "view"]


def view(
    name: str,
    query: str | Select[Any],
    *,
    namespace: str = PUBLIC,
    options: Mapping[str, object] | None = None,
    comment: str | None = None,
) -> View:
    """Return a view; `options` are such as `{"security_invoker": True}`. Raises SchemaError for an empty query."""
    definition = query_of(query, f"view {name}")
    return View(name=name, namespace=namespace, definition=definition, options=_listed(options), comment=comment)


def materialized_view(
    name: str,
    query: str | Select[Any],
    *,
    namespace: str = PUBLIC,
    options: Mapping[str, object] | None = None,
    comment: str | None = None,
) -> MaterializedView:
    """Return a materialized view; its indexes are not declared yet. Raises SchemaError for an empty query."""
    return MaterializedView(
        name=name,
        namespace=namespace,
        definition=query_of(query, f"materialized view {name}"),
        options=_listed(options),
        comment=comment,
    )


def _listed(options: Mapping[str, object] | None) -> tuple[str, ...]:
    return tuple(sorted(f"{name}={_spelled(value)}" for name, value in (options or {}).items()))


def _spelled(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
