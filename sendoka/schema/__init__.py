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
    from sendoka.schema.kinds.enum import Enum
    from sendoka.schema.kinds.namespace import Namespace
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in {"pydantic", "sqlalchemy"}:
        raise
    raise SettingsError(
        f"a schema needs a package that is not installed: {error.name}", todo='pip install "sendoka[schema]"'
    ) from error

__all__ = [
    "NAMING",
    "Enum",
    "Namespace",
    "created_at",
    "declare",
    "json_of",
    "list_index",
    "org_id",
    "primary_key",
    "tenant_id",
    "updated_at",
]
