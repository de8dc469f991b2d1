"""Schemas: declared in Python, read from a database or a snapshot, compared, and changed by a plan.

Importing it loads the column helpers alone, and with them SQLAlchemy; the rest is imported by its own name.
"""

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

__all__ = ["NAMING", "created_at", "json_of", "list_index", "org_id", "primary_key", "tenant_id", "updated_at"]
