"""The native transport on uvloop: the tests of its bytes and of its pool that depend on the event loop, once more."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit import test_native_connections, test_native_ends, test_pool
from tests.unit.test_native_ends import served

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["served"]

uvloop = pytest.importorskip("uvloop")

AGAIN = (
    test_native_connections.test_a_connection_that_cannot_be_trusted_is_not_used_again,
    test_native_connections.test_bytes_that_the_loop_has_not_yet_seen_are_seen_at_checkout,
    test_native_ends.test_a_body_that_was_not_taken_whole_never_arrives,
    test_native_ends.test_a_body_that_is_taken_slowly_is_unknown_once_it_is_taken,
    test_native_ends.test_a_connection_cut_while_a_large_body_is_written_is_not_sent,
    test_native_ends.test_an_answer_may_overtake_its_request,
    test_native_ends.test_under_tls_too_one_connection_serves_all_and_what_is_lost_is_unknown,
    test_native_ends.test_an_idle_close_that_races_a_write,
    test_pool.test_a_thousand_tasks_share_the_connections_there_may_be,
    test_pool.test_a_call_cancelled_at_any_step_leaves_nothing_behind,
    test_pool.test_each_of_many_deadlines_passes_at_its_own_time,
)


def on_uvloop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Return the test as a plain function that runs in an event loop of uvloop."""

    @functools.wraps(test)
    def run(*args: Any, **others: Any) -> None:
        async def main() -> None:
            assert "uvloop" in type(asyncio.get_running_loop()).__module__
            await test(*args, **others)

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())

    return run


globals().update({test.__name__: on_uvloop(test) for test in AGAIN})
