"""Events on their way to a webhook endpoint, with every attempt's end."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from sendoka.schema import created_at, list_index, org_id, primary_key, tenant_id

from . import metadata

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    primary_key("whd"),
    org_id(),
    tenant_id(),
    Column("webhook_endpoint_id", String(32), ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), nullable=False),
    Column("message_id", String(32), ForeignKey("messages.id", ondelete="SET NULL")),
    created_at(),
    Column("event", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("status", Text, nullable=False, server_default="pending"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("response_status", SmallInteger),
    Column("response_ms", Integer),
    Column("next_attempt_at", DateTime(timezone=True), server_default=text("now()")),
    Column("delivered_at", DateTime(timezone=True)),
    CheckConstraint("status in ('pending', 'delivered', 'failed')", name="status"),
    CheckConstraint("attempts >= 0", name="attempts"),
    CheckConstraint("response_status between 100 and 599", name="response_status"),
    Index("webhook_deliveries_due_idx", "next_attempt_at", postgresql_where=text("status = 'pending'")),
    Index(None, "message_id", postgresql_where=text("message_id is not null")),
    list_index("org_id"),
    list_index("webhook_endpoint_id"),
    list_index("tenant_id", postgresql_where=text("tenant_id is not null")),
)
