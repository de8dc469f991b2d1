"""Widgets, the example. Change it, or delete it once you have a table of your own."""

from pydantic import BaseModel, PositiveInt
from sqlalchemy import Column, String, Table, Text

from sendoka.schema import created_at, json_of, list_index, primary_key

from . import metadata


class WidgetConfig(BaseModel):
    """What the column `config` holds; checked whenever a row goes in or comes out through SQLAlchemy."""

    color: str = "blue"
    size: PositiveInt = 1


widgets = Table(
    "widgets",
    metadata,
    primary_key("wgt"),
    Column("owner", String(100), nullable=False),
    Column("name", Text, nullable=False),
    Column("title", Text),
    Column("config", json_of(WidgetConfig), nullable=False),
    created_at(),
    list_index("owner"),
)
