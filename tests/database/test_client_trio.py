"""The tests of the client once more, each under trio: the same functions, over httpx, in trio's own event loop."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

import trio

from sendoka import neon
from tests.database import test_client

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LEAST = 14
"""How many tests there are at least: a change of their shape must not leave this file without any."""


def under_trio(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Return the test as a plain function that makes its `sql` itself, by default, and runs it in `trio.run`."""

    @functools.wraps(test)
    def run(database_url: str, **others: Any) -> None:
        async def main() -> None:
            async with neon(database_url) as sql:
                await test(sql=sql, **others)
                assert set(sql._transports._made) == {"httpx"}

        trio.run(main)

    given = inspect.signature(test).parameters
    names = ["database_url", *(name for name in given if name not in {"sql", "database_url"})]
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # what pytest takes its fixtures from
        [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names]
    )
    del run.__wrapped__  # which pytest would look at instead
    return run


def uses_asyncio(test: Callable[..., Any]) -> bool:
    """Tell whether the test itself is written for asyncio, as one that runs statements side by side may be."""
    inner = [constant for constant in test.__code__.co_consts if inspect.iscode(constant)]
    return any("asyncio" in code.co_names for code in (test.__code__, *inner))


TESTS = {
    name: under_trio(test)
    for name, test in vars(test_client).items()
    if name.startswith("test_")
    and inspect.iscoroutinefunction(test)
    and "sql" in inspect.signature(test).parameters
    and not uses_asyncio(test)
}
assert len(TESTS) >= LEAST, sorted(TESTS)
globals().update(TESTS)
