"""The seam between the engines and whatever reaches Postgres."""

from sendoka.database.retry import Retry
from sendoka.database.seam import Database
from sendoka.database.statement import Cells, Field, Result, Statement
from sendoka.database.transaction import TransactionOptions

__all__ = ["Cells", "Database", "Field", "Result", "Retry", "Statement", "TransactionOptions"]
