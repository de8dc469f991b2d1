"""A schema as a folder of Python modules declares it, one SQLAlchemy table a file."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Constraint, Table

from sendoka.discover import DiscoveryError, forget, module_names, module_of, package_of, the_one
from sendoka.errors import SchemaError
from sendoka.schema.declared import refuse
from sendoka.schema.kinds import all_kinds
from sendoka.schema.model import Model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeVar

    R = TypeVar("R")

__all__ = ["load_tables", "model_from_folder", "model_from_tables"]


def model_from_folder(folder: Path) -> Model:
    """Return the schema that the modules of `folder` declare. Raises SchemaError as `load_tables` does."""
    return model_from_tables(load_tables(folder))


def load_tables(folder: Path) -> list[Table]:
    """Return the table of every module in `folder`, by file name. The files are read afresh each time.

    Raises SchemaError where the folder is missing, a module fails to import (the cause is its own exception) or does
    not define exactly one table.
    """
    if not folder.is_dir():
        raise SchemaError("there is no schema folder", where=str(folder), todo="make one: sendoka init")
    forget(folder)
    _imported(lambda: package_of(folder), folder, "__init__.py")
    return [_table(folder, name) for name in module_names(folder)]


def _table(folder: Path, name: str) -> Table:
    module = _imported(lambda: module_of(folder, name), folder, f"{name}.py")
    try:
        return the_one(module, Table, noun="table")
    except DiscoveryError as error:
        raise SchemaError(str(error), where=f"in {folder}", todo="a file that is no table starts with _") from error


def _imported(load: Callable[[], R], folder: Path, file: str) -> R:
    try:
        return load()
    except Exception as error:
        culprit = _culprit(error, folder) or file
        what = f"{culprit} cannot be imported: {type(error).__name__}: {error}"
        raise SchemaError(what, where=f"in {folder}") from error


def _culprit(error: BaseException, folder: Path) -> str | None:
    """Return the file and line of `folder` that was running when the error came."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}, line {error.lineno},"
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if Path(frame.filename).parent == folder.resolve()]
    return f"{Path(inside[-1].filename).name}, line {inside[-1].lineno}," if inside else None


def model_from_tables(tables: Iterable[Table]) -> Model:
    """Return the schema of SQLAlchemy tables.

    Raises SchemaError for what contradicts itself, and for everything that no kind manages: by name, never in silence.
    """
    tables = list(tables)
    _refuse_unread(tables)
    return Model.of(each for kind in all_kinds() for each in kind.declared(tables))


def _refuse_unread(tables: Sequence[Table]) -> None:
    """Raise SchemaError for a constraint that no kind reads, and for what its owner made conditional."""
    read = tuple(each for kind in all_kinds() for each in kind.reads)
    for table in tables:
        for item in (table, *table.constraints, *table.indexes):
            if isinstance(item, Constraint) and not isinstance(item, read):
                raise refuse(f"the constraint {type(item).__name__}", f"table {table.fullname}")
            if getattr(item, "_ddl_if", None) is not None:  # the public ddl_if() has no public getter
                raise refuse("ddl_if()", f"table {table.fullname}")
