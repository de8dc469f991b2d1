"""A rebased folder migrates; a file that the database has applied is never moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from sendoka import migrate, neon

if TYPE_CHECKING:
    import pytest

    from tests.fixtures.branches import Branches


def applied(branches: Branches, url: str) -> tuple[str, ...]:
    """Apply what is pending, and return the names."""

    async def work() -> tuple[str, ...]:
        async with neon(url, transport="native") as sql:
            return tuple(each.name for each in (await migrate(sql, branches.migrations)).applied)

    return anyio.run(work)


async def tables(url: str) -> list[str]:
    """Return the names of the tables that a database has."""
    async with neon(url, transport="native") as sql:
        found = await sql("select tablename from pg_tables where schemaname = 'public' order by 1")
        return [str(row[0]) for row in found]


def test_what_is_applied_stays_and_the_rest_follows_and_migrates(
    branches: Branches, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    branches.git("checkout", "-q", "-b", "other")
    branches.git("branch", "-D", "-q", "main")  # the database alone tells which side stays
    branches.git("branch", "start")
    branches.table("a")
    branches.generate("a")
    branches.commit()
    assert applied(branches, database_url) == ("0000_base", "0001_a")
    branches.git("checkout", "-q", "-b", "feature", "start")
    branches.table("b")
    branches.generate("b")
    branches.commit()
    branches.merge("other")
    said = branches("rebase", "--keep", "0001_b", status=1)
    assert "0001_b.sql cannot stay where it is: 0001_a.sql is applied in the database at " in said
    data = branches.data("rebase")
    assert data["kept"] == "0001_a"
    (note,) = data["notes"]
    assert note.startswith("nothing that moves is applied at ")
    assert "DATABASE_URL from the environment" in note
    assert applied(branches, database_url) == ("0002_b",)
    assert "up to date" in branches("status")
    assert anyio.run(tables, database_url) == ["a", "b", "t"]


def test_a_branch_that_was_applied_cannot_move(
    branches: Branches, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    branches.side("feature")
    branches.table("b")
    branches.generate("b")
    branches.commit()
    applied(branches, database_url)
    branches.git("checkout", "-q", "main")
    branches.table("a")
    branches.generate("a")
    branches.commit()
    branches.git("checkout", "-q", "feature")
    branches.merge("main")
    monkeypatch.setenv("DATABASE_URL", database_url)
    before = branches.files()
    said = branches("rebase", status=1)
    assert "neither side can be moved: " in said
    assert "0001_b.sql is applied in the database at " in said
    assert "0001_a.sql is on main" in said
    assert "--offline" in said
    assert branches.files() == before
    assert branches.data("rebase", "--offline", "--dry-run")["moves"] == [{"from": "0001_b", "to": "0002_b"}]
    monkeypatch.setenv("DATABASE_URL", "postgresql://a:secret-word@localhost:1/x")
    said = branches("rebase", status=3)
    assert "secret-word" not in said
    assert "--offline" in said
