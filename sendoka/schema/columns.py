"""The columns and indexes that tables of a multi-tenant application have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter
from sqlalchemy import Column, DateTime, ForeignKey, Index, String, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

from sendoka.ids import check_prefix, new_id

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Dialect
    from sqlalchemy.types import TypeEngine

__all__ = [
    "NAMING",
    "JsonOf",
    "created_at",
    "json_of",
    "list_index",
    "org_id",
    "primary_key",
    "tenant_id",
    "updated_at",
]

M = TypeVar("M", bound=BaseModel)

NAMING = {
    "pk": "%(table_name)s_pkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}
"""Postgres' own names, for `MetaData(naming_convention=NAMING)`. A check needs a name: `name="status"`."""

ID = String(32)


def primary_key(prefix: str) -> Column[str]:
    """Return the column `id`: `varchar(32)`, made by the client as `new_id(prefix)`, so a row knows its id before
    it is sent.

    Raises ValueError for a prefix that is not 1 to 7 lower-case letters and digits.
    """
    check_prefix(prefix)
    return Column("id", ID, primary_key=True, default=lambda: new_id(prefix))


def created_at() -> Column[datetime]:
    """Return the column `created_at`: `timestamptz not null default now()`."""
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())


def updated_at() -> Column[datetime]:
    """Return the column `updated_at`: like `created_at`, and set again by every UPDATE that SQLAlchemy writes."""
    return Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now())


def org_id(references: str = "orgs.id") -> Column[str]:
    """Return the column `org_id`: whose row it is. The organisation's rows go with it."""
    return Column("org_id", ID, ForeignKey(references, ondelete="CASCADE"), nullable=False)


def tenant_id(references: str = "tenants.id") -> Column[str | None]:
    """Return the column `tenant_id`: nullable, for rows older than tenants.

    A tenant with rows cannot be deleted by itself. NO ACTION, not RESTRICT: with its organisation it can.
    """
    return Column("tenant_id", ID, ForeignKey(references))


def list_index(*filters: str, **options: Any) -> Index:
    """Return the index that a list endpoint needs: what it filters by, then `created_at` and `id`.

    `list_index("org_id")` serves `where org_id = $1 order by created_at desc, id desc`, read backwards. The order is
    left ascending on purpose: Postgres does not use `DESC NULLS LAST` for `ORDER BY … DESC`. `options` are those of
    SQLAlchemy's Index. Raises ValueError without a filter.
    """
    if not filters:
        raise ValueError('a list index needs what the list filters by: list_index("org_id")')
    return Index(options.pop("name", None), *filters, "created_at", "id", **options)


class JsonOf(TypeDecorator[M], Generic[M]):
    """A `jsonb` column that holds one pydantic model: validated on the way in and on the way out."""

    impl = JSONB
    cache_ok = True

    def __init__(self, model: type[M]) -> None:
        super().__init__(none_as_null=True)  # None is NULL, not the JSON null
        self.model = model

    def process_bind_param(self, value: M | dict[str, Any] | None, dialect: Dialect) -> Any:
        """Return the JSON of a model, or of what validates as one. Raises pydantic's ValidationError."""
        if value is None:
            return None
        return TypeAdapter(self.model).validate_python(value).model_dump(mode="json")

    def process_result_value(self, value: Any, dialect: Dialect) -> M | None:
        """Return the model. Raises pydantic's ValidationError for a value that is none."""
        return None if value is None else self.model.model_validate(value)

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        """Compare as jsonb does, so that `column["key"]` works."""
        return self.impl_instance.coerce_compared_value(op, value)


def json_of(model: type[M]) -> JsonOf[M]:
    """Return the type of a `jsonb` column that holds `model`: `Column("config", json_of(WidgetConfig))`.

    Raises TypeError for what is no pydantic model.
    """
    if not _is_model(model):
        raise TypeError(f"json_of() takes a pydantic model, not {model!r}")
    return JsonOf(model)


def _is_model(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel)
