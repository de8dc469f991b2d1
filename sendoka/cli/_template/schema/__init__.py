"""The schema: one table a file, each found by itself."""

from sqlalchemy import MetaData

from sendoka.schema import NAMING

metadata = MetaData(naming_convention=NAMING)
