"""Keys for the API: only a hash is kept, and the few characters a person tells them apart by."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, LargeBinary, String, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY

from sendoka.schema import created_at, list_index, org_id, primary_key, tenant_id

from . import metadata

api_keys = Table(
    "api_keys",
    metadata,
    primary_key("key"),
    org_id(),
    tenant_id(),
    created_at(),
    Column("created_by", String(32), ForeignKey("users.id", ondelete="SET NULL")),
    Column("name", Text, nullable=False),
    Column("hint", String(12), nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("last_used_at", DateTime(timezone=True)),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    CheckConstraint("octet_length(hash) = 32", name="hash"),
    list_index("org_id"),
    list_index("tenant_id", postgresql_where=text("tenant_id is not null")),
)
