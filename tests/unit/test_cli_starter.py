"""What `sendoka init` writes, and what it leaves alone."""

from __future__ import annotations

import ast
import datetime
import json
import shlex
import stat
import sys
import tomllib
from importlib.metadata import requires
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from sendoka.cli._group import run
from sendoka.cli._starter import start_project
from sendoka.discover import module_names
from sendoka.errors import SettingsError
from sendoka.http.target import read_target
from sendoka.lint import lint
from sendoka.schema.from_python import load_tables, model_from_folder
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TODAY = f"{datetime.date.today():%Y_%m_%d}"
ALL = [
    "pyproject.toml",
    "schema/__init__.py",
    "schema/widgets.py",
    f"backfill/{TODAY}_widget_titles.py",
    "seed.py",
    "tests/test_widgets.py",
    "README.md",
    ".gitignore",
    ".env.local",
]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


class TestAnEmptyFolder:
    def test_gets_every_file(self, tmp_path: Path) -> None:
        project = start_project(tmp_path)
        assert project.files == [(name, "wrote") for name in ALL]
        assert (tmp_path / "migrations").is_dir()

    def test_has_settings_that_say_where_things_are(self, tmp_path: Path) -> None:
        start_project(tmp_path)
        settings = read_settings(tmp_path)
        assert settings.root == tmp_path
        assert [table.name for table in load_tables(settings.schema)] == ["widgets"]
        assert module_names(settings.backfill) == [f"{TODAY}_widget_titles"]

    def test_is_named_in_its_pyproject(self, tmp_path: Path) -> None:
        start_project(tmp_path / "My Größe App!")
        document = tomllib.loads((tmp_path / "My Größe App!" / "pyproject.toml").read_text(encoding="utf-8"))
        assert document["project"]["name"] == "my-gr-e-app"

    def test_has_the_local_endpoint_in_a_file_that_only_its_owner_reads(self, tmp_path: Path) -> None:
        start_project(tmp_path, port=4567)
        source = find_source(read_settings(tmp_path), environ={})
        assert source.name == ".env.local"
        assert read_target(source.url).url == "http://localhost:4567/sql"
        assert stat.S_IMODE((tmp_path / ".env.local").stat().st_mode) == 0o600

    def test_shares_its_password_with_the_endpoint_to_come(self, tmp_path: Path) -> None:
        start_project(tmp_path)
        kept = json.loads((tmp_path / ".sendoka" / "secrets.json").read_text(encoding="utf-8"))
        assert f":{kept['role']}@" in find_source(read_settings(tmp_path), environ={}).url

    def test_runs_coroutines_as_tests_without_a_mark(self, tmp_path: Path) -> None:
        start_project(tmp_path)
        document = tomllib.loads((tmp_path / "pyproject.toml").read_text(encoding="utf-8"))
        assert document["tool"]["pytest"]["ini_options"]["asyncio_mode"] == "auto"

    def test_keeps_the_rules_that_it_switches_on(self, tmp_path: Path) -> None:
        start_project(tmp_path)
        settings = read_settings(tmp_path)
        assert settings.rules == {"list-index": {"columns": ["owner"]}}
        assert lint(model_from_folder(settings.schema), settings.rules) == []

    def test_needs_nothing_that_the_readme_does_not_install(self, tmp_path: Path) -> None:
        start_project(tmp_path)
        known = {name.replace("-", "_").lower() for name in installed_with("dev", "test")}
        known |= {"sendoka", "schema", *sys.stdlib_module_names}
        files = [file for file in tmp_path.rglob("*.py") if ".sendoka" not in file.parts]
        assert {name for file in files for name in imported(file)} - known == set()
        steps = start_project(tmp_path / "other").commands
        modules = {words[2] for step in steps if (words := shlex.split(step))[:2] == ["python", "-m"]}
        assert modules == {"pytest"}
        assert modules <= known

    def test_keeps_its_secrets_out_of_git(self, tmp_path: Path) -> None:
        start_project(tmp_path)
        lines = (tmp_path / ".gitignore").read_text(encoding="utf-8").splitlines()
        assert {".env", ".env.local", ".sendoka/"} <= set(lines)


def installed_with(*extras: str) -> Iterator[str]:
    """Yield the distributions that `pip install "sendoka[extras]"` brings by name."""
    for text in requires("sendoka") or []:
        needed = Requirement(text)
        for extra in extras:
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                yield needed.name
                if needed.name == "sendoka":
                    yield from installed_with(*needed.extras)


