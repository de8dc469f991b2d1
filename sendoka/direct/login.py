"""Where `Direct` connects to: a connection string read once and never shown, and the connections made with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from sendoka.database.secret import Secret
from sendoka.direct.connection import Connection, reported
from sendoka.errors import ConnectFailed, Outcome, SendokaError, SettingsError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

__all__ = ["Login"]

_SCHEMES = ("postgresql", "postgres", "postgresql+asyncpg", "postgres+asyncpg")
_CONNECT_SECONDS = 30.0


class Login:
    """A connection string; `shown` is what of it may be shown. Raises SettingsError for what is none."""

    def __init__(self, url: Secret, application_name: str) -> None:
        parts = _parts(url)
        if parts is None:
            raise SettingsError(
                "the connection string is not a postgresql:// URL",
                todo="write postgresql://user:password@host:5432/database; encode @ : / ? # % in the password",
            )
        self.shown = f"{parts.hostname or ''}{parts.path}"
        named = "application_name" in parse_qs(parts.query)
        self._settings = {} if named else {"application_name": application_name}
        del parts
        self._url = Secret(url.text.replace("+asyncpg", "", 1))

    async def connect(self) -> Connection:
        """Open a connection that speaks text. Raises ConnectFailed, DatabaseError, or SettingsError."""
        asyncpg = _asyncpg()
        raw = await self._opened(asyncpg)
        if isinstance(raw, SendokaError):
            raise raw
        connection = Connection(raw, asyncpg)
        try:
            await connection.know_types()
        except BaseException as error:
            await connection.close()
            if isinstance(error, connection.failures):
                raise self._failed(error) from None
            raise
        return connection

    def _failed(self, error: BaseException) -> ConnectFailed:
        why = str(error) or type(error).__name__
        return ConnectFailed(f"no connection to Postgres: {why}", where=f"connecting to {self.shown}")

    async def _opened(self, asyncpg: Any) -> Any:
        """Return asyncpg's connection, or our error: raised from here, asyncpg's frames with the URL would come too."""
        try:
            return await asyncpg.connect(
                self._url.text, statement_cache_size=0, timeout=_CONNECT_SECONDS, server_settings=self._settings
            )
        except (OSError, TimeoutError, asyncpg.PostgresConnectionError) as error:
            failed = self._failed(error)
            failed.__cause__ = error.with_traceback(None)
            failed.__cause__.__context__ = None
            return failed
        except asyncpg.PostgresError as error:
            return reported(error, None, Outcome.REFUSED)
        except (ValueError, asyncpg.InterfaceError):  # its text may hold the connection string
            return SettingsError("asyncpg cannot use the connection string", where=f"connecting to {self.shown}")


def _parts(url: Secret) -> SplitResult | None:
    try:
        parts = urlsplit(url.text)
        _ = parts.port
        valid = parts.scheme in _SCHEMES and bool(parts.hostname or parts.query)
    except ValueError:
        return None
    return parts if valid else None


def _asyncpg() -> Any:
    try:
        import asyncpg
    except ImportError as error:
        raise SettingsError("Postgres over TCP needs asyncpg", todo='pip install "sendoka[direct]"') from error
    return asyncpg
