"""The project that `sendoka init` makes: which files, where they go, and the commands that come next."""

from __future__ import annotations

import datetime
import os
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sendoka.cli._env_local import NAME, kept_source, leads_to, local_port, remember
from sendoka.discover import module_names
from sendoka.http.target import LOCAL_PORT
from sendoka.settings import read_settings, read_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.settings import Settings

__all__ = ["LOCAL_PORT", "Project", "start_project"]

TEMPLATE = Path(__file__).parent / "_template"

IGNORED = (".env", ".env.local", ".sendoka/", ".venv/", "__pycache__/")
"""What must not get into git, the first three because they hold secrets."""

RULES = '\n[tool.sendoka.rules]\nlist-index = { columns = ["owner"] }\n'
"""The rules about schemas that `sendoka check` holds a new project to: all of them, lists being by owner."""

TABLE = '[tool.sendoka]\nschema = "schema"\nmigrations = "migrations"\nbackfill = "backfill"\n'


_WARNING = "DATABASE_URL in .env.local leads to {host}, not to a local endpoint: migrate would change that database"


@dataclass(frozen=True, slots=True)
class Project:
    """What was made: `files` are (name, "wrote" | "extended" | "kept"), `steps` are (command, reason) in order.

    `warnings` are what a person has to know before the first step.
    """

    folder: Path
    files: list[tuple[str, str]]
    steps: list[tuple[str, str]]
    warnings: list[str] = field(default_factory=list)

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
    kept = kept_source(root)
    files += [(".gitignore", _extend(root / ".gitignore", IGNORED))]
    files += [(NAME, "kept" if kept else remember(root, _endpoint(root, port)))]
    settings.migrations.mkdir(parents=True, exist_ok=True)
    foreign = leads_to(kept) if kept and local_port(kept) is None else None
    steps = _foreign_steps(folder, foreign) if foreign else _steps(folder, with_examples)
    return Project(root, files, list(steps), [_WARNING.format(host=foreign)] if foreign else [])


def _pyproject(root: Path) -> str:
    file = root / "pyproject.toml"
    if not file.exists():
        name = re.sub(r"[^a-z0-9]+", "-", root.name.lower()).strip("-") or "app"
        rules = "" if module_names(root / "schema") else RULES
        return _write(file, _template("pyproject.toml").replace("{name}", name) + "\n" + TABLE + rules)
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
    yield settings.root / "seed.py", _template("seed.py")
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


def _endpoint(root: Path, port: int) -> str:
    """Return the connection string of the local endpoint, with the password that its PostgreSQL is going to have."""
    from sendoka.local.place import read_secrets
    from sendoka.local.postgres import DATABASE, ROLE

    return f"postgresql://{ROLE}:{read_secrets(root / '.sendoka').role}@localhost:{port}/{DATABASE}"


def _go(folder: Path) -> Iterator[tuple[str, str]]:
    if folder.resolve() != Path.cwd():
        yield f"cd {shlex.quote(str(folder))}", "everything below runs there"


def _steps(folder: Path, with_examples: bool) -> Iterator[tuple[str, str]]:
    yield from _go(folder)
    yield "sendoka dev", "a local Neon; in a terminal of its own"
    yield "sendoka generate", "write the migration for schema/"
    yield "sendoka migrate", "apply it"
    if with_examples:
        yield "python seed.py", "write a thousand widgets, without titles"
        yield "sendoka backfill run widget_titles", "give each its title, in batches"
    yield "sendoka status", "which database, what is applied"
    if with_examples:
        yield "python -m pytest", "the example's tests"


def _foreign_steps(folder: Path, host: str) -> Iterator[tuple[str, str]]:
    """Yield the steps where a connection string was kept that leads elsewhere: nothing of the example goes there."""
    yield from _go(folder)
    yield "sendoka status", f"asks {host}"
    yield "sendoka generate", "write the migration for schema/"
    yield "sendoka migrate", f"apply it to {host}"
