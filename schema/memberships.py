"""Which people work for which organisation, and what they may do there."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, String, Table, Text, UniqueConstraint

from sendoka.schema import created_at, list_index, org_id, primary_key

from . import metadata

memberships = Table(
    "memberships",
    metadata,
    primary_key("mem"),
    org_id(),
    Column("user_id", String(32), ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    created_at(),
    Column("role", Text, nullable=False, server_default="member"),
    Column("invited_by", String(32), ForeignKey("users.id", ondelete="SET NULL")),
    Column("accepted_at", DateTime(timezone=True)),
    UniqueConstraint("org_id", "user_id"),
    CheckConstraint("role in ('owner', 'admin', 'developer', 'member')", name="role"),
    list_index("org_id"),
)
