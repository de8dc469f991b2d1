"""Messages received."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, Integer, Numeric, String, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from sendoka.schema import created_at, list_index, org_id, primary_key, tenant_id

from . import metadata

inbound_messages = Table(
    "inbound_messages",
    metadata,
    primary_key("inb"),
    org_id(),
    tenant_id(),
    created_at(),
    Column("domain_id", String(32), ForeignKey("domains.id", ondelete="SET NULL")),
    Column("in_reply_to", String(32), ForeignKey("messages.id", ondelete="SET NULL")),
    Column("channel", Text, nullable=False, server_default="email"),
    Column("sender", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("subject", Text),
    Column("body", Text),
    Column("headers", JSONB, nullable=False, server_default=text("'{}'")),
    Column("size_bytes", Integer, nullable=False),
    Column("spam_score", Numeric(5, 2)),
    Column("processed_at", DateTime(timezone=True)),
    CheckConstraint("channel in ('email', 'sms', 'whatsapp')", name="channel"),
    CheckConstraint("size_bytes >= 0", name="size_bytes"),
    Index("inbound_messages_unprocessed_idx", "created_at", postgresql_where=text("processed_at is null")),
    Index(None, "domain_id", postgresql_where=text("domain_id is not null")),
    Index(None, "in_reply_to", postgresql_where=text("in_reply_to is not null")),
    list_index("org_id"),
    list_index("tenant_id", postgresql_where=text("tenant_id is not null")),
)
