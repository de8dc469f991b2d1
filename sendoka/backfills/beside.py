"""Tasks that go on beside what their owner does, and end with it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from anyio.abc import TaskGroup

__all__ = ["beside"]


@asynccontextmanager
async def beside() -> AsyncIterator[TaskGroup]:
    """Give a group whose tasks are cancelled where the body ends; what the body raises is raised as it is."""
    failure: BaseException | None = None
    async with anyio.create_task_group() as group:
        try:
            yield group
        except (Exception, KeyboardInterrupt, SystemExit) as error:  # noqa: BLE001 - the group would wrap it
            failure = error
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure
