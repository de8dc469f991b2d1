"""Where a PostgreSQL is, and who connects to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from sendoka.errors import SettingsError

__all__ = ["Login"]


@dataclass(frozen=True, slots=True)
class Login:
    """Where a PostgreSQL is and who connects to it. Its repr shows no password.

    `socket` is the folder of a Unix socket that leads to the same server, if there is one.
    """

    host: str
    port: int
    user: str
    password: str
    database: str
    sslmode: str = "disable"
    socket: str = ""

    def __repr__(self) -> str:
        return f"Login({self.user}@{self.host}:{self.port}/{self.database})"

    @classmethod
    def from_url(cls, url: str) -> Login:
        """Read a PostgreSQL URL or `key=value` string as libpq does. Raises SettingsError, which never shows it."""
        try:
            parts: dict[str, Any] = dict(conninfo_to_dict(url))
            port = int(parts.get("port") or 5432)
        except (psycopg.ProgrammingError, ValueError):
            raise SettingsError(
                "the URL of the PostgreSQL server cannot be read",
                todo="correct SENDOKA_POSTGRES, as in postgresql://user:password@host/dbname, or leave it out",
            ) from None
        user = str(parts.get("user") or "postgres")
        return cls(
            host=str(parts.get("host") or "localhost"),
            port=port,
            user=user,
            password=str(parts.get("password") or ""),
            database=str(parts.get("dbname") or user),
            sslmode=str(parts.get("sslmode") or "prefer"),
        )

    def to(self, database: str) -> Login:
        """Return the login to another database of the same server."""
        return replace(self, database=database)

    @property
    def url(self) -> str:
        """Return it as a PostgreSQL URL over TCP, password included."""
        host = f"[{self.host}]" if ":" in self.host else quote(self.host, safe="")
        name = quote(self.database, safe="")
        return f"postgresql://{quote(self.user, safe='')}:{quote(self.password, safe='')}@{host}:{self.port}/{name}"

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Open an autocommitting connection."""
        return psycopg.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            dbname=self.database,
            sslmode=self.sslmode,
            options="",
            connect_timeout=10,
            autocommit=True,
        )
