"""Groups of senders that share the load of a channel."""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY

from sendoka.schema import created_at, list_index, org_id, primary_key, tenant_id, updated_at

from . import metadata

messaging_pools = Table(
    "messaging_pools",
    metadata,
    primary_key("pool"),
    org_id(),
    tenant_id(),
    created_at(),
    updated_at(),
    Column("name", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("senders", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("daily_limit", Integer),
    Column("is_default", Boolean, nullable=False, server_default=text("false")),
    UniqueConstraint("org_id", "name"),
    Index("messaging_pools_default_key", "org_id", "channel", unique=True, postgresql_where=text("is_default")),
    CheckConstraint("channel in ('email', 'sms', 'whatsapp', 'push')", name="channel"),
    CheckConstraint("daily_limit > 0", name="daily_limit"),
    list_index("org_id"),
    list_index("tenant_id", postgresql_where=text("tenant_id is not null")),
)
