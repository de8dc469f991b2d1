"""Where a schema can be read from: a database, a snapshot, a folder of migrations, a file of SQL, modules of Python.

And when two of them are equal: where they differ in texts of SQL, a Postgres spells both until nothing changes any
more, and what it spells alike is alike.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sendoka.database.statement import Statement
from sendoka.errors import DatabaseError, MigrationError, SchemaError, SettingsError, TransportError
from sendoka.schema.diff import diff
from sendoka.schema.from_catalog import model_from_catalog
from sendoka.schema.from_snapshot import read_snapshot
from sendoka.schema.kind import Renaming
from sendoka.schema.kinds import kind_of
from sendoka.schema.model import Model
from sendoka.schema.plan import plan
from sendoka.schema.spelling import respelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.schema.diff import Changes
    from sendoka.scratch import Scratch

__all__ = ["Comparison", "compared", "compared_here", "read_model"]

_OF_A_PASSWORD = ("@", "password=")
"""What a connection string holds that lost its scheme, or never had one: it may be one, so no error repeats it."""
_TODO = "give a connection string, a .json snapshot, a .sql file, a migrations folder or a schema folder"
_MOST_PASSES = 5
"""How often a schema is built to spell it: two are common, and Postgres comes to rest after three at most."""


async def read_model(source: str, scratch: Scratch) -> Model:
    """Return the schema that `source` names.

    It is a connection string, a `.json` snapshot, a `.sql` file, the folder of a schema in Python, or that of
    migrations, drizzle's too, which is replayed from its beginning. SQL is run in a scratch database. Raises
    SettingsError for what is none of these, SchemaError for what cannot be read, and what a database raises.
    """
    if not source.strip():
        raise SettingsError("a schema was named by nothing: is the variable in it set?", todo=_TODO)
    if _is_connection_string(source):
        from sendoka.http.client import neon

        async with neon(source) as sql:
            try:
                return await model_from_catalog(sql)
            except TransportError as error:
                error.where = error.where or f"at {_place(source)}"
                raise
    found = _from_file(Path(source))
    if isinstance(found, Model):
        return found
    async with scratch.database() as database:
        for where, texts in found:
            await database.load(texts, where)
        return await model_from_catalog(database.sql)


def _is_connection_string(source: str) -> bool:
    """Tell whether it is one, or was meant to be: whoever connects says what is wrong with it, and does not show it."""
    return "://" in source or (any(sign in source for sign in _OF_A_PASSWORD) and not Path(source).exists())


def _place(source: str) -> str:
    """Return the host of a connection string, with its port where it names one: which of the two schemas it was."""
    from sendoka.http.connection_string import bracketed, parse

    parts = parse(source)
    return bracketed(parts.host) + (f":{parts.port}" if parts.port else "")


def _from_file(path: Path) -> Model | list[tuple[str, Sequence[str]]]:
    """Return the schema at `path`, or the names of the files that make it, with their texts."""
    if path.suffix == ".json" and path.is_file():
        return read_snapshot(path)
    if path.suffix == ".sql" and path.is_file():
        return [(path.name, [_text(path)])]
    if path.is_dir():
        return _from_folder(path)
    raise SettingsError(f"{str(path)!r} is no schema" if path.exists() else f"there is no {str(path)!r}", todo=_TODO)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SchemaError("the file is not in UTF-8", where=str(path)) from error


def _from_folder(path: Path) -> Model | list[tuple[str, Sequence[str]]]:
    if (path / "__init__.py").is_file():
        from sendoka.schema.from_python import model_from_folder

        return model_from_folder(path)
    try:
        return _from_migrations(path)
    except MigrationError as error:
        # For whoever compares schemas: 1 says that they differ.
        raise SchemaError(error.what, where=error.where or str(path), todo=error.todo) from error


def _from_migrations(path: Path) -> list[tuple[str, Sequence[str]]]:
    from sendoka.migrations.drizzle import is_drizzle_folder, read_drizzle_folder
    from sendoka.migrations.folder import read_folder

    if is_drizzle_folder(path):
        # One by one, as drizzle's HTTP migrator runs them: a new value of an enum can be used by the next statement.
        return [(each.name, each.statements) for each in read_drizzle_folder(path)]
    migrations = read_folder(path)
    if not migrations:
        raise SettingsError(
            f"{str(path)!r} holds neither migrations nor a schema in Python",
            todo="a schema folder has an __init__.py, and migrations are called 0000_two_words.sql",
        )
    return [(f"{each.name}.sql", ["\n".join(each.statements)]) for each in migrations]


class Comparison:
    """What leads from one schema to another. `doubt` says why no Postgres spelled both, where none did."""

    def __init__(self, changes: Changes, doubt: str | None = None) -> None:
        self.changes = changes
        self.doubt = doubt


async def compared(old: Model, new: Model, renaming: Renaming, scratch: Scratch) -> Comparison:
    """Return the changes from `old` to `new`; a scratch database is asked where they differ in texts of SQL.

    Where there can be none, texts are compared as they are, and the comparison's `doubt` says so. Raises SettingsError
    for a server that was named and cannot be used.
    """
    changes = diff(old, new, renaming)
    if not any(respelled(each.old, each.new) for each in changes.altered):
        return Comparison(changes)
    try:
        old, new = await _at_rest(old, scratch), await _at_rest(new, scratch)
    except (DatabaseError, SchemaError, SettingsError) as error:
        if isinstance(error, SettingsError) and scratch.is_given:
            raise
        first = str(error).partition("\n")[0]
        doubt = "no Postgres could spell both schemas, so their texts are compared as they are"
        return Comparison(changes, f"{doubt}: {first}")
    return Comparison(replace(diff(old, new, renaming), is_spelled=True))


def compared_here(old: Model, new: Model, renaming: Renaming | None) -> tuple[Changes, str | None]:
    """Return the changes from `old` to `new`, and why no Postgres spelled both, where none did.

    Where they differ in texts of SQL, a Postgres of this machine is started for a moment, and what it spells alike is
    no change; every other text stays as somebody wrote it. It cannot be called from a coroutine.
    """
    changes = diff(old, new, renaming)
    if not any(respelled(each.old, each.new) for each in changes.altered):
        return changes, None
    found = asyncio.run(_spelled(changes))
    return (changes if found.doubt else _without_respelled(changes, found.changes)), found.doubt


async def _spelled(changes: Changes) -> Comparison:
    from sendoka.scratch import Scratch

    async with Scratch() as scratch:
        return await compared(changes.old, changes.new, Renaming(), scratch)


def _without_respelled(changes: Changes, spelled: Changes) -> Changes:
    """Return `changes` without the properties whose texts differ, and turned out to be spelled alike."""
    told = {each.new.id: each.changed for each in spelled.altered}
    altered = []
    for each in changes.altered:
        alike = set(respelled(each.old, each.new)) - told.get(each.new.id, frozenset())
        if each.changed - alike:
            altered.append(replace(each, changed=each.changed - alike))
    return replace(changes, altered=tuple(altered), is_spelled=True)


async def _at_rest(model: Model, scratch: Scratch) -> Model:
    """Return the schema as Postgres spells it once it has read its own spelling of it."""
    for _ in range(_MOST_PASSES):
        async with scratch.database() as database:
            plain = model.with_objects(each for each in model if not kind_of(each).of_roles)
            for transaction in plan(diff(Model(), plain)).transactions:
                await database.sql.run_all([Statement(step.text) for step in transaction.steps])
            read = await model_from_catalog(database.sql)
        # What hangs on something that is not managed was not built, and keeps its spelling; nor was what is of roles.
        built = [each for each in read if not kind_of(each).of_roles]
        known = {each.id for each in built}
        spelled = model.with_objects([*built, *(each for each in model if each.id not in known)])
        if spelled == model:
            return model
        model = spelled
    return model
