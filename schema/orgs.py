"""Organisations: who pays. Everything else belongs to one."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, String, Table, Text

from sendoka.schema import created_at, primary_key, updated_at

from . import metadata

orgs = Table(
    "orgs",
    metadata,
    primary_key("org"),
    created_at(),
    updated_at(),
    Column("name", Text, nullable=False),
    Column("slug", Text, nullable=False, unique=True),
    Column("billing_email", Text),
    Column("plan", Text, nullable=False, server_default="free"),
    Column("status", Text, nullable=False, server_default="active"),
    # Where messages without a tenant belong. Tenants point back, so this key is added last.
    Column("default_tenant_id", String(32), ForeignKey("tenants.id", ondelete="SET NULL", use_alter=True)),
    CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name="slug"),
    CheckConstraint("plan in ('free', 'pro', 'scale', 'enterprise')", name="plan"),
    CheckConstraint("status in ('active', 'suspended', 'closed')", name="status"),
)
