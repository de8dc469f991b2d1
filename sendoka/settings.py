"""What a project says once: `[tool.sendoka]` in its pyproject.toml, and which database it means."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sendoka.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ENV_FILES", "VARIABLE", "Settings", "Source", "find_source", "parse_env", "read_settings", "read_table"]

VARIABLE = "DATABASE_URL"

ENV_FILES = (".env.local", ".env")
"""Where the connection string is looked for, in this order, if the environment has none."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The folders of a project, as absolute paths.

    `root` is the folder of the pyproject.toml that was read, or where the search began if there is none. `rules` is the
    table `[tool.sendoka.rules]` as it stands there; the schema rules read it.
    """

    root: Path
    schema: Path
    migrations: Path
    backfill: Path
    rules: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """A connection string, which its repr does not show, and where it was found (`.env.local`, `the environment`)."""

    name: str
    url: str = field(repr=False)


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
    """Return `[tool.sendoka]` of a pyproject.toml, None where it has none. Raises SettingsError for no TOML."""
    try:
        document = tomllib.loads(_read(file))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file.name} is not valid TOML: {error}", where=str(file)) from error
    tool = document.get("tool", {})
    table = tool.get("sendoka") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise SettingsError(
            "tool.sendoka must be a table", where=str(file), todo="write [tool.sendoka] on its own line"
        )
    return table


_FOLDERS = ("schema", "migrations", "backfill")
_KEYS = (*_FOLDERS, "rules")


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
    return Settings(root, folders["schema"], folders["migrations"], folders["backfill"], rules)


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
        return _from_file(env_file, str(env_file)) or _raise_missing(str(env_file))
    environ = os.environ if environ is None else environ
    if VARIABLE in environ:
        return _checked(Source("the environment", environ[VARIABLE]))
    for name in ENV_FILES:
        file = settings.root / name
        source = _from_file(file, name) if file.is_file() else None
        if source is not None:
            return source
    return _raise_missing(f"the environment, {' and '.join(ENV_FILES)} in {settings.root}")


def _from_file(file: Path, name: str) -> Source | None:
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


# A value in quotes may run over several lines; a `#` begins a comment only after white space.
_ASSIGNMENT = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?(?P<key>[A-Za-z_][A-Za-z0-9_.]*)[ \t]*=
        (?:[ \t]*'(?P<single>[^']*)'[ \t]*(?:\#[^\n]*)?$
          |[ \t]*"(?P<double>(?:[^"\\]|\\.)*)"[ \t]*(?:\#[^\n]*)?$
          |(?P<bare>[^\n]*)$)""",
    re.MULTILINE | re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"\s#.*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


def parse_env(text: str, name: str) -> dict[str, str]:
    """Return the assignments of a `.env` file: `KEY=value`, with `export`, quotes, comments; a key's last one counts.

    In double quotes `\\n`, `\\r`, `\\t` and any escaped sign are read; nothing is interpolated. Lines of other shapes
    are left to the programs that understand them. `name` is the file's, for the SettingsError about an unclosed quote.
    """
    text = text.replace("\r\n", "\n")
    return {match["key"]: _value(match, text, name) for match in _ASSIGNMENT.finditer(text)}


def _value(match: re.Match[str], text: str, name: str) -> str:
    if match["single"] is not None:
        return match["single"]
    if match["double"] is not None:
        return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), match["double"])
    bare = _COMMENT.sub("", match["bare"]).strip()
    if bare[:1] in {"'", '"'}:
        line = text.count("\n", 0, match.start()) + 1
        raise SettingsError(f"the quote after {match['key']}= is not closed", where=f"{name}, line {line}")
    return bare
