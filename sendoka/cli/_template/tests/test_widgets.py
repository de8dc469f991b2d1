"""The example's tests: one on a real PostgreSQL behind Neon's protocol, one on a mock. Nothing has to be running."""

from pathlib import Path

from sendoka import Json, Neon, Row, migrate, neon, new_id
from sendoka.local import serve
from sendoka.testing import NeonMock

MIGRATIONS = Path(__file__).parents[1] / "migrations"

NEWEST = "select id, name from widgets where owner = $1 order by created_at desc, id desc limit 10"


async def newest_widgets(sql: Neon, owner: str) -> list[Row]:
    """Stands for code of yours: it takes a client, whatever is behind it."""
    return await sql(NEWEST, owner)


async def test_the_newest_widget_comes_first() -> None:
    async with serve() as server, neon(server.connection_string()) as sql:
        await migrate(sql, MIGRATIONS)
        for name in ("lamp", "desk"):
            await sql(
                "insert into widgets (id, owner, name, config) values ($1, $2, $3, $4)",
                *(new_id("wgt"), "ada", name, Json({"color": "blue", "size": 1})),
            )
        assert [row.name for row in await newest_widgets(sql, "ada")] == ["desk", "lamp"]


async def test_only_the_owner_is_asked_for() -> None:
    with NeonMock() as mock:
        mock.on(NEWEST).rows({"id": "wgt_1", "name": "lamp"})
        rows = await newest_widgets(mock.client(), "ada")
    assert [row.name for row in rows] == ["lamp"]
    assert mock.statements[0].params == ("ada",)
