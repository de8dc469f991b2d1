"""The example's tests: one on a real PostgreSQL behind Neon's protocol, one on a mock. Nothing has to be running."""

from sendoka import Json, Neon, Row, new_id
from sendoka.testing import NeonMock

NEWEST = "select id, name from widgets where owner = $1 order by created_at desc, id desc limit 10"


async def newest_widgets(sql: Neon, owner: str) -> list[Row]:
    """Stands for code of yours: it takes a client, whatever is behind it."""
    return await sql(NEWEST, owner)


async def test_the_newest_widget_comes_first(sendoka_sql: Neon) -> None:
    # A database of this test's own, with the migrations applied.
    for name in ("lamp", "desk"):
        await sendoka_sql(
            "insert into widgets (id, owner, name, config) values ($1, $2, $3, $4)",
            *(new_id("wgt"), "ada", name, Json({"color": "blue", "size": 1})),
        )
    assert [row.name for row in await newest_widgets(sendoka_sql, "ada")] == ["desk", "lamp"]


async def test_only_the_owner_is_asked_for(neon_mock: NeonMock) -> None:
    neon_mock.on(NEWEST, "ada").rows({"id": "wgt_1", "name": "lamp"})
    assert [row.name for row in await newest_widgets(neon_mock.client(), "ada")] == ["lamp"]
