"""Messages sent: the table that grows."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, Integer, String, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from sendoka.schema import created_at, list_index, org_id, primary_key, tenant_id

from . import metadata

messages = Table(
    "messages",
    metadata,
    primary_key("msg"),
    org_id(),
    tenant_id(),
    created_at(),
    Column("domain_id", String(32), ForeignKey("domains.id", ondelete="SET NULL")),
    Column("template_id", String(32), ForeignKey("templates.id", ondelete="SET NULL")),
    Column("channel", Text, nullable=False, server_default="email"),
    Column("status", Text, nullable=False, server_default="queued"),
    Column("sender", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("subject", Text),
    Column("body", Text),
    Column("tags", JSONB, nullable=False, server_default=text("'{}'")),
    Column("idempotency_key", String(128)),
    Column("provider_message_id", Text),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("last_error", Text),
    Column("scheduled_at", DateTime(timezone=True)),
    Column("sent_at", DateTime(timezone=True)),
    Column("delivered_at", DateTime(timezone=True)),
    CheckConstraint("channel in ('email', 'sms', 'whatsapp', 'push')", name="channel"),
    CheckConstraint(
        "status in ('queued', 'scheduled', 'sending', 'sent', 'delivered', 'bounced', 'complained', 'failed',"
        " 'canceled')",
        name="status",
    ),
    CheckConstraint("status <> 'scheduled' or scheduled_at is not null", name="scheduled"),
    Index(
        "messages_idempotency_key",
        "org_id",
        "idempotency_key",
        unique=True,
        postgresql_where=text("idempotency_key is not null"),
    ),
    # The sender looks for what is due, and reports come back under the provider's own id.
    Index("messages_due_idx", "scheduled_at", postgresql_where=text("status = 'scheduled'")),
    Index(None, "provider_message_id", postgresql_where=text("provider_message_id is not null")),
    Index(None, "domain_id", postgresql_where=text("domain_id is not null")),
    Index(None, "template_id", postgresql_where=text("template_id is not null")),
    list_index("org_id"),
    list_index("org_id", "status"),
    list_index("tenant_id", postgresql_where=text("tenant_id is not null")),
)
