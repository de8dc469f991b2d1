"""Addresses that want to hear of events."""

from sqlalchemy import CheckConstraint, Column, DateTime, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY

from sendoka.schema import created_at, list_index, org_id, primary_key, tenant_id, updated_at

from . import metadata

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    primary_key("whe"),
    org_id(),
    tenant_id(),
    created_at(),
    updated_at(),
    Column("url", Text, nullable=False),
    Column("description", Text),
    Column("events", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("secret", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="enabled"),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("disabled_at", DateTime(timezone=True)),
    CheckConstraint("url ~ '^https?://'", name="url"),
    CheckConstraint("status in ('enabled', 'disabled')", name="status"),
    CheckConstraint("failures >= 0", name="failures"),
    list_index("org_id"),
    list_index("tenant_id", postgresql_where=text("tenant_id is not null")),
)
