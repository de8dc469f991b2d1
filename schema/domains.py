"""Domains that mail is sent from, once their DNS records are found."""

from sqlalchemy import Boolean, CheckConstraint, Column, DateTime, Index, Table, Text, UniqueConstraint, text

from sendoka.schema import created_at, list_index, org_id, primary_key, tenant_id, updated_at

from . import metadata

domains = Table(
    "domains",
    metadata,
    primary_key("dom"),
    org_id(),
    tenant_id(),
    created_at(),
    updated_at(),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="pending"),
    Column("region", Text, nullable=False, server_default="eu-central-1"),
    Column("dkim_selector", Text, nullable=False),
    Column("dkim_public_key", Text, nullable=False),
    Column("return_path", Text),
    Column("track_opens", Boolean, nullable=False, server_default=text("false")),
    Column("track_clicks", Boolean, nullable=False, server_default=text("false")),
    Column("checked_at", DateTime(timezone=True)),
    Column("verified_at", DateTime(timezone=True)),
    UniqueConstraint("org_id", "name"),
    # Anybody may try a domain; one organisation at a time can have it verified.
    Index("domains_verified_key", "name", unique=True, postgresql_where=text("status = 'verified'")),
    CheckConstraint("name = lower(name)", name="name"),
    CheckConstraint("status in ('pending', 'verified', 'failed', 'disabled')", name="status"),
    list_index("org_id"),
    list_index("tenant_id", postgresql_where=text("tenant_id is not null")),
)