def imported(file: Path) -> Iterator[str]:
    """Yield the top-level packages that a file imports, its own folder apart."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0]


class TestAFolderThatIsNotEmpty:
    def test_is_left_as_it_is_the_second_time(self, tmp_path: Path) -> None:
        start_project(tmp_path)
        before = contents(tmp_path)
        project = start_project(tmp_path)
        assert contents(tmp_path) == before
        assert {what for _, what in project.files} == {"kept"}

    @pytest.mark.parametrize(
        "name", [name for name in ALL if name not in {"pyproject.toml", ".gitignore", ".env.local"}]
    )
    def test_keeps_a_file_of_its_own(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("# mine\n", encoding="utf-8")
        start_project(tmp_path)
        assert (tmp_path / name).read_text(encoding="utf-8") == "# mine\n"

    @pytest.mark.parametrize("end", ["", "\n", "\n\n"])
    def test_gets_the_table_at_the_end_of_its_pyproject(self, tmp_path: Path, end: str) -> None:
        mine = '[project]\nname = "mine"' + end
        (tmp_path / "pyproject.toml").write_text(mine, encoding="utf-8")
        project = start_project(tmp_path)
        text = (tmp_path / "pyproject.toml").read_text(encoding="utf-8")
        assert ("pyproject.toml", "extended") in project.files
        assert text.startswith(mine)
        assert tomllib.loads(text)["tool"]["sendoka"]["schema"] == "schema"

    def test_has_its_own_folders_respected(self, tmp_path: Path) -> None:
        text = '[tool.sendoka]\nschema = "db/tables"\nmigrations = "db/migrations"\nbackfill = "db/backfill"\n'
        (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
        start_project(tmp_path)
        assert (tmp_path / "pyproject.toml").read_text(encoding="utf-8") == text
        assert (tmp_path / "db" / "tables" / "widgets.py").is_file()
        assert (tmp_path / "db" / "migrations").is_dir()
        assert not (tmp_path / "schema").exists()

    def test_gets_no_example_where_it_has_tables(self, tmp_path: Path) -> None:
        (tmp_path / "schema").mkdir()
        (tmp_path / "schema" / "orgs.py").write_text("", encoding="utf-8")
        project = start_project(tmp_path)
        assert [name for name, _ in project.files] == ["pyproject.toml", ".gitignore", ".env.local"]
        assert not any("widget" in command for command in project.commands)

    def test_gets_what_its_gitignore_lacks_and_no_line_twice(self, tmp_path: Path) -> None:
        (tmp_path / ".gitignore").write_text("/.env\n.sendoka", encoding="utf-8")
        start_project(tmp_path)
        lines = (tmp_path / ".gitignore").read_text(encoding="utf-8").splitlines()
        assert lines == ["/.env", ".sendoka", ".env.local", ".venv/", "__pycache__/"]

    @pytest.mark.parametrize("text", ["[tool.sendoka", '[tool.sendoka]\nshema = "x"\n'])
    def test_with_a_broken_pyproject_is_not_touched(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
        with pytest.raises(SettingsError):
            start_project(tmp_path)
        assert contents(tmp_path) == {"pyproject.toml": text.encode()}


class TestAnEnvLocalThatIsThere:
    def test_and_leads_elsewhere_is_a_warning_and_nothing_of_the_example_goes_there(self, tmp_path: Path) -> None:
        (tmp_path / ".env.local").write_text("DATABASE_URL=postgresql://u:s3cret@ep-x.eu.neon.tech/db\n")
        project = start_project(tmp_path)
        assert project.warnings == [
            (
                "DATABASE_URL in .env.local leads to ep-x.eu.neon.tech, not to a local endpoint: "
                "migrate would change that database"
            )
        ]
        commands = [command for command in project.commands if not command.startswith("cd ")]
        assert commands == ["sendoka status", "sendoka generate", "sendoka migrate"]
        assert ("sendoka migrate", "apply it to ep-x.eu.neon.tech") in project.steps

    def test_and_leads_to_a_local_endpoint_is_no_warning(self, tmp_path: Path) -> None:
        (tmp_path / ".env.local").write_text("DATABASE_URL=postgresql://u:p@localhost:4460/db\n")
        project = start_project(tmp_path)
        assert project.warnings == []
        assert "sendoka dev" in project.commands

    @pytest.mark.parametrize("text", ["", "OTHER=1\n", "OTHER=1"])
    def test_and_has_no_connection_string_gets_one(self, tmp_path: Path, text: str) -> None:
        (tmp_path / ".env.local").write_text(text, encoding="utf-8")
        project = start_project(tmp_path, port=4567)
        assert (".env.local", "extended") in project.files
        assert (tmp_path / ".env.local").read_text(encoding="utf-8").startswith(text)
        source = find_source(read_settings(tmp_path), environ={})
        assert (source.name, read_target(source.url).port) == (".env.local", 4567)


class TestTheCommand:
    @pytest.fixture(autouse=True)
    def here(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("DATABASE_URL", raising=False)

    def test_prints_what_it_did_and_what_comes_next(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["init"]) == 0
        out = capsys.readouterr().out
        assert "+ schema/widgets.py\n" in out
        assert "  sendoka migrate  " in out
        assert "cd " not in out

    def test_begins_with_cd_for_another_folder(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["init", "acme", "--port", "4567", "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert answer["next"][:2] == ["cd acme", "sendoka dev"]
        assert answer["files"]["schema/widgets.py"] == "wrote"

    def test_quotes_a_folder_that_a_shell_would_split(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["init", "my app", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["next"][0] == "cd 'my app'"

    def test_tells_a_person_and_a_program_where_a_kept_connection_string_leads(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / ".env.local").write_text("DATABASE_URL=postgresql://u:s3cret@ep-x.eu.neon.tech/db\n")
        assert run(["init"]) == 0
        captured = capsys.readouterr()
        assert "mind: DATABASE_URL in .env.local leads to ep-x.eu.neon.tech" in captured.err
        assert "a local Neon" not in captured.out
        assert run(["init", "--json"]) == 0
        assert len(json.loads(capsys.readouterr().out)["warnings"]) == 1

    def test_shows_no_password(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["init"]) == 0
        password = json.loads((tmp_path / ".sendoka" / "secrets.json").read_text(encoding="utf-8"))["role"]
        captured = capsys.readouterr()
        assert password not in captured.out + captured.err

    def test_warns_of_a_shell_that_means_another_database(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@prod/db")
        assert run(["init"]) == 0
        assert "DATABASE_URL is set in this shell" in capsys.readouterr().err

    @pytest.mark.parametrize("arguments", [["--port", "0"], ["--port", "x"], ["a", "b"]])
    def test_refuses_what_it_does_not_know(self, arguments: list[str], tmp_path: Path) -> None:
        assert run(["init", *arguments]) == 2
        assert contents(tmp_path) == {}

    def test_says_so_where_it_may_not_write(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "file").touch()
        assert run(["init", "file/inside"]) == 2
        assert "Not a directory" in capsys.readouterr().err
