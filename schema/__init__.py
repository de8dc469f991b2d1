"""The schema of a multi-tenant messaging platform: one table a file, all of them found."""

from sqlalchemy import MetaData

from sendoka.schema import NAMING

metadata = MetaData(naming_convention=NAMING)
