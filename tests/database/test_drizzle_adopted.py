"""A database that drizzle's own migrator made, from a folder that drizzle-kit wrote, goes on with Sendoka.

It is adopted, changed by the next migration, and checked: the files from nothing, and the live database. With the
drizzle of today, which keeps a journal, and with the 1.0 that is to come, whose folders and table differ.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.cli._group import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.local import Postgres, Server

pytestmark = pytest.mark.peers

SCHEMA = """
import { sql } from 'drizzle-orm'
import {
  check, index, integer, jsonb, pgEnum, pgTable, text, timestamp, uniqueIndex, varchar,
} from 'drizzle-orm/pg-core'

const step = Number(process.env.STEP)
export const plan = pgEnum('plan', step > 1 ? ['free', 'team', 'company'] : ['free', 'team'])
export const orgs = pgTable('orgs', {
  id: varchar({ length: 32 }).primaryKey(),
  name: text().notNull(),
  plan: plan().notNull().default('free'),
  settings: jsonb().notNull().default({ theme: 'dark' }),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
}, (t) => [
  index('orgs_created_at_id').on(t.createdAt, t.id),
  ...(step > 1 ? [check('orgs_named', sql`${t.name} <> ''`), uniqueIndex('orgs_lower').on(sql`lower(${t.name})`)] : []),
])
export const members = step < 2 ? undefined : pgTable('members', {
  id: varchar({ length: 32 }).primaryKey(),
  orgId: varchar('org_id', { length: 32 }).references(() => orgs.id, { onDelete: 'cascade' }),
  seats: integer().notNull().default(1),
})
export const seeds = pgTable('seeds', { file: text() })
"""
CONFIGURED = "--config=drizzle.config.mjs"
CONFIG = "export default { dialect: 'postgresql', schema: './schema.mjs', out: './out' }\n"
MIGRATOR = """
import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { migrate } from 'drizzle-orm/neon-http/migrator'

neonConfig.fetchEndpoint = process.env.ENDPOINT
await migrate(drizzle({ client: neon(process.env.URL) }), { migrationsFolder: './out' })
"""


@dataclass
class Drizzle:
    """A project that uses drizzle; its packages are in a folder above."""

    folder: Path
    packages: Path
    environment: dict[str, str]

    def kit(self, *arguments: str, step: int) -> None:
        self.node(
            str(self.packages / "node_modules" / "drizzle-kit" / "bin.cjs"), *arguments, CONFIGURED, STEP=str(step)
        )

    def node(self, *arguments: str, **more: str) -> None:
        environment = {**os.environ, **self.environment, **more}
        done = subprocess.run(
            ["node", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    @property
    def files(self) -> list[Path]:
        """The migrations, oldest first, in either layout."""
        return sorted({*(self.folder / "out").glob("*.sql"), *(self.folder / "out").glob("*/migration.sql")})


@pytest.fixture(params=["peers", "next_peers"])
def drizzle(request: pytest.FixtureRequest, server: Server, database_url: str) -> Iterator[Drizzle]:
    """A project of three migrations, two of which are run; the third is a seed of a person's own."""
    packages: Path = request.getfixturevalue(request.param)
    with tempfile.TemporaryDirectory(dir=packages) as folder:
        told = {"URL": database_url, "ENDPOINT": f"http://localhost:{server.port}/sql"}
        project = Drizzle(Path(folder), packages, told)
        for name, text in (("schema.mjs", SCHEMA), ("drizzle.config.mjs", CONFIG), ("migrate.mjs", MIGRATOR)):
            (project.folder / name).write_text(text, encoding="utf-8")
        project.kit("generate", "--name=first", step=1)
        project.kit("generate", "--name=second", step=2)
        project.node("migrate.mjs")
        project.kit("generate", "--custom", "--name=third", step=2)
        project.files[-1].write_text("INSERT INTO seeds VALUES ('third');\n", encoding="utf-8")
        yield project


class Sendoka:
    """The command line, in this process: two dozen starts of one would take as long as all the rest."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: str, status: int = 0) -> str:
        found = run(arguments)
        said = "".join(self.capsys.readouterr())
        assert found == status, said
        return said


def test_a_folder_and_a_database_of_drizzle_s_are_adopted_continued_and_verified(
    drizzle: Drizzle,
    postgres: Postgres,
    database_url: str,
    direct: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    sendoka, scratch = Sendoka(capsys), f"--scratch={postgres.databases.admin.url}"
    adopt = ("adopt", f"--drizzle={drizzle.folder / 'out'}", scratch)
    sendoka("pull")
    said = sendoka(*adopt, status=1)
    assert "third here yet" in said
    assert "run drizzle's migrator once more" in said
    assert direct.execute("select to_regnamespace('sendoka')::text").fetchall() == [(None,)]
    drizzle.node("migrate.mjs")
    noted = direct.execute("select * from drizzle.__drizzle_migrations order by id").fetchall()
    assert len(noted) == 3
    told = json.loads(sendoka(*adopt, "--json"))
    assert (told["noted"], told["pending"]) == (["0000_baseline"], [])
    assert told["adopted"]["name"].endswith("third")
    assert "nothing to do" in sendoka("migrate")
    orgs = tmp_path / "schema" / "orgs.py"
    orgs.write_text(
        orgs.read_text("utf-8").replace("metadata,\n", 'metadata,\n    Column("size", Text),\n', 1), "utf-8"
    )
    sendoka("generate", "--name=size")
    assert "0001_size" in sendoka("migrate")
    assert "nothing found" in sendoka("check", "--history", "--drift", "--replay", scratch)
    assert direct.execute("select name, state from sendoka.migrations order by seq").fetchall() == [
        ("0000_baseline", "applied"),
        ("0001_size", "applied"),
    ]
    # drizzle has nothing to do there either: both may be deployed while the one gives way to the other.
    drizzle.node("migrate.mjs")
    assert direct.execute("select * from drizzle.__drizzle_migrations order by id").fetchall() == noted
    assert direct.execute("select * from seeds").fetchall() == [("third",)]
