"""The recipes for deployments, done as the page says; what stands in for other people's machines is listed there."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from tests.documents import ROOT, blocks_of
from tests.fixtures.project import Project

if TYPE_CHECKING:
    import psycopg

    from sendoka.local import Endpoint

    Direct = psycopg.Connection[Any]

PYTHON = blocks_of("docs/deployment.md", language="python")
SHELL = blocks_of("docs/deployment.md", language="sh")
YAML = blocks_of("docs/deployment.md", language="yaml")
MAKE = blocks_of("docs/deployment.md", language="make")

FILES = {block.code.partition("\n")[0].removeprefix("# "): block.code for block in (*PYTHON, *YAML)}
SEED = "insert into orgs (id, name, slug) values ('org_b', 'Bee', 'bee'), ('org_a', 'Ant', 'ant')"
NEWEST = max((ROOT / "migrations").glob("*.sql")).stem


@pytest.fixture
def shop(project: Project, database_url: str) -> Project:
    """The application with the page's files beside its folders, and a new database."""
    project.url = database_url
    for name in ("migrate.py", "start.py", "handler.py", "app.py"):
        (project.folder / name).write_text(FILES[name], encoding="utf-8")
    (project.folder / "Makefile").write_text("".join(block.code for block in MAKE), encoding="utf-8")
    return project


def at(direct: Direct) -> str:
    """Return the newest migration of the database."""
    ((name,),) = direct.execute("select name from sendoka.migrations order by seq desc limit 1").fetchall()
    return str(name)


def test_every_recipe_is_run_here() -> None:
    assert set(FILES) == {
        "migrate.py",
        "start.py",
        "handler.py",
        "app.py",
        ".github/workflows/deploy.yml",
    }
    assert len(MAKE) == len(SHELL) == 1


def test_a_script(shop: Project, direct: Direct, endpoint: Endpoint) -> None:
    first = shop.run("python migrate.py")
    assert f"applied {NEWEST} in " in first
    assert re.search(rf"{NEWEST} in [0-9.]+ s by us\n", first)
    assert at(direct) == NEWEST
    endpoint.requests = 0
    assert shop.run("python migrate.py") == f"at {NEWEST}\n"
    assert endpoint.requests == 1


def test_a_program_without_an_event_loop(shop: Project, direct: Direct, endpoint: Endpoint) -> None:
    assert shop.run("python start.py") == f"at {NEWEST}\n"
    assert at(direct) == NEWEST
    endpoint.requests = 0
    assert shop.run("python start.py") == f"at {NEWEST}\n"
    assert endpoint.requests == 1


# ------------------------------------------------------------------ Lambda

CALLS = """
import json, sys
from importlib.machinery import SourceFileLoader
compiled = []
compile_ = SourceFileLoader.source_to_code
SourceFileLoader.source_to_code = lambda self, data, path, **k: compiled.append(path) or compile_(self, data, path, **k)
import handler
answers = [handler.handler({"limit": limit}, None) for limit in (1, 10)]
print(json.dumps({"answers": answers, "compiled": compiled, "path": handler.__file__}))
"""


def pip_install(line: str, folder: Path) -> None:
    """Stand in for pip: copy Sendoka and the packages that it needs to run."""
    target = folder / line.split()[line.split().index("--target") + 1]
    for name in ("sendoka", "httptools"):
        found = importlib.util.find_spec(name)
        assert found is not None
        assert found.origin is not None
        shutil.copytree(Path(found.origin).parent, target / name, ignore=shutil.ignore_patterns("__pycache__"))


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the page's commands make of the application and its handler, unpacked as Lambda does it."""
    folder = tmp_path_factory.mktemp("function")
    (folder / "handler.py").write_text(FILES["handler.py"], encoding="utf-8")
    shutil.copytree(ROOT / "migrations", folder / "migrations")
    for line in SHELL[0].code.splitlines():
        if line.startswith("pip install"):
            pip_install(line, folder)
        else:
            subprocess.run(["sh", "-c", line], cwd=folder, env=Project(folder).environment(), check=True)
    place = folder / "unpacked"
    with zipfile.ZipFile(folder / "function.zip") as archive:
        archive.extractall(place)
    return place


