"""What a schema declares beside its tables, each in one call: `declare(metadata, view("active_orgs", "select …"))`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sendoka.errors import SchemaError
from sendoka.schema.declared import checked_name, expression_of, namespace_of, query_of
from sendoka.schema.kinds._granting import Granting
from sendoka.schema.kinds._options import listed_options
from sendoka.schema.kinds._stated import FIRING
from sendoka.schema.kinds.extension import Extension
from sendoka.schema.kinds.function import Function
from sendoka.schema.kinds.materialized_view import MaterializedView
from sendoka.schema.kinds.policy import COMMANDS, EVERYBODY, Policy
from sendoka.schema.kinds.procedure import Procedure
from sendoka.schema.kinds.table import Table
from sendoka.schema.kinds.trigger import Trigger
from sendoka.schema.kinds.view import View
from sendoka.schema.model import PUBLIC, Expression, Object
from sendoka.schema.statements import made_routine, made_trigger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ClauseElement, Select
    from sqlalchemy import Table as Declared

__all__ = [
    "extension",
    "function",
    "grant",
    "materialized_view",
    "partition",
    "policy",
    "procedure",
    "trigger",
    "view",
]


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
    listed = listed_options(options or {})
    return View(name=name, namespace=namespace, definition=definition, options=listed, comment=comment)


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
        options=listed_options(options or {}),
        comment=comment,
    )


def partition(
    name: str,
    of: str,
    bound: str,
    *,
    namespace: str = PUBLIC,
    partition_by: str | None = None,
    comment: str | None = None,
) -> Table:
    """Return a partition of the table `of`, which says `postgresql_partition_by="RANGE (day)"`.

    `bound` is `FOR VALUES …` or `DEFAULT`; `partition_by` makes it a partitioned table itself.
    """
    where = f"partition {name} of {of}"
    parent, _, table = of.rpartition(".")
    return Table(
        name=name,
        namespace=namespace,
        partition_of=(parent or namespace, table),
        bound=expression_of(bound, where),
        partition_by=expression_of(partition_by, where),
        comment=comment,
    )


def extension(name: str, *, namespace: str = PUBLIC, comment: str | None = None) -> Extension:
    """Return an extension, whose objects stand in `namespace`."""
    return Extension(name=name, namespace=namespace, comment=comment)


def policy(
    name: str,
    table: str,
    *,
    command: str = "all",
    to: Sequence[str] = EVERYBODY,
    using: str | ClauseElement | None = None,
    check: str | ClauseElement | None = None,
    restrictive: bool = False,
    namespace: str = PUBLIC,
    comment: str | None = None,
) -> Policy:
    """Return a policy of `table`, which counts where `Table(…, info={"row_security": True})` says so.

    `to` are roles; they are not managed. Raises SchemaError for what no policy can say.
    """
    where = f"policy {name} of {table}"
    if command.lower() not in COMMANDS:
        raise SchemaError(f"command={command!r}: a policy is for one of {', '.join(COMMANDS)}", where=f"in {where}")
    return Policy(
        name=checked_name(name, "a policy"),
        namespace=namespace,
        table=table,
        command=command.lower(),
        permissive=not restrictive,
        roles=tuple(sorted(to)),
        using=expression_of(using, where),
        check=expression_of(check, where),
        comment=comment,
    )


def grant(
    *privileges: str,
    on: str | Declared | Object,
    to: str | Sequence[str],
    columns: Sequence[str] = (),
    grantable: bool = False,
    namespace: str = PUBLIC,
) -> Granting:
    """Return what roles may do with an object, or with columns of a table: `grant("select", on="orgs", to="app")`.

    `on` is its name in `namespace`, with its types for one of several functions, `"touch(integer)"`, or what was
    declared: a Table, or an object such as Namespace(name="billing"). `to` are roles, which are not managed, or
    `"public"` for everybody; what several grants give to one role adds up. `"all"` is every privilege; none at all
    takes away what everybody has by itself, EXECUTE on a function and USAGE on a type. With `grantable` the roles may
    pass it on. Raises SchemaError where no role is named.
    """
    roles = (to,) if isinstance(to, str) else tuple(to)
    kind, namespace, name = _granted_on(on, namespace)
    if not roles:
        raise SchemaError("a grant names no role", where=f"in a grant on {name}", todo='write to="app"')
    return Granting(
        name=name,
        namespace=namespace,
        on=kind,
        to=roles,
        privileges=privileges,
        columns=(columns,) if isinstance(columns, str) else tuple(columns),
        grantable=privileges if grantable else (),
    )


def _granted_on(on: str | Declared | Object, namespace: str) -> tuple[str, str, str]:
    """Return the kind, where it is known, the namespace and the name of what something is granted on."""
    if isinstance(on, str):
        return "", namespace, on
    if isinstance(on, Object):
        return on.kind, on.namespace, on.name
    return "", namespace_of(on), on.name


def function(statement: str, *, comment: str | None = None) -> Function:
    """Return the function that a whole `create function …` makes. Raises SchemaError for another statement."""
    made = made_routine(statement, "function")
    header, definition = Expression(declared=made.header), Expression(declared=_ended(statement))
    return Function(name=made.name, namespace=made.namespace, header=header, definition=definition, comment=comment)


def procedure(statement: str, *, comment: str | None = None) -> Procedure:
    """Return the procedure that a whole `create procedure …` makes. Raises SchemaError for another statement."""
    made = made_routine(statement, "procedure")
    header, definition = Expression(declared=made.header), Expression(declared=_ended(statement))
    return Procedure(name=made.name, namespace=made.namespace, header=header, definition=definition, comment=comment)


def trigger(statement: str, *, fires: str = "origin", comment: str | None = None) -> Trigger:
    """Return the trigger that a whole `create trigger …` makes.

    `fires` is `origin`, `disabled`, `replica` or `always`. Raises SchemaError for another statement.
    """
    if fires not in FIRING:
        raise SchemaError(f"fires={fires!r}: a trigger fires in one of these ways: {', '.join(FIRING)}")
    made = made_trigger(statement)
    definition = Expression(declared=_ended(statement))
    return Trigger(
        name=made.name,
        namespace=made.namespace,
        table=made.table,
        definition=definition,
        fires=fires,
        comment=comment,
    )


def _ended(statement: str) -> str:
    return statement.strip().rstrip("; \t\r\n")
