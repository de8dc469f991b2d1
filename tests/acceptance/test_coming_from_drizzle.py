"""The page for those who come from drizzle, done as it says, with a database that drizzle's migrations made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.acceptance.test_readme import commands
from tests.documents import blocks_of
from tests.fixtures.project import Project

if TYPE_CHECKING:
    from pathlib import Path

SHELL = blocks_of("docs/coming-from-drizzle.md", language="sh")
HISTORY = {
    "0000_same_kat_farrell": (
        "CREATE TYPE \"public\".\"plan\" AS ENUM('free', 'team');--> statement-breakpoint\n"
        'CREATE TABLE "orgs" ("id" varchar(32) PRIMARY KEY NOT NULL, "plan" "plan" DEFAULT \'free\' NOT NULL);'
    ),
    "0001_pink_devos": (
        'ALTER TYPE "public"."plan" ADD VALUE \'company\';--> statement-breakpoint\n'
        'ALTER TABLE "orgs" ADD CONSTRAINT "orgs_plan" CHECK ("orgs"."id" <> \'\');'
    ),
}


def test_the_commands_move_a_project_over(tmp_path: Path, database_url: str, direct: Any) -> None:
    folder = tmp_path / "drizzle"
    (folder / "meta").mkdir(parents=True)
    (folder / "meta" / "_journal.json").write_text(json.dumps({"entries": [{"tag": name} for name in HISTORY]}))
    for name, text in HISTORY.items():
        (folder / f"{name}.sql").write_text(text)
        for statement in text.split("--> statement-breakpoint"):
            direct.execute(statement)
    project = Project(tmp_path, database_url)
    printed = {line: project.run(line) for line in commands(SHELL)}
    assert (tmp_path / "schema" / "orgs.py").is_file()
    assert "no difference" in printed["sendoka diff --from drizzle --to schema"]
    assert (tmp_path / "migrations" / "0000_baseline.sql").is_file()
    direct.execute('ALTER TABLE "orgs" ADD COLUMN "beside" text')
    drifted = project.run("sendoka diff --from drizzle --to schema --check")
    assert "no difference" in drifted
    project.run("sendoka pull --force")
    assert 'ADD COLUMN "beside"' in project.run("sendoka diff --from drizzle --to schema --check", status=1)
