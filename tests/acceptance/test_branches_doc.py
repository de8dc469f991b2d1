"""The recipe for a branch, done as it says; a copy of the database and `tests/fixtures/control_plane.py` stand in."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.test_readme import apply_migrations
from tests.documents import ROOT, blocks_of

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from sendoka.local.postgres import Postgres
    from tests.fixtures.project import Project

    Direct = psycopg.Connection[Any]

SHELL = blocks_of("docs/branches.md", language="sh")
(VERIFY,) = blocks_of("docs/branches.md", language="python")
STAND_IN = ROOT / "tests" / "fixtures" / "control_plane.py"

ROWS = """
insert into orgs (id, name, slug) values ('org_a', 'Ant', 'ant');
insert into tenants (id, org_id, name) values ('ten_a', 'org_a', 'Default');
update orgs set default_tenant_id = 'ten_a';
insert into messages (id, org_id, sender, recipient) values ('m', 'org_a', 'a@b.test', 'c@d.test');
update sendoka.facts set value = 'production' where name = 'mark';
insert into sendoka.facts (name, value) values ('mark', 'production') on conflict (name) do nothing;
"""
PENDING = "insert into orgs (id, name, slug) values ('org_b', 'Bee', 'bee');\n"
IN_PRODUCTION = "select (select count(*) from orgs), (select count(*) from messages where tenant_id is null)"


@pytest.fixture
def production(
    project: Project, database_url: str, direct: Direct, postgres: Postgres, tmp_path: Path, monkeypatch: Any
) -> Project:
    """The application with a migration that is not applied to its database, in production."""
    apply_migrations(database_url)
    direct.execute(ROWS)
    project.run("sendoka generate --custom --name add_bee")
    (file,) = (project.folder / "migrations").glob("*_add_bee.sql")
    header = file.read_text(encoding="utf-8").splitlines()[:2]
    file.write_text("\n".join([*header, "", PENDING]), encoding="utf-8")
    (project.folder / "verify.py").write_text(VERIFY.code, encoding="utf-8")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("neonctl", "curl"):
        (programs / name).write_text(f"#!{sys.executable}\n{STAND_IN.read_text(encoding='utf-8')}", encoding="utf-8")
        (programs / name).chmod(0o755)
    for name, value in {
        "PARENT": database_url,
        "ADMIN": postgres.databases.admin.url,
        "NEON_API_KEY": "key-1",
        "NEON_PROJECT_ID": "shop-1",
    }.items():
        monkeypatch.setenv(name, value)
    return project


def shell(project: Project, line: str) -> str:
    """Run a line in a shell, which must end well; return what it printed."""
    environment = project.environment()
    environment["PATH"] = f"{project.folder.parent / 'programs'}:{environment['PATH']}"
    done = subprocess.run(
        ["sh", "-c", line], cwd=project.folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{line}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def is_gone(direct: Direct, database: str) -> bool:
    return direct.execute("select 1 from pg_database where datname = %s", (f"{database}_try_tenants",)).fetchall() == []


def test_the_recipe_by_hand(production: Project, direct: Direct, database: str, postgres: Postgres) -> None:
    direct.close()  # as a copy wants it; the stand-in would end it
    told: dict[str, str] = {}
    for block in SHELL[:4]:
        for line in block.code.splitlines():
            told[line] = shell(production, line)
        if "sendoka migrate" in block.code:
            told["verify"] = shell(production, "python verify.py")
    assert "is marked production" in told["sendoka mark"]
    assert f"{database}_try_tenants at localhost" in told["sendoka status"]
    assert "from .env.local" in told["sendoka status"]
    assert "applied 0001_add_bee in " in told["sendoka migrate"]
    assert "done" in told["sendoka backfill status"]
    assert "nothing found" in told["sendoka check --history --drift"]
    assert not (production.folder / ".env.local").exists()
    with postgres.databases.admin.to(database).connect() as connection:
        assert connection.execute(IN_PRODUCTION).fetchall() == [(1, 1)], "production is what it was"
        assert is_gone(connection, database)


def test_the_recipe_by_the_api(production: Project, direct: Direct, database: str, postgres: Postgres) -> None:
    direct.close()
    (block,) = SHELL[4:]
    told = [shell(production, line) for line in block.code.splitlines()]
    assert any("applied 0001_add_bee in " in each for each in told)
    with postgres.databases.admin.to(database).connect() as connection:
        assert connection.execute(IN_PRODUCTION).fetchall() == [(1, 1)]
        assert is_gone(connection, database)
