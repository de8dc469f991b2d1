"""While a step runs, the collector of garbage leaves alone what was there before; the form in SQL has no need of it."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from sendoka.backfills import run
from tests.fixtures.backfills import in_python, in_sql, make_messages

if TYPE_CHECKING:
    from sendoka import Neon
    from sendoka.backfills import Backfill


@pytest.mark.parametrize(("form", "settled"), [(in_sql, False), (in_python, True)], ids=["sql", "python"])
async def test_what_was_there_is_left_alone_while_a_step_runs(sql: Neon, form: Backfill, settled: bool) -> None:
    await make_messages(sql, 20)
    frozen: list[bool] = []
    report = await run(sql, form, batch_size=10, on_progress=lambda _: frozen.append(gc.get_freeze_count() > 0))
    assert report.done
    assert set(frozen) == {settled}
    assert gc.get_freeze_count() == 0