def invoked(function: Path, url: str) -> subprocess.CompletedProcess[str]:
    """Start a sandbox that has `function` and the standard library, and call it twice."""
    kept = {"PATH": os.environ["PATH"], "DATABASE_URL": url, "AWS_LAMBDA_FUNCTION_NAME": "shop-orgs"}
    command = [sys.executable, "-S", "-B", "-c", CALLS]  # no site-packages, and nothing is written to the disk
    return subprocess.run(command, cwd=function, env=kept, capture_output=True, text=True, check=False)


def test_lambda(function: Path, database_url: str, direct: Direct, endpoint: Endpoint) -> None:
    done = invoked(function, database_url)
    assert done.returncode == 0, done.stderr
    assert at(direct) == NEWEST
    by = direct.execute("select distinct applied_by from sendoka.migrations").fetchall()
    assert by == [("neondb_owner, shop-orgs",)]
    direct.execute(SEED)
    endpoint.requests = 0
    told = json.loads(invoked(function, database_url).stdout)
    assert endpoint.requests == 3, "a cold start asks once, and each event once"
    assert told["compiled"] == [], "the byte code in the zip is what is run"
    one, both = (json.loads(each["body"]) for each in told["answers"])
    assert (one, both[1]) == ([{"id": "org_a", "name": "Ant"}], {"id": "org_b", "name": "Bee"})


def test_a_function_whose_migration_fails_serves_nothing(
    function: Path, database_url: str, endpoint: Endpoint, direct: Direct
) -> None:
    direct.execute("create table orgs ()")
    done = invoked(function, database_url)
    assert done.returncode == 1
    assert "MigrationFailed: 0000" in done.stderr
    assert "nothing of it remains in the database" in done.stderr
    assert "answers" not in done.stdout


# ------------------------------------------------------------------ a lifespan


async def served(app: Any, path: str) -> Any:
    """Start an application as a server does, ask it for one page, and end it."""
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "state": state}, receive, send)

        async with httpx.AsyncClient(transport=httpx.ASGITransport(with_state), base_url="http://shop") as client:
            return (await client.get(path)).json()


async def test_a_lifespan(shop: Project, direct: Direct, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", shop.url)
    for found in ([], ["Ant", "Bee"]):
        spec = importlib.util.spec_from_file_location("shop_app", shop.folder / "app.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        endpoint.requests = 0
        assert [each["name"] for each in await served(module.app, "/orgs")] == found
        assert at(direct) == NEWEST
        if not found:
            direct.execute(SEED)
    assert endpoint.requests == 2, "the second start asks once, and the page once"


# ------------------------------------------------------------------ a workflow, and make


def steps(text: str) -> list[str]:
    """Return the command lines of a workflow, in order, the one aside that installs."""
    workflow = yaml.safe_load(text)
    (job,) = workflow["jobs"].values()
    assert job["runs-on"] == "ubuntu-latest"
    assert job["env"] == {"DATABASE_URL": "${{ secrets.DATABASE_URL }}"}
    assert workflow[True] == {"push": {"branches": ["main"]}}  # `on`, which YAML reads as a truth value
    lines = [step["run"] for step in job["steps"] if "run" in step]
    assert lines[0] == 'pip install "sendoka[cli]"'
    return lines[1:]


def test_the_main_branch_is_deployed_and_production_is_never_pushed_to(shop: Project, direct: Direct) -> None:
    lines = steps(FILES[".github/workflows/deploy.yml"])
    assert lines[0] == "make deploy"
    assert NEWEST in [shop.run(line) for line in lines][-1]
    assert at(direct) == NEWEST
    assert direct.execute("select value from sendoka.facts where name = 'mark'").fetchall() == [("production",)]
    assert "marked production" in shop.run("sendoka push", status=2)


def test_a_deploy_whose_migration_fails_does_not_release(shop: Project, direct: Direct) -> None:
    direct.execute("create table orgs ()")
    done = shop.attempt("make deploy")
    assert done.returncode == 2
    assert "failed: relation" in done.stderr
    assert "start the new code" not in done.stdout


def test_the_extra_of_the_deploy_is_enough() -> None:
    """What `pip install "sendoka[cli]"` brings is all that its commands load."""
    code = (
        "import sys\nfrom sendoka.cli._group import run\n"
        "for name in ('migrate', 'mark', 'status'): run([name, '--help'])\n"
        "import sendoka.migrations.runner, sendoka.migrations.overview\n"
        "print({'sqlalchemy', 'pydantic', 'psycopg', 'asyncpg'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"
