"""Addresses that must not be written to again."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table, Text, func, text

from sendoka.schema import created_at, list_index, org_id, primary_key, tenant_id

from . import metadata

suppressions = Table(
    "suppressions",
    metadata,
    primary_key("sup"),
    org_id(),
    tenant_id(),
    created_at(),
    Column("channel", Text, nullable=False, server_default="email"),
    Column("address", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("message_id", String(32), ForeignKey("messages.id", ondelete="SET NULL")),
    CheckConstraint("channel in ('email', 'sms', 'whatsapp', 'push')", name="channel"),
    CheckConstraint("reason in ('bounce', 'complaint', 'unsubscribe', 'manual')", name="reason"),
    Index(None, "message_id", postgresql_where=text("message_id is not null")),
    list_index("org_id"),
    list_index("tenant_id", postgresql_where=text("tenant_id is not null")),
)

Index(
    "suppressions_address_key",
    suppressions.c.org_id,
    suppressions.c.channel,
    func.lower(suppressions.c.address),
    unique=True,
)
