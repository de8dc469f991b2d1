"""What is billed: counts by day."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, Index, Table, Text, func, text

from sendoka.schema import created_at, list_index, org_id, primary_key, tenant_id, updated_at

from . import metadata

usage_counters = Table(
    "usage_counters",
    metadata,
    primary_key("usg"),
    org_id(),
    tenant_id(),
    created_at(),
    updated_at(),
    Column("metric", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("count", BigInteger, nullable=False, server_default=text("0")),
    CheckConstraint("metric in ('emails', 'sms', 'whatsapp', 'push', 'inbound', 'webhooks')", name="metric"),
    CheckConstraint("count >= 0", name="count"),
    list_index("org_id"),
    list_index("tenant_id", postgresql_where=text("tenant_id is not null")),
)

# One counter a day, those without a tenant included.
Index(
    "usage_counters_day_key",
    usage_counters.c.org_id,
    usage_counters.c.metric,
    usage_counters.c.day,
    func.coalesce(usage_counters.c.tenant_id, ""),
    unique=True,
)
