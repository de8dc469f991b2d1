"""An organisation's own customers, each kept apart from the others."""

from sqlalchemy import CheckConstraint, Column, Table, Text, UniqueConstraint

from sendoka.schema import created_at, list_index, org_id, primary_key, updated_at

from . import metadata

tenants = Table(
    "tenants",
    metadata,
    primary_key("ten"),
    org_id(),
    created_at(),
    updated_at(),
    Column("name", Text, nullable=False),
    Column("external_id", Text),
    Column("status", Text, nullable=False, server_default="active"),
    UniqueConstraint("org_id", "name"),
    UniqueConstraint("org_id", "external_id"),
    CheckConstraint("status in ('active', 'paused', 'closed')", name="status"),
    list_index("org_id"),
)
