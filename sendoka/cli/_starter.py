"""The project that `sendoka init` makes: which files, where they go, and the commands that come next."""

from __future__ import annotations

import datetime
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sendoka.discover import module_names
from sendoka.http.target import LOCAL_PORT
from sendoka.settings import VARIABLE, read_settings, read_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.settings import Settings

__all__ = ["LOCAL_PORT", "Project", "start_project"]

TEMPLATE = Path(__file__).parent / "_template"

IGNORED = (".env", ".env.local", ".sendoka/", ".venv/", "__pycache__/")
"""What must not get into git, the first three because they hold secrets."""

TABLE = '[tool.sendoka]\nschema = "schema"\nmigrations = "migrations"\nbackfill = "backfill"\n'


@dataclass(frozen=True, slots=True)
class Project:
    """What was made: `files` are (name, "wrote" | "extended" | "kept"), `steps` are (command, reason) in order."""

    folder: Path
    files: list[tuple[str, str]]
    steps: list[tuple[str, str]]

    @property
    def commands(self) -> list[str]:
        """The commands alone."""
        return [command for command, _ in self.steps]


def start_project(folder: Path, *, port: int = LOCAL_PORT) -> Project:
    """Make `folder` a project, overwriting nothing; its local endpoint will listen on `port`.

    Raises SettingsError for a pyproject.toml that cannot be read, and OSError where nothing may be written.
    """
    root = folder.resolve()
    root.mkdir(parents=True, exist_ok=True)
    files = [("pyproject.toml", _pyproject(root))]
    settings = read_settings(root)
    with_examples = not module_names(settings.schema)
    files += [_place(root, file, text) for file, text in _texts(settings, with_examples)]
    files += [(".gitignore", _extend(root / ".gitignore", IGNORED)), (".env.local", _env_local(root, port))]
    settings.migrations.mkdir(parents=True, exist_ok=True)
    return Project(root, files, list(_steps(folder, port, with_examples)))


def _pyproject(root: Path) -> str:
    file = root / "pyproject.toml"
    if not file.exists():
        name = re.sub(r"[^a-z0-9]+", "-", root.name.lower()).strip("-") or "app"
        return _write(file, _template("pyproject.toml").replace("{name}", name) + "\n" + TABLE)
    if read_table(file) is not None:
        return "kept"
    return _append(file, file.read_text(encoding="utf-8-sig"), "\n" + TABLE)


def _texts(settings: Settings, with_examples: bool) -> Iterator[tuple[Path, str]]:
    """Yield each file of the template with the place it goes to in this project."""
    day = f"{datetime.date.today():%Y_%m_%d}"
    if not with_examples:
        return
    yield settings.schema / "__init__.py", _template("schema/__init__.py")
    yield settings.schema / "widgets.py", _template("schema/widgets.py")
    yield settings.backfill / f"{day}_widget_titles.py", _template("backfill/widget_titles.py")
    yield settings.root / "tests" / "test_widgets.py", _template("tests/test_widgets.py")
    yield settings.root / "README.md", _template("README.md").replace("{name}", settings.root.name)


def _template(name: str) -> str:
    return (TEMPLATE / name).read_text(encoding="utf-8")


def _place(root: Path, file: Path, text: str) -> tuple[str, str]:
    name = os.path.relpath(file, root)
    if file.exists():
        return name, "kept"
    file.parent.mkdir(parents=True, exist_ok=True)
    return name, _write(file, text)


def _write(file: Path, text: str) -> str:
    with file.open("x", encoding="utf-8", newline="\n") as out:  # "x": what appeared meanwhile is not overwritten
        out.write(text)
    return "wrote"


def _append(file: Path, text: str, more: str) -> str:
    with file.open("a", encoding="utf-8", newline="\n") as out:
        out.write(more if text.endswith("\n") or not text else "\n" + more)
    return "extended"


def _extend(file: Path, lines: tuple[str, ...]) -> str:
    if not file.exists():
        return _write(file, "\n".join(lines) + "\n")
    text = file.read_text(encoding="utf-8-sig")
    known = {line.strip().strip("/") for line in text.splitlines()}
    missing = [line for line in lines if line.strip("/") not in known]
    return _append(file, text, "\n".join(missing) + "\n") if missing else "kept"


def _env_local(root: Path, port: int) -> str:
    """Write the connection string of the local endpoint, with the password that its PostgreSQL is going to have."""
    file = root / ".env.local"
    if file.exists():
        return "kept"
    from sendoka.local.place import read_secrets
    from sendoka.local.postgres import DATABASE, ROLE

    password = read_secrets(root / ".sendoka").role
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write("# The local endpoint, `sendoka dev`. This file stays out of git.\n")
        out.write(f"{VARIABLE}=postgresql://{ROLE}:{password}@localhost:{port}/{DATABASE}\n")
    return "wrote"


def _steps(folder: Path, port: int, with_examples: bool) -> Iterator[tuple[str, str]]:
    if folder.resolve() != Path.cwd():
        yield f"cd {folder}", "everything below runs there"
    yield "sendoka dev" + (f" --port {port}" if port != LOCAL_PORT else ""), "a local Neon; in a terminal of its own"
    yield "sendoka generate", "write the migration for schema/"
    yield "sendoka migrate", "apply it"
    if with_examples:
        yield "sendoka backfill run widget_titles", "an example of changing data in batches"
    yield "sendoka status", "which database, what is applied"
    if with_examples:
        yield "python -m pytest", "the example's tests"
