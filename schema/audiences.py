"""Lists of contacts."""

from sqlalchemy import Column, Table, Text, UniqueConstraint, text

from sendoka.schema import created_at, list_index, org_id, primary_key, tenant_id, updated_at

from . import metadata

audiences = Table(
    "audiences",
    metadata,
    primary_key("aud"),
    org_id(),
    tenant_id(),
    created_at(),
    updated_at(),
    Column("name", Text, nullable=False),
    Column("description", Text),
    UniqueConstraint("org_id", "name"),
    list_index("org_id"),
    list_index("tenant_id", postgresql_where=text("tenant_id is not null")),
)
