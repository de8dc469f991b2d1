"""`migrate()` where it runs: on every start of every function, with its files in a folder, a package or a zip."""

from __future__ import annotations

import asyncio
import importlib
import importlib.resources
import json
import subprocess
import sys
import threading
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import migrate, neon
from sendoka.bookkeeping import operator
from sendoka.errors import ChecksumMismatch, MigrationFailed, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import psycopg

    from sendoka.http.client import Neon
    from sendoka.local import Endpoint
    from sendoka.migrations.event import Event
    from sendoka.migrations.folder import Folder
    from tests.fixtures.client import Chain

    Direct = psycopg.Connection[Any]

FILES = (["create table t (id int)"], ["insert into t values (1)"])
ZIPS = ("a zip with its folders", "a zip without", "a zip as a package")


@pytest.fixture
def importing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, str], Any]:
    """Return what imports a module from a folder or a zip, for this test alone."""

    def load(place: Path, name: str) -> Any:
        monkeypatch.syspath_prepend(str(place))
        importlib.invalidate_caches()
        monkeypatch.delitem(sys.modules, name, raising=False)
        module = importlib.import_module(name)
        monkeypatch.setitem(sys.modules, name, module)
        return module

    return load


def moved(folder: Path) -> Path:
    """Move the migrations of `folder` into one below it, beside its `meta/`, and return that."""
    below = folder / "shipped"
    (below / "meta").mkdir(parents=True)
    (below / "meta" / "0001_brave_otter.json").write_text("{}")
    for file in folder.glob("*.sql"):
        file.rename(below / file.name)
    return below


def zipped(folder: Path, *, folders: bool) -> Path:
    """Return a zip beside `folder` that has it as `cold/migrations`, as a wheel or a Lambda's zip does."""
    made = folder.parent / f"{folder.name}.zip"
    with zipfile.ZipFile(made, "w") as archive:
        if folders:
            archive.mkdir("cold")
            archive.mkdir("cold/migrations")
        archive.writestr("cold/__init__.py", "")
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, f"cold/migrations/{file.relative_to(folder)}")
    return made


def placed(kind: str, folder: Path, load: Callable[[Path, str], Any]) -> str | Path | Folder:
    """Return `folder`, which holds the migrations, in one of the forms that `migrate` takes."""
    if kind == "a string":
        return str(folder)
    if kind == "a path":
        return folder
    if kind == "a package":
        (folder.parent / "cold").mkdir()
        (folder.parent / "cold" / "__init__.py").touch()
        folder.rename(folder.parent / "cold" / "migrations")
        load(folder.parent, "cold")
        return importlib.resources.files("cold") / "migrations"
    archive = zipped(folder, folders=kind == ZIPS[0])
    if kind in ZIPS[:2]:
        return zipfile.Path(archive, "cold/migrations/")
    load(archive, "cold")
    return importlib.resources.files("cold") / "migrations"


@pytest.mark.parametrize("kind", ["a string", "a path", "a package", *ZIPS])
async def test_the_folder_may_be(
    kind: str,
    sql: Neon,
    chain: Chain,
    tmp_path: Path,
    endpoint: Endpoint,
    importing: Callable[[Path, str], Any],
) -> None:
    names = [file.name for file in chain(*FILES)]
    place = placed(kind, moved(tmp_path), importing)
    report = await migrate(sql, place)
    assert ([each.name for each in report.applied], report.head) == (names, names[-1])
    endpoint.requests = 0
    assert (await migrate(sql, place)).applied == ()
    assert (await migrate(sql, place, verify=True)).applied == ()
    assert endpoint.requests == 2


class Watched:
    """A folder that notes which of its files were read."""

    def __init__(self, path: Path, read: list[str]) -> None:
        self.path, self.read = path, read
        self.name = path.name

    def iterdir(self) -> Iterator[Watched]:
        return (Watched(each, self.read) for each in self.path.iterdir())

    def is_dir(self) -> bool:
        return self.path.is_dir()

    def read_bytes(self) -> bytes:
        self.read.append(self.name)
        return self.path.read_bytes()


async def test_with_nothing_to_do_one_file_is_read_and_with_verify_all(
    sql: Neon, chain: Chain, tmp_path: Path, endpoint: Endpoint
) -> None:
    every = [f"{file.name}.sql" for file in chain(*FILES, ["select 1"])]
    await migrate(sql, tmp_path)
    endpoint.requests = 0
    for verify, names in ((False, every[-1:]), (True, every)):
        read: list[str] = []
        report = await migrate(sql, Watched(tmp_path, read), verify=verify)
        assert (sorted(read), report.applied, report.ahead) == (names, (), False)
    assert endpoint.requests == 2


