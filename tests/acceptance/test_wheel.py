"""The wheel, in a bare environment with its runtime dependencies alone: an editable install hides what is missing.

Works without the network: the dependencies are those of this environment, linked one by one, nothing else of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
import zipfile
from email.parser import BytesParser
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sendoka.migrations.files import parse, render
from tests.documents import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.local import Endpoint


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as a package index would get it."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", str(out), str(ROOT)], check=True)
    return next(out.glob("sendoka-*.whl"))


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment that holds the wheel and what it requires, extras apart."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    site = Path(output(python, "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*command, "--disable-pip-version-check", str(wheel)], check=True)
    for name in sorted(closure(requirements(wheel))):
        link(name, site)
    return python


def requirements(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return BytesParser().parsebytes(archive.read(name)).get_all("Requires-Dist", [])


def closure(requires: list[str]) -> set[str]:
    """Return the names of all distributions that `requires` needs, without extras, as they are installed here."""
    found: set[str] = set()
    waiting = list(needed(requires))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += needed(distribution(name).requires or [])
    return found


def needed(requires: list[str]) -> Iterator[str]:
    for text in requires:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield canonicalize_name(requirement.name)


def link(name: str, site: Path) -> None:
    """Make a distribution of this environment visible in `site`, by links to its top-level files and folders."""
    installed = distribution(name)
    tops = {file.parts[0] for file in installed.files or [] if file.parts[0] not in {"..", "__pycache__"}}
    for top in tops:
        (site / top).symlink_to(str(installed.locate_file(top)))


def output(python: Path, code: str, *arguments: str) -> str:
    # Not from here: `-c` would find the source beside it.
    command = [str(python), "-c", code, *arguments]
    done = subprocess.run(command, cwd=python.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "sendoka/py.typed" in names
    assert {name.split("/")[0] for name in names} == {"sendoka", wheel.name.split("-py3")[0] + ".dist-info"}
    assert [name for name in names if name.endswith((".pyc", ".env", ".env.local"))] == []
    shipped = {name for name in names if name.startswith("sendoka/")}
    here = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "sendoka").rglob("*")
        if path.is_file() and ".pyc" not in path.name
    }
    assert shipped == here


def test_the_bare_environment_has_no_extra(bare: Path) -> None:
    code = """
import importlib.util
for name in ("sqlalchemy", "pydantic", "asyncpg", "psycopg", "rich", "click", "uvicorn", "pytest", "respx", "numpy"):
    assert importlib.util.find_spec(name) is None, name
import sendoka
assert "site-packages" in sendoka.__file__, sendoka.__file__
"""
    output(bare, code)


def test_every_name_of_the_front_door_opens_in_the_bare_environment(bare: Path) -> None:
    assert output(bare, "import sendoka; print(len([getattr(sendoka, name) for name in sendoka.__all__]))").strip()


def test_the_command_says_what_to_install_in_the_bare_environment(bare: Path) -> None:
    done = subprocess.run([bare.parent / "sendoka"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert 'pip install "sendoka[dev]"' in done.stderr


THE_ROAD = """
import asyncio, json, sys
from pathlib import Path
from sendoka import migrate, neon
from sendoka.backfills import backfill, run

widget_titles = backfill(
    table="widgets",
    where="title is null",
    sql="update widgets w set title = initcap(p.name) from page p where w.id = p.id",
)

async def main(url, folder):
    async with neon(url) as sql:
        first = await migrate(sql, folder)
        await sql("insert into widgets (id, name) select 'w' || n, 'name ' || n from generate_series(1, 100) n")
        await run(sql, widget_titles)
        left = await sql("select count(*) from widgets where title is null").value()
        again = await migrate(sql, folder)
        row = await sql("select id, title from widgets where id = $1", "w7").one()
    print(json.dumps([len(first.applied), left, len(again.applied), row.title]))

asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
"""

A_NO_OP = """
import asyncio, json, sys
from sendoka import migrate, neon

async def main(url, folder):
    async with neon(url) as sql:
        report = await migrate(sql, folder)
    assert not report.applied

asyncio.run(main(*sys.argv[1:]))
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    """A folder with two migrations."""
    first = render("0000_calm_heron", None, ["create table widgets (id text primary key, name text not null)"], [])
    second = render(
        "0001_brave_otter", parse("0000_calm_heron", first), ["alter table widgets add column title text"], []
    )
    (tmp_path / "0000_calm_heron.sql").write_text(first, encoding="utf-8")
    (tmp_path / "0001_brave_otter.sql").write_text(second, encoding="utf-8")
    return tmp_path


def test_query_migrate_and_backfill_run_in_the_bare_environment(
    bare: Path, database_url: str, migrations: Path
) -> None:
    assert json.loads(output(bare, THE_ROAD, database_url, str(migrations))) == [2, 0, 0, "Name 7"]


def test_a_migrate_with_nothing_to_do_is_one_request_and_loads_no_anyio(
    bare: Path, database_url: str, migrations: Path, endpoint: Endpoint
) -> None:
    output(bare, A_NO_OP.replace("assert not", "assert"), database_url, str(migrations))
    endpoint.requests = 0
    loaded = set(json.loads(output(bare, A_NO_OP, database_url, str(migrations))))
    assert endpoint.requests == 1
    assert loaded & {"anyio", "httpx", "sqlalchemy", "pydantic", "click", "rich"} == set()
