"""An async schema service for Neon's serverless Postgres that needs nothing but HTTPS.

Importing `sendoka` loads nothing but this module: every name below is imported when it is first used (PEP 562).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendoka.blocking import migrate_now as migrate_now
    from sendoka.database.once import Once as Once
    from sendoka.database.retry import Retry as Retry
    from sendoka.database.statement import Result as Result
    from sendoka.errors import Outcome as Outcome
    from sendoka.errors import SendokaError as SendokaError
    from sendoka.http.client import Neon as Neon
    from sendoka.http.client import neon as neon
    from sendoka.http.fragments import Fragment as Fragment
    from sendoka.http.fragments import fragment as fragment
    from sendoka.http.fragments import ident as ident
    from sendoka.http.fragments import join as join
    from sendoka.http.fragments import literal as literal
    from sendoka.http.query import Query as Query
    from sendoka.http.row import Row as Row
    from sendoka.http.types.array import Array as Array
    from sendoka.http.types.choice import Types as Types
    from sendoka.http.types.documents import Json as Json
    from sendoka.http.types.documents import exact_json as exact_json
    from sendoka.http.types.far import FarDate as FarDate
    from sendoka.http.types.far import FarDatetime as FarDatetime
    from sendoka.http.types.far import FarTime as FarTime
    from sendoka.http.types.interval import Interval as Interval
    from sendoka.http.types.range import Multirange as Multirange
    from sendoka.http.types.range import Range as Range
    from sendoka.ids import new_id as new_id
    from sendoka.migrations.runner import migrate as migrate
    from sendoka.pages import Page as Page
    from sendoka.pages import paginate as paginate

__version__ = "0.1.0"

_HOME = {
    "Array": "sendoka.http.types.array",
    "FarDate": "sendoka.http.types.far",
    "FarDatetime": "sendoka.http.types.far",
    "FarTime": "sendoka.http.types.far",
    "Fragment": "sendoka.http.fragments",
    "Interval": "sendoka.http.types.interval",
    "Json": "sendoka.http.types.documents",
    "Multirange": "sendoka.http.types.range",
    "Neon": "sendoka.http.client",
    "Once": "sendoka.database.once",
    "Outcome": "sendoka.errors",
    "Page": "sendoka.pages",
    "Query": "sendoka.http.query",
    "Range": "sendoka.http.types.range",
    "Result": "sendoka.database.statement",
    "Retry": "sendoka.database.retry",
    "Row": "sendoka.http.row",
    "SendokaError": "sendoka.errors",
    "Types": "sendoka.http.types.choice",
    "exact_json": "sendoka.http.types.documents",
    "fragment": "sendoka.http.fragments",
    "ident": "sendoka.http.fragments",
    "join": "sendoka.http.fragments",
    "literal": "sendoka.http.fragments",
    "migrate": "sendoka.migrations.runner",
    "migrate_now": "sendoka.blocking",
    "neon": "sendoka.http.client",
    "new_id": "sendoka.ids",
    "paginate": "sendoka.pages",
}

__all__ = [
    "Array",
    "FarDate",
    "FarDatetime",
    "FarTime",
    "Fragment",
    "Interval",
    "Json",
    "Multirange",
    "Neon",
    "Once",
    "Outcome",
    "Page",
    "Query",
    "Range",
    "Result",
    "Retry",
    "Row",
    "SendokaError",
    "Types",
    "__version__",
    "exact_json",
    "fragment",
    "ident",
    "join",
    "literal",
    "migrate",
    "migrate_now",
    "neon",
    "new_id",
    "paginate",
]


def __getattr__(name: str) -> object:
    from sendoka.lazy import load

    return load(__name__, _HOME, name)


def __dir__() -> list[str]:
    return sorted(set(__all__) | set(globals()))
