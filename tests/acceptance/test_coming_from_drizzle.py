"""The page for those who come from drizzle, done as it says, with a database that drizzle's migrations made."""

from __future__ import annotations

import json
from hashlib import sha256
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
    (folder / "meta" / "_journal.json").write_text(
        json.dumps({"entries": [{"tag": name, "when": when} for when, name in enumerate(HISTORY, 1)]})
    )
    direct.execute("create schema drizzle")
    direct.execute("grant usage on schema drizzle to public")
    direct.execute("create table drizzle.__drizzle_migrations (id serial primary key, hash text, created_at bigint)")
    direct.execute("grant select on drizzle.__drizzle_migrations to public")
    for when, (name, text) in enumerate(HISTORY.items(), 1):
        row = (sha256(text.encode()).hexdigest(), when)
        direct.execute("insert into drizzle.__drizzle_migrations (hash, created_at) values (%s, %s)", row)
        (folder / f"{name}.sql").write_text(text)
        for statement in text.split("--> statement-breakpoint"):
            direct.execute(statement)
    project = Project(tmp_path, database_url)
    printed = {line: project.run(line) for line in commands(SHELL)}
    assert (tmp_path / "schema" / "orgs.py").is_file()
    assert "no difference" in printed["sendoka diff --from drizzle --to schema"]
    assert "noted as applied, and not run: 0000_baseline" in printed["sendoka adopt --drizzle drizzle"]
    assert "-- adopts: drizzle.__drizzle_migrations 0001_pink_devos" in (
        tmp_path / "migrations" / "0000_baseline.sql"
    ).read_text(encoding="utf-8")
    assert "nothing to do" in printed["sendoka migrate"]
    noted = json.loads(project.run("sendoka adopt --json"))
    assert (noted["already"], noted["noted"]) == (True, ["0000_baseline"])
    assert "is not NAMESPACE.TABLE" in project.run("sendoka adopt --drizzle-table drizzle", status=2)
    direct.execute('ALTER TABLE "orgs" ADD COLUMN "beside" text')
    drifted = project.run("sendoka diff --from drizzle --to schema --check")
    assert "no difference" in drifted
    project.run("sendoka pull --force")
    assert 'ADD COLUMN "beside"' in project.run("sendoka diff --from drizzle --to schema --check", status=1)
