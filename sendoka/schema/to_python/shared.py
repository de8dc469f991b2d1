"""Enums and domains as SQLAlchemy's types: one object, that every column of the type uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.schema.kinds.domain import Domain
from sendoka.schema.kinds.enum import Enum
from sendoka.schema.model import PUBLIC
from sendoka.schema.to_python.code import Code, Text, call
from sendoka.schema.to_python.constraints import TRUE, texts
from sendoka.schema.to_python.sql import bindless, written
from sendoka.schema.typenames import user_type

if TYPE_CHECKING:
    from sendoka.schema.model import Object
    from sendoka.schema.to_python.imports import Imports
    from sendoka.schema.to_python.types import Types

__all__ = ["domain_code", "enum_code", "is_shared"]

CORE = "sqlalchemy"


def is_shared(obj: Object) -> bool:
    """Tell whether SQLAlchemy can say the type: it knows no comment of a domain, and one condition at most."""
    if isinstance(obj, Domain):
        plain = obj.comment is None and len(obj.checks) <= 1 and user_type(obj.type) is None
        return plain and not any(each.not_valid or each.comment for each in obj.checks)
    return isinstance(obj, Enum) and bool(obj.values)


def enum_code(enum: Enum, imports: Imports) -> Code:
    """Return the Enum."""
    return call(imports.use(CORE, "Enum"), *texts(enum.values), name=Text(enum.name), schema=_schema(enum))


def _schema(obj: Object) -> Text | None:
    return Text(obj.namespace) if obj.namespace != PUBLIC else None


def domain_code(domain: Domain, types: Types, imports: Imports) -> Code:
    """Return the DOMAIN."""
    check = domain.checks[0] if domain.checks else None
    return call(
        imports.use("sqlalchemy.dialects.postgresql", "DOMAIN"),
        Text(domain.name),
        types.code(domain.type, None, imports),
        schema=_schema(domain),
        collation=Text(domain.collation) if domain.collation else None,
        default=_text(domain.default.text, imports) if domain.default else None,
        not_null=TRUE if domain.not_null else None,
        constraint_name=Text(check.name) if check else None,
        check=_text(check.expression.text, imports) if check else None,
    )


def _text(sql: str, imports: Imports) -> Code:
    return call(imports.use(CORE, "text"), written(bindless(sql)))
