"""Texts with holes."""

from sqlalchemy import CheckConstraint, Column, DateTime, Integer, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY

from sendoka.schema import created_at, list_index, org_id, primary_key, tenant_id, updated_at

from . import metadata

templates = Table(
    "templates",
    metadata,
    primary_key("tpl"),
    org_id(),
    tenant_id(),
    created_at(),
    updated_at(),
    Column("name", Text, nullable=False),
    Column("channel", Text, nullable=False, server_default="email"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("subject", Text),
    Column("body", Text, nullable=False),
    Column("variables", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("published_at", DateTime(timezone=True)),
    UniqueConstraint("org_id", "name", "version"),
    CheckConstraint("channel in ('email', 'sms', 'whatsapp', 'push')", name="channel"),
    CheckConstraint("version > 0", name="version"),
    list_index("org_id"),
    list_index("tenant_id", postgresql_where=text("tenant_id is not null")),
)
