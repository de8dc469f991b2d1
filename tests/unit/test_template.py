"""What the template database of a run of tests is filled with, as far as it goes without a database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sendoka.errors import SettingsError
from sendoka.http.client import Neon
from sendoka.testing.template import fill, migrations_of

if TYPE_CHECKING:
    from pathlib import Path

URL = "postgresql://u:p@127.0.0.1:1/db"


@pytest.mark.parametrize(
    ("settings", "folder", "expected"),
    [
        (None, "migrations", None),
        ("[project]\nname = 'x'\n", "migrations", None),
        ("[tool.sendoka]\n", "migrations", "migrations"),
        ("[tool.sendoka]\n", "elsewhere", None),
        ("[tool.sendoka]\nmigrations = 'db/changes'\n", "db/changes", "db/changes"),
        ("[tool.sendoka.rules]\n", "migrations", "migrations"),
    ],
)
def test_migrations_are_those_of_a_project_of_ours(
    tmp_path: Path, settings: str | None, folder: str, expected: str | None
) -> None:
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "0000_a.sql").write_text("select 1")
    if settings is not None:
        (tmp_path / "pyproject.toml").write_text(settings)
    assert migrations_of(tmp_path) == (tmp_path / expected if expected else None)


def test_a_folder_without_migrations_is_none(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.sendoka]\n")
    (tmp_path / "migrations").mkdir()
    assert migrations_of(tmp_path) is None


def test_settings_that_are_wrong_say_so(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.sendoka]\nmigration = 'x'\n")
    with pytest.raises(SettingsError, match="did you mean 'migrations'"):
        migrations_of(tmp_path)


async def test_the_function_gets_a_client_and_a_loop_of_its_own() -> None:
    loops = [asyncio.get_running_loop()]
    clients: list[Neon] = []

    async def function(sql: Neon) -> None:
        loops.append(asyncio.get_running_loop())
        clients.append(sql)

    fill(URL, function)
    fill(URL, clients.append)
    assert loops[0] is not loops[1]
    assert [type(client) for client in clients] == [Neon, Neon]


def test_what_the_function_raises_comes_out() -> None:
    with pytest.raises(ZeroDivisionError):
        fill(URL, lambda _: 1 / 0)
