"""`sendoka squash` as a person gives it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fixtures.project import Project


def test_the_application_s_migrations_become_one_that_check_and_migrate_take(
    project: Project, database_url: str
) -> None:
    project.url = database_url
    project.run("sendoka generate --custom --name seeds")
    project.run("sendoka migrate")
    before = sorted(path.name for path in (project.folder / "migrations").glob("*.sql"))
    dry = project.run("sendoka squash --dry-run --name start")
    assert f"stands for {len(before)} files" in dry
    assert "nothing was written" in dry
    assert sorted(path.name for path in (project.folder / "migrations").glob("*.sql")) == before
    told = json.loads(project.run("sendoka squash --name start --json"))
    assert told["replaced"] == [name.removesuffix(".sql") for name in before]
    assert [path.name for path in (project.folder / "migrations").glob("*.sql")] == [f"{told['migration']}.sql"]
    assert "nothing found" in project.run("sendoka check")
    assert "nothing to do" in project.run("sendoka migrate")
    assert "nothing to generate" in project.run("sendoka generate")
    assert "there is nothing to squash" in project.run("sendoka squash", status=1)
    assert "--to owl: there is no such migration" in project.run("sendoka squash --to owl", status=2)
