"""People in an audience."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, String, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB

from sendoka.schema import created_at, list_index, org_id, primary_key, tenant_id, updated_at

from . import metadata

contacts = Table(
    "contacts",
    metadata,
    primary_key("con"),
    org_id(),
    tenant_id(),
    Column("audience_id", String(32), ForeignKey("audiences.id", ondelete="CASCADE"), nullable=False),
    created_at(),
    updated_at(),
    Column("email", Text),
    Column("phone", Text),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("attributes", JSONB, nullable=False, server_default=text("'{}'")),
    Column("unsubscribed_at", DateTime(timezone=True)),
    CheckConstraint("email is not null or phone is not null", name="reachable"),
    CheckConstraint("phone ~ '^\\+[1-9][0-9]{6,14}$'", name="phone"),
    Index(None, "attributes", postgresql_using="gin", postgresql_ops={"attributes": "jsonb_path_ops"}),
    list_index("org_id"),
    list_index("audience_id"),
    list_index("tenant_id", postgresql_where=text("tenant_id is not null")),
)

Index(
    "contacts_email_key",
    contacts.c.audience_id,
    func.lower(contacts.c.email),
    unique=True,
    postgresql_where=contacts.c.email.is_not(None),
)
