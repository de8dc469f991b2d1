"""People who sign in."""

from sqlalchemy import CheckConstraint, Column, DateTime, Index, Table, Text, func

from sendoka.schema import created_at, primary_key, updated_at

from . import metadata

users = Table(
    "users",
    metadata,
    primary_key("usr"),
    created_at(),
    updated_at(),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    Column("status", Text, nullable=False, server_default="active"),
    Column("email_verified_at", DateTime(timezone=True)),
    Column("last_seen_at", DateTime(timezone=True)),
    CheckConstraint("email like '%_@_%'", name="email"),
    CheckConstraint("status in ('active', 'locked', 'deleted')", name="status"),
)

Index("users_email_key", func.lower(users.c.email), unique=True)
