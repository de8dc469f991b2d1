"""Sign-up forms that customers put on their pages: the example with a typed jsonb column."""

from typing import Literal

from pydantic import BaseModel, Field
from sqlalchemy import CheckConstraint, Column, Table, Text

from sendoka.schema import created_at, json_of, list_index, org_id, primary_key

from . import metadata


class WidgetConfig(BaseModel):
    """How a widget looks and what it asks for."""

    theme: Literal["light", "dark"] = "light"
    accent: str = Field("#0f62fe", pattern=r"^#[0-9a-f]{6}$")
    fields: list[Literal["email", "phone", "name"]] = ["email"]
    consent_text: str = ""


widgets = Table(
    "widgets",
    metadata,
    primary_key("wid"),
    org_id(),
    created_at(),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="draft"),
    Column("config", json_of(WidgetConfig), nullable=False),
    CheckConstraint("status in ('draft', 'live', 'archived')", name="status"),
    list_index("org_id"),
)
