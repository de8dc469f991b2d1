"""A schema as a folder of Python modules declares it, one SQLAlchemy table a file."""

from __future__ import annotations

import difflib
import re
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import Constraint, MetaData, Table, exc

from sendoka.discover import DiscoveryError, forget, imported, module_names, module_of, the_one
from sendoka.errors import SchemaError
from sendoka.schema.declarations import Declarations
from sendoka.schema.declared import refuse
from sendoka.schema.kinds import all_kinds
from sendoka.schema.model import Member, Model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from types import ModuleType

    from sendoka.schema.kind import Kind

__all__ = ["load", "load_tables", "model_from", "model_from_folder", "model_from_tables"]


def model_from_folder(folder: Path) -> Model:
    """Return the schema that the modules of `folder` declare. Raises SchemaError as `load` and `model_from` do."""
    return model_from(load(folder))


def model_from_tables(tables: Iterable[Table]) -> Model:
    """Return the schema of SQLAlchemy tables and of their MetaData. Raises SchemaError as `model_from` does."""
    return model_from(Declarations.of(tables))


def model_from(declarations: Declarations, kinds: Sequence[Kind[Any]] | None = None) -> Model:
    """Return the schema that `declarations` make, read by `kinds`: all of them, unless you say otherwise.

    Raises SchemaError for what contradicts itself, and for everything that no kind manages: by name, never in silence.
    """
    kinds = all_kinds() if kinds is None else kinds
    _refuse_unread(declarations, tuple(each for kind in kinds for each in kind.reads))
    model = Model.of(each for kind in kinds for each in kind.declared(declarations))
    _refuse_homeless(model)
    return model


def _refuse_homeless(model: Model) -> None:
    """Raise SchemaError for a part, such as a policy, of a table that is not declared."""
    for each in model:
        place = (each.namespace, each.table) if isinstance(each, Member) else None
        if place is not None and place not in model.relations:
            what = f"{each.id} stands on {'.'.join(place)}, which is not declared"
            near = difflib.get_close_matches(place[1], [name for _, name in model.relations], n=1)
            raise SchemaError(what, todo=f"did you mean {near[0]}?" if near else "")


def load(folder: Path) -> Declarations:
    """Return what the modules of `folder` declare, by file name. The files are read afresh each time.

    Raises SchemaError where the folder is missing, a module fails to import (the cause is its own exception), does not
    define exactly one table or has a foreign key to nothing.
    """
    tables = load_tables(folder)
    package = module_of(folder, "__init__")
    return Declarations.of(tables, [each for each in vars(package).values() if isinstance(each, MetaData)])


def load_tables(folder: Path) -> list[Table]:
    """Return the table of every module in `folder`, by file name. Raises SchemaError as `load` does."""
    if not folder.is_dir():
        raise SchemaError("there is no schema folder", where=str(folder), todo="make one: sendoka init")
    forget(folder)
    return [_table(folder, module) for module in _modules(folder)]


# ------------------------------------------------------------------ the folder's modules


def _modules(folder: Path) -> list[ModuleType]:
    def refused(place: str, error: BaseException) -> SchemaError:
        return _refused(folder, place, error)

    _package, *modules = [imported(folder, name, refused) for name in ("__init__", *module_names(folder))]
    return modules


_TWICE = re.compile(r"Table '(?P<name>.+)' is already defined for this MetaData")


def _refused(folder: Path, place: str, error: BaseException) -> SchemaError:
    """Return the error for a module that cannot be imported, in the folder's own terms where it has some."""
    twice = _TWICE.match(str(error)) if isinstance(error, exc.InvalidRequestError) else None
    if twice is not None:
        file = place.partition(",")[0]
        files = sorted({file, *_files_with(twice["name"], folder)})
        what = f"{' and '.join(files)} both declare" if len(files) > 1 else f"{file} declares twice"
        return SchemaError(
            f"{what} the table {twice['name']}", where=f"in {folder}", todo="keep one of the two, or rename one"
        )
    relative = isinstance(error, ImportError) and (error.name or "").partition(".")[0] == folder.name
    todo = "files of the folder import each other relatively: from . import metadata" if relative else ""
    place += "," if "," in place else ""
    what = f"{place} cannot be imported: {type(error).__name__}: {error}"
    return SchemaError(what, where=f"in {folder}", todo=todo)


def _files_with(name: str, folder: Path) -> Iterator[str]:
    """Yield the files, of those that were imported so far, that define the table `name`."""
    package = module_of(folder, "__init__").__package__
    for stem in module_names(folder):
        module = sys.modules.get(f"{package}.{stem}")
        if module is not None:
            with suppress(DiscoveryError):
                if the_one(module, Table, noun="table").fullname == name:
                    yield f"{stem}.py"


def _table(folder: Path, module: ModuleType) -> Table:
    try:
        table = the_one(module, Table, noun="table")
    except DiscoveryError as error:
        _refuse_declarative(folder, module, None)
        raise SchemaError(str(error), where=f"in {folder}", todo="a file that is no table starts with _") from error
    _refuse_declarative(folder, module, table)
    return table


def _refuse_declarative(folder: Path, module: ModuleType, table: Table | None) -> None:
    """Raise SchemaError for a mapped class with a table of its own, which would be passed over otherwise."""
    own = (each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__)
    for mapped in (each for each in own if hasattr(each, "registry") and hasattr(each, "__table__")):
        if mapped.__table__ is not table:
            file = f"{module.__name__.rpartition('.')[2]}.py"
            raise SchemaError(
                f"{file} has the class {mapped.__name__}, and declarative classes are not read",
                where=f"in {folder}",
                todo=f"write it as {mapped.__table__.name} = Table({mapped.__table__.name!r}, metadata, …)",
            )


def _refuse_unread(declarations: Declarations, read: tuple[type[Any], ...]) -> None:
    """Raise SchemaError for a constraint and an extra that no kind reads, and for what its owner made conditional."""
    for extra in declarations.extras:
        if not isinstance(extra, read):
            raise refuse(f"{type(extra).__name__} {extra!r}", "the declarations")
    for table in declarations.tables:
        for item in (table, *table.constraints, *table.indexes):
            if isinstance(item, Constraint) and not isinstance(item, read):
                raise refuse(f"the constraint {type(item).__name__}", f"table {table.fullname}")
            if getattr(item, "_ddl_if", None) is not None:  # the public ddl_if() has no public getter
                raise refuse("ddl_if()", f"table {table.fullname}")
