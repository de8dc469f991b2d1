"""The header lines that say who asks, made once, or anew for each send where a password or token is a function."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from sendoka import __version__
from sendoka.database.secret import Secret
from sendoka.errors import ConnectFailed, SettingsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sendoka.http.target import Target, Where
    from sendoka.http.transport import Timing

    Headers = tuple[tuple[str, str], ...]

__all__ = ["Credentials"]

# What a header line can carry, and a token has to be.
_TOKEN = re.compile(r"[!-~]+")


class Credentials:
    """Who asks `target`. `fixed` are the header lines where they never change, else None. No repr shows a secret."""

    __slots__ = ("_password", "_target", "_token", "fixed")

    def __init__(self, target: Target, where: Where) -> None:
        self._target = target
        self._password = where.password if callable(where.password) else None
        self._token: Callable[[], str | Awaitable[str]] | Secret | None = (
            Secret(where.token) if isinstance(where.token, str) else where.token
        )
        self.fixed: Headers | None = None
        _check(where, "password")
        _check(where, "token")
        if isinstance(self._token, Secret) and not _TOKEN.fullmatch(self._token.text):
            what = "holds what no token does: it is printable ASCII without white space"
            raise SettingsError(f"token= {what if self._token.text else 'is empty'}")
        if self._password is None and not callable(self._token):
            self.fixed = _headers(target.connection_string, self._token)

    async def headers(self, timing: Timing) -> Headers:
        """Return the header lines for the next send.

        Raises ConnectFailed, and nothing was sent, where a function failed, took longer than `timing` allows, or
        returned what cannot be used.
        """
        if self.fixed is not None:
            return self.fixed
        login, token = self._target.login, self._token
        if self._password is not None and token is None:
            login = replace(login, password=(await _ask("password", self._password, timing)).text)
        elif callable(token):
            token = await _ask("token", token, timing)
            if not _TOKEN.fullmatch(token.text):
                raise _unusable("token", "what it returned is no token: printable ASCII without white space")
        return _headers(login.text, token)


def _check(where: Where, name: str) -> None:
    cls = type(getattr(where, name))  # no name for what it is: it may be a secret of a wrong type
    if not (issubclass(cls, str | None) or callable(getattr(where, name))):
        raise SettingsError(f"{name}= is text or a function, not of type {cls.__name__}")


def _headers(connection_string: str, token: Secret | None) -> Headers:
    return (
        ("Neon-Connection-String", connection_string),
        *((("Authorization", f"Bearer {token.text}"),) if token is not None else ()),
        ("Neon-Raw-Text-Output", "true"),
        ("Neon-Array-Mode", "true"),
        ("Content-Type", "application/json"),
        ("Accept", "application/json"),
        ("User-Agent", f"sendoka/{__version__}"),
    )


async def _ask(name: str, supply: Callable[[], str | Awaitable[str]], timing: Timing) -> Secret:
    """Call the function and wait for what it promises, if it does."""
    answer: object
    try:
        answer = supply()
        if inspect.isawaitable(answer):
            answer = await _in_time(answer, timing)
    except TimeoutError as error:
        raise _unusable(name, "it did not return in time") from error
    except Exception as error:
        raise _unusable(name, f"it raised {type(error).__name__}") from error
    if not isinstance(answer, str) or not answer:
        raise _unusable(name, f"it returned {'nothing' if not answer else type(answer).__name__}, not text")
    try:
        answer.encode()
    except UnicodeEncodeError:
        answer = ""  # no traceback is to show it
        raise _unusable(name, "what it returned is not UTF-8") from None
    return Secret(answer)


async def _in_time(answer: Awaitable[object], timing: Timing) -> object:
    # anyio, so that it waits in the way of whichever event loop runs; only who hands over a coroutine pays for it.
    import anyio

    with anyio.fail_after(timing.left()):
        return await answer


def _unusable(name: str, why: str) -> ConnectFailed:
    return ConnectFailed(f"the function given as {name}= failed: {why}", passing=False, where="nothing was sent")
