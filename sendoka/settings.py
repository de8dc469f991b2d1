"""What a project says once: `[tool.sendoka]` in its pyproject.toml, and which database it means."""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sendoka.database.home import NAMESPACE, checked_namespace
from sendoka.dotenv import parse_env
from sendoka.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ENV_FILES",
    "VARIABLE",
    "Settings",
    "Source",
    "find_source",
    "look_for_source",
    "read_settings",
    "read_source",
    "read_table",
]

VARIABLE = "DATABASE_URL"

ENV_FILES = (".env.local", ".env")
"""Where the connection string is looked for, in this order, if the environment has none."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The folders of a project, as absolute paths.

    `root` is the folder of the pyproject.toml that was read, or where the search began if there is none. `rules` is the
    table `[tool.sendoka.rules]` as it stands there; the schema rules read it. `namespace` is where our own tables are
    in a database.
    """

    root: Path
    schema: Path
    migrations: Path
    backfill: Path
    rules: Mapping[str, Any]
    namespace: str = NAMESPACE


@dataclass(frozen=True, slots=True)
class Source:
    """A connection string, which its repr does not show, and where it was found (`.env.local`, `the environment`).

    `namespace` is where our own tables are in that database.
    """

    name: str
    url: str = field(repr=False)
    namespace: str = NAMESPACE


def read_settings(start: Path | None = None) -> Settings:
    """Return the settings of the project around `start`, by default the working folder.

    The nearest pyproject.toml with a `[tool.sendoka]` counts, going upward, else the nearest one at all: a package
    inside a larger project needs no table of its own. Raises SettingsError for a file that is not TOML, an unknown key
    (with the nearest name) and a value of the wrong type.
    """
    start = (start or Path.cwd()).resolve()
    nearest: Path | None = None
    for folder in (start, *start.parents):
        file = folder / "pyproject.toml"
        if not file.is_file():
            continue
        table = read_table(file)
        if table is not None:
            return _settings(folder, table, file)
        nearest = nearest or folder
    return _settings(nearest or start, {}, start / "pyproject.toml")


def read_table(file: Path) -> dict[str, Any] | None:
    """Return `[tool.sendoka]` of a pyproject.toml, None where it has none.

    Raises SettingsError for no TOML, and for a table whose name is a slip for this one.
    """
    try:
        document = tomllib.loads(_read(file))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file.name} is not valid TOML: {error}", where=str(file)) from error
    tool = document.get("tool", {})
    if not isinstance(tool, dict):
        return None
    table = tool.get("sendoka")
    if table is None:
        _no_slip(tool, file)
    if table is not None and not isinstance(table, dict):
        raise SettingsError(
            "tool.sendoka must be a table", where=str(file), todo="write [tool.sendoka] on its own line"
        )
    return table


def _no_slip(tool: Mapping[str, Any], file: Path) -> None:
    near = difflib.get_close_matches("sendoka", tool, n=1, cutoff=0.8)
    if near:
        raise SettingsError(f"[tool.{near[0]}] is nobody's table", where=str(file), todo="did you mean [tool.sendoka]?")


_FOLDERS = ("schema", "migrations", "backfill")
_KEYS = (*_FOLDERS, "namespace", "rules")


def _settings(root: Path, table: Mapping[str, Any], file: Path) -> Settings:
    for key in table:
        if key not in _KEYS:
            raise SettingsError(
                f"[tool.sendoka] has no key {key!r}",
                where=str(file),
                todo=_nearest(key) or "it knows " + ", ".join(_KEYS),
            )
    rules = table.get("rules", {})
    if not isinstance(rules, dict):
        raise _wrong("rules", rules, "a table", file)
    folders = {name: root / _folder(name, table.get(name, name), file) for name in _FOLDERS}
    try:
        namespace = checked_namespace(table.get("namespace", NAMESPACE))
    except SettingsError as error:
        error.where = str(file)
        raise
    return Settings(root, folders["schema"], folders["migrations"], folders["backfill"], rules, namespace)


def _nearest(key: str) -> str:
    near = difflib.get_close_matches(key, _KEYS, n=1)
    return f"did you mean {near[0]!r}?" if near else ""


def _folder(key: str, value: object, file: Path) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _wrong(key, value, "a folder's path in quotes", file)
    return value


def _wrong(key: str, value: object, wanted: str, file: Path) -> SettingsError:
    return SettingsError(f"{key} in [tool.sendoka] must be {wanted}, not {value!r}", where=str(file))


# ------------------------------------------------------------------ which database


def find_source(
    settings: Settings, *, env_file: Path | None = None, environ: Mapping[str, str] | None = None
) -> Source:
    """Return the connection string: from `env_file` if given, else the environment, else `.env.local`, else `.env`.

    Raises SettingsError where there is none, where the one that counts is empty, and for an `env_file` without one.
    """
    if env_file is not None:
        found = read_source(env_file, str(env_file)) or _raise_missing(str(env_file))
        return replace(found, namespace=settings.namespace)
    known = look_for_source(settings, environ=environ)
    return known or _raise_missing(f"the environment, {' and '.join(ENV_FILES)} in {settings.root}")


def look_for_source(settings: Settings, *, environ: Mapping[str, str] | None = None) -> Source | None:
    """Return what `find_source` would, and None where there is no connection string."""
    environ = os.environ if environ is None else environ
    if VARIABLE in environ:
        found: Source | None = _checked(Source("the environment", environ[VARIABLE]))
    else:
        files = ((settings.root / name, name) for name in ENV_FILES)
        found = next((source for file, name in files if file.is_file() and (source := read_source(file, name))), None)
    return None if found is None else replace(found, namespace=settings.namespace)


def read_source(file: Path, name: str) -> Source | None:
    """Return the connection string in `file`, which is called `name` to a person; None where it has none.

    Raises SettingsError for a file that cannot be read, and where the connection string is empty.
    """
    values = parse_env(_read(file), name)
    return _checked(Source(name, values[VARIABLE])) if VARIABLE in values else None


def _checked(source: Source) -> Source:
    if not source.url.strip():
        raise SettingsError(
            f"{VARIABLE} is empty", where=f"in {source.name}", todo="give it a connection string, or remove it"
        )
    return Source(source.name, source.url.strip())


def _raise_missing(where: str) -> Source:
    raise SettingsError(
        f"{VARIABLE} is not set",
        where=f"looked in {where}",
        todo=f"{VARIABLE}=postgresql://user:password@host/dbname, or start a local endpoint: sendoka dev",
    )


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file} is not UTF-8 (byte {error.start})") from None  # the cause would hold its content
