"""The guide, done as it says, from the schema to the backfills."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import neon, new_id
from sendoka.backfills import run as run_backfill
from sendoka.cli._group import run as sendoka
from tests.acceptance.test_readme import apply_migrations, commands, execute, loaded
from tests.documents import ROOT, blocks_of

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.backfills import Backfill
    from tests.documents import Block
    from tests.fixtures.project import Project

PYTHON = blocks_of("docs/guide.md", language="python")
SHELL = blocks_of("docs/guide.md", language="sh")
SQL = blocks_of("docs/guide.md", language="sql")


def test_the_commands_do_what_they_say(project: Project, tmp_path: Path) -> None:
    (gadgets,) = [block for block in PYTHON if block.code.startswith("# schema/gadgets.py")]
    (project.folder / "schema" / "gadgets.py").write_text(gadgets.code, encoding="utf-8")
    printed = {}
    for line in commands(SHELL):
        if line.startswith("pip install"):
            continue  # tests/acceptance/test_wheel.py installs what would be on the index
        if line.startswith("sendoka dev"):
            project.stop()
            project.url = project.dev(line)
        elif line == "sendoka init":
            empty = tmp_path / "empty"
            empty.mkdir()
            type(project)(empty).run(line)
        else:
            printed[line] = project.run(line)
    assert "0000_eager_violet to 0003_first_org" in printed["sendoka squash"]
    assert "0001_add_gadgets" in printed["sendoka generate --name add_gadgets"]


def test_help_is_what_the_guide_shows(project: Project) -> None:
    text = (ROOT / "docs/guide.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- sendoka --help -->\n```text\n(.*?)```\n<!-- /", text, re.DOTALL)
    assert shown is not None
    assert shown[1] == project.run("sendoka --help")


def test_pages(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    apply_migrations(database_url)
    monkeypatch.setenv("DATABASE_URL", database_url)
    (block,) = [block for block in PYTHON if "await paginate(" in block.code]
    execute(block.code)


@pytest.mark.parametrize("block", [block for block in PYTHON if "sendoka.backfills" in block.code], ids=str)
def test_both_forms_of_a_backfill(block: Block, database_url: str, tmp_path: Path) -> None:
    apply_migrations(database_url)
    assert asyncio.run(run_over_ten_messages(database_url, loaded(block, tmp_path))) == 10


def test_seeds_ride_in_a_migration_and_a_file_waits_for_its_backfill(
    project: Project,
    database_url: str,
    direct: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(project.folder)
    monkeypatch.setenv("DATABASE_URL", database_url)
    seeds, waiting = (block.code for block in SQL if "first_org" in block.code)
    first = custom(project, "first_org", seeds.replace("'ten_house', 'org_house', 'Default'", "'ten', 'gone', ''"))
    assert sendoka(["migrate"]) == 3
    assert "statement 2 of 3: INSERT INTO tenants" in capsys.readouterr().err
    assert direct.execute("select count(*) from orgs").fetchall() == [(0,)], "what came before it is undone as well"
    first.write_text(
        first.read_text(encoding="utf-8").replace("'ten', 'gone', ''", "'ten_house', 'org_house', 'Default'")
    )
    assert sendoka(["migrate"]) == 0
    found = "select o.name, t.name from orgs o join tenants t on t.id = o.default_tenant_id"
    assert direct.execute(found).fetchall() == [("House", "Default")]
    direct.execute("insert into messages (id, org_id, sender, recipient) values ('m', 'org_house', 'a@b.c', 'd@e.f')")
    custom(project, "with_tenants", waiting)
    capsys.readouterr()
    assert sendoka(["migrate"]) == 3
    told = capsys.readouterr().err
    assert "the backfill message_tenants is not done: it was never run here" in told
    assert "`sendoka backfill run message_tenants`, then migrate again" in told
    assert sendoka(["backfill", "run", "message_tenants"]) == 0
    assert sendoka(["migrate"]) == 0
    assert direct.execute("select tenant_id from messages").fetchall() == [("ten_house",)]


def custom(project: Project, name: str, shown: str) -> Path:
    """Return a new migration with the body, and the directives, that the guide shows."""
    assert sendoka(["generate", "--custom", "--name", name]) == 0
    (file,) = (project.folder / "migrations").glob(f"*_{name}.sql")
    header = file.read_text(encoding="utf-8").splitlines()[:2]
    file.write_text("\n".join([*header, *shown.splitlines()[2:]]) + "\n", encoding="utf-8")
    return file


async def run_over_ten_messages(url: str, backfill: Backfill) -> int:
    """Write an org whose tenant is called after it, with ten messages, and run the backfill over them."""
    org = new_id("org")
    tenant = "ten_" + org.removeprefix("org_")
    message = "insert into messages (id, org_id, sender, recipient) values ($1, $2, 'a@b.test', 'c@d.test')"
    async with neon(url, transport="native") as sql:
        await sql.transaction(
            [
                sql("insert into orgs (id, name, slug) values ($1, 'Acme', md5(random()::text))", org),
                sql("insert into tenants (id, org_id, name) values ($1, $2, 'Default')", tenant, org),
                sql("update orgs set default_tenant_id = $1 where id = $2", tenant, org),
                *[sql(message, new_id("msg"), org) for _ in range(10)],
            ]
        )
        assert (await run_backfill(sql, backfill)).done
        return int(await sql("select count(*) from messages where tenant_id = $1", tenant).value())