async def test_verify_finds_an_edit_below_the_newest_file_that_a_cold_start_does_not_look_for(
    sql: Neon, chain: Chain, tmp_path: Path
) -> None:
    chain(*FILES)
    await migrate(sql, tmp_path)
    first = tmp_path / "0000_calm_heron.sql"
    first.write_text(first.read_text() + "-- more\n")
    assert (await migrate(sql, tmp_path)).applied == ()
    with pytest.raises(ChecksumMismatch, match="0000_calm_heron"):
        await migrate(sql, tmp_path, verify=True)


async def test_the_result_and_the_events_say_the_same(sql: Neon, chain: Chain, tmp_path: Path) -> None:
    chain(*FILES)
    events: list[Event] = []
    report = await migrate(sql, tmp_path, on_event=events.append)
    assert [(each.kind, each.migration) for each in events] == [
        ("applying", "0000_calm_heron"),
        ("applied", "0000_calm_heron"),
        ("applying", "0001_brave_otter"),
        ("applied", "0001_brave_otter"),
    ]
    assert [each.seconds for each in report.applied] == [each.seconds for each in events if each.kind == "applied"]
    assert {each.by for each in report.applied} == {f"neondb_owner, {operator()}"}
    assert all(each.by_us and not each.recorded and (each.seconds or 0) > 0 for each in report.applied)


async def test_the_result_says_what_a_rival_applied_meanwhile_who_that_was_and_how_long_it_took(
    sql: Neon, database_url: str, chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain(*FILES)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "rival")
    seen: list[Event] = []

    async def theirs() -> None:
        async with neon(database_url, transport="native") as rival:
            await migrate(rival, tmp_path)

    def first(event: Event) -> None:
        if not seen:
            thread = threading.Thread(target=lambda: asyncio.run(theirs()))
            thread.start()
            thread.join()
        seen.append(event)

    report = await migrate(sql, tmp_path, on_event=first)
    assert [(each.name, each.by_us, each.by) for each in report.applied] == [
        ("0000_calm_heron", False, "neondb_owner, rival"),
        ("0001_brave_otter", False, "neondb_owner, rival"),
    ]
    assert all((each.seconds or 0) > 0 for each in report.applied)


async def test_twenty_starts_at_once_of_a_database_that_is_there_are_a_request_each(
    sql: Neon, chain: Chain, tmp_path: Path, endpoint: Endpoint, direct: Direct
) -> None:
    chain(*FILES)
    await migrate(sql, tmp_path)
    endpoint.requests = 0
    reports = await asyncio.gather(*(migrate(sql, tmp_path) for _ in range(20)))
    assert {each.applied for each in reports} == {()}
    assert endpoint.requests == 20
    assert direct.execute("select count(*) from t").fetchall() == [(1,)]


async def test_a_start_that_failed_can_be_followed_by_one_that_does_not(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct
) -> None:
    chain(*FILES, ["insert into gone values (1)"])
    for _ in range(2):
        with pytest.raises(MigrationFailed, match="0002_quiet_fox"):
            await migrate(sql, tmp_path)
    direct.execute("create table gone (id int)")
    direct.execute("grant all on gone to public")
    assert [each.name for each in (await migrate(sql, tmp_path)).applied] == ["0002_quiet_fox"]
    assert direct.execute("select count(*) from t").fetchall() == [(1,)]


async def test_a_folder_that_is_not_in_the_zip_is_named(sql: Neon, tmp_path: Path, endpoint: Endpoint) -> None:
    (tmp_path / "shipped").mkdir()
    archive = zipped(tmp_path / "shipped", folders=True)
    with pytest.raises(SettingsError, match="there is no migrations folder 'gone'"):
        await migrate(sql, zipfile.Path(archive, "gone/"))
    assert endpoint.requests == 0


def test_a_process_that_has_nothing_to_do_loads_nothing_that_only_others_need(
    chain: Chain, tmp_path: Path, database_url: str
) -> None:
    chain(*FILES)
    script = f"""
import asyncio, json, sys
from sendoka import migrate, neon

async def main():
    async with neon({database_url!r}) as sql:
        return await migrate(sql, {str(tmp_path)!r})

first = asyncio.run(main())
print(json.dumps([len(first.applied), sorted(sys.modules)]))
"""
    answers = [
        json.loads(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout)
        for _ in range(2)
    ]
    assert [count for count, _ in answers] == [2, 0]
    applying, modules = (set(names) for _, names in answers)
    assert "sendoka.migrations.applier" in applying - modules
    others = {f"sendoka.migrations.{name}" for name in ("call", "comparison", "failure", "pushed", "alone", "reached")}
    assert not (others | {"random", "secrets", "uuid"}) & modules
    assert not {"anyio", "sqlalchemy", "pydantic", "httpx", "click", "rich", "difflib"} & {
        name.partition(".")[0] for name in modules
    }
