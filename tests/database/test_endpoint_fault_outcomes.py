"""No fault may make the client say what is not so: what an error claims to have run, against what the table holds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import Retry, errors, neon
from sendoka.local.kinds import KINDS

if TYPE_CHECKING:
    import psycopg

    from sendoka.local import Endpoint

SECONDS = 0.05
NOTHING_RAN = {"not_sent", "refused", "failed"}


@pytest.mark.parametrize("way", ["alone", "by chance"])
@pytest.mark.parametrize("batch", [True, False], ids=["batch", "single"])
async def test_an_outcome_agrees_with_the_table(
    database_url: str, endpoint: Endpoint, direct: psycopg.Connection[Any], way: str, batch: bool
) -> None:
    direct.execute("create table t (kind text)")
    direct.execute("grant all on t to public")
    told = {}
    async with neon(database_url, retry=Retry(attempts=1)) as sql:
        for kind in KINDS.keys() - {"random"}:
            options: dict[str, Any] = {"seconds": SECONDS} if "seconds" in KINDS[kind].options else {}
            if way == "by chance":
                endpoint.faults.add("random", rate=1, times=1, kinds=[kind], seed=1, seconds=SECONDS)
            else:
                endpoint.faults.add(kind, **options)  # type: ignore[arg-type]
            insert = sql("insert into t values ($1)", kind)
            try:
                await (sql.transaction([insert]) if batch else insert)
            except errors.SendokaError as error:
                told[kind] = str(getattr(error, "outcome", None))
            else:
                told[kind] = "done"
    await asyncio.sleep(4 * SECONDS)  # for what comes late
    ran = {kind for (kind,) in direct.execute("select kind from t").fetchall()}
    assert [kind for kind in told if told[kind] in NOTHING_RAN and kind in ran] == []
    assert [kind for kind in told if told[kind] == "done" and kind not in ran] == []
    assert told["json_string"] == "refused"
    assert told["connection_closed"] == "unknown"
