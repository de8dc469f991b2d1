"""Schemas: declared in Python, read from a database or a snapshot, compared, and changed by a plan.

Importing it loads what a schema's files need, and with it SQLAlchemy; the rest is imported by its own name. Raises
SettingsError where the packages of `sendoka[schema]` are missing.
"""

from sendoka.errors import SettingsError

try:
    from sendoka.schema.columns import (
        NAMING,
        created_at,
        json_of,
        list_index,
        org_id,
        primary_key,
        tenant_id,
        updated_at,
    )
    from sendoka.schema.declarations import declare
    from sendoka.schema.kinds._counting import Counting
    from sendoka.schema.kinds._view import QueriedColumn
    from sendoka.schema.kinds.aggregate import Aggregate
    from sendoka.schema.kinds.collation import Collation
    from sendoka.schema.kinds.composite_type import Attribute, CompositeType
    from sendoka.schema.kinds.domain import Domain, DomainCheck
    from sendoka.schema.kinds.enum import Enum
    from sendoka.schema.kinds.exclusion import Exclusion
    from sendoka.schema.kinds.grant import Grant
    from sendoka.schema.kinds.materialized_view import MaterializedView
    from sendoka.schema.kinds.namespace import Namespace
    from sendoka.schema.kinds.rule import Rule
    from sendoka.schema.kinds.sequence import Sequence
    from sendoka.schema.kinds.statistics import Statistics
    from sendoka.schema.kinds.view import View
    from sendoka.schema.model import Expression
    from sendoka.schema.objects import (
        extension,
        function,
        grant,
        materialized_view,
        partition,
        policy,
        procedure,
        trigger,
        view,
    )
    from sendoka.schema.sqltype import sql_type
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in {"pydantic", "sqlalchemy"}:
        raise
    raise SettingsError(
        f"a schema needs a package that is not installed: {error.name}", todo='pip install "sendoka[schema]"'
    ) from error

__all__ = [
    "NAMING",
    "Aggregate",
    "Attribute",
    "Collation",
    "CompositeType",
    "Counting",
    "Domain",
    "DomainCheck",
    "Enum",
    "Exclusion",
    "Expression",
    "Grant",
    "MaterializedView",
    "Namespace",
    "QueriedColumn",
    "Rule",
    "Sequence",
    "Statistics",
    "View",
    "created_at",
    "declare",
    "extension",
    "function",
    "grant",
    "json_of",
    "list_index",
    "materialized_view",
    "org_id",
    "partition",
    "policy",
    "primary_key",
    "procedure",
    "sql_type",
    "tenant_id",
    "trigger",
    "updated_at",
    "view",
]
