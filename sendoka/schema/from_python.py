"""A schema as a folder of Python modules declares it, one SQLAlchemy table a file."""

from __future__ import annotations

import difflib
import re
import sys
import traceback
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Constraint, MetaData, Sequence, Table, exc
from sqlalchemy.types import SchemaType

from sendoka.discover import (
    DiscoveryError,
    forget,
    imported,
    module_names,
    module_of,
    no_stale_byte_code,
    own_of,
    the_one,
)
from sendoka.errors import SchemaError
from sendoka.quoting import qualified
from sendoka.schema.declarations import Declarations
from sendoka.schema.declared import is_named, refuse
from sendoka.schema.kinds import all_kinds
from sendoka.schema.kinds.collation import Collation
from sendoka.schema.kinds.column import Column as ColumnObject
from sendoka.schema.model import Member, Model, Object
from sendoka.schema.uncollected import uncollected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Sequence as Several
    from types import ModuleType

    from sendoka.schema.kind import Kind

__all__ = ["load", "load_tables", "model_from", "model_from_folder", "model_from_tables"]


def model_from_folder(folder: Path) -> Model:
    """Return the schema that the modules of `folder` declare. Raises SchemaError as `load` and `model_from` do."""
    with uncollected():
        return model_from(load(folder))


def model_from_tables(tables: Iterable[Table]) -> Model:
    """Return the schema of SQLAlchemy tables and of their MetaData. Raises SchemaError as `model_from` does."""
    return model_from(Declarations.of(tables))


@uncollected()
def model_from(declarations: Declarations, kinds: Several[Kind[Any]] | None = None) -> Model:
    """Return the schema that `declarations` make, read by `kinds`: all of them, unless you say otherwise.

    Raises SchemaError for what contradicts itself, and for everything that no kind manages: by name, never in silence.
    """
    kinds = all_kinds() if kinds is None else kinds
    _refuse_unread(declarations, tuple(each for kind in kinds for each in kind.reads))
    found = [each for kind in kinds for each in kind.declared(declarations)]
    places = {each.name: qualified(each.namespace, each.name) for each in found if isinstance(each, Collation)}
    objects = [_collated(each, places) for each in found] if places else found
    model = Model.of(objects)
    upon = [each for kind in kinds for each in kind.declared_upon(model, declarations)]
    model = Model.of([*objects, *upon]) if upon else model
    model = replace(model, marks=tuple(declarations.marks()), silent=frozenset(_silent(declarations, kinds)))
    _refuse_homeless(model)
    _refuse_unknown_types(declarations, model)
    return model


def _refuse_unknown_types(declarations: Declarations, model: Model) -> None:
    """Raise SchemaError for a type that can only be an extension's where none is declared; `sql_type` is believed."""
    if model.extensions:
        return
    unknown = {
        (each.table, each.name): each
        for each in model.all(ColumnObject)
        if "." in each.type and model.type_id(each.type) is None
    }
    for table in declarations.tables if unknown else ():
        for column in table.columns:
            each = unknown.get((table.name, column.name))
            if each is not None and not is_named(column.type):
                raise SchemaError(
                    f"the type {each.type} is neither built in nor declared",
                    where=f"in column {table.fullname}.{column.name}",
                    todo='declare the extension that it is of: declare(metadata, extension("citext"))',
                )


def _silent(declarations: Declarations, kinds: Several[Kind[Any]]) -> Iterator[str]:
    """Yield the kinds of which nothing is said."""
    for kind in kinds:
        if kind.may_be_silent and not any(isinstance(extra, kind.reads) for extra in declarations.extras):
            yield kind.name


def _collated(piece: Any, places: Mapping[str, str]) -> Any:
    """Return an object, or a piece of one, with declared collations called by their namespaces, as Postgres does."""
    if isinstance(piece, tuple):
        return tuple(_collated(each, places) for each in piece)
    if not places or not is_dataclass(piece) or isinstance(piece, type):
        return piece
    changed = {each.name: _collated(getattr(piece, each.name), places) for each in fields(piece)}
    if changed.get("collation") in places:
        changed["collation"] = places[changed["collation"]]
    return replace(piece, **changed)


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

    Raises SchemaError where the folder is missing, a module fails to import (the cause is its own exception), defines
    more than one table or nothing at all, or has a foreign key to nothing.
    """
    modules = _loaded(folder)
    package = module_of(folder, "__init__")
    tables = [table for module in modules if (table := _table(folder, module)) is not None]
    metadata = [each for module in (package, *modules) for each in _metadata_of(module)]
    declarations = Declarations.of(tables, metadata)
    _refuse_unread_tables(folder, declarations)
    return declarations


def load_tables(folder: Path) -> list[Table]:
    """Return the table of every module in `folder` that has one, by file name. Raises SchemaError as `load` does."""
    return [table for module in _loaded(folder) if (table := _table(folder, module)) is not None]


def _loaded(folder: Path) -> list[ModuleType]:
    if not folder.is_dir():
        raise SchemaError("there is no schema folder", where=str(folder), todo="make one: sendoka init")
    if not (folder / "__init__.py").is_file():
        raise SchemaError(
            "the schema folder has no __init__.py", where=str(folder), todo="`sendoka init` and `sendoka pull` make one"
        )
    _refuse_folders(folder)
    forget(folder)
    return _modules(folder)


def _refuse_folders(folder: Path) -> None:
    """Raise SchemaError for modules in a folder below, which would be passed over."""
    for below in sorted(folder.iterdir()):
        if below.is_dir() and not below.name.startswith(("_", ".")) and any(below.glob("*.py")):
            raise SchemaError(
                f"{below.name}/ holds modules, and only those right in the folder are read for tables",
                where=f"in {folder}",
                todo="move its tables up; a folder that holds none starts with _",
            )


# ------------------------------------------------------------------ the folder's modules


def _modules(folder: Path) -> list[ModuleType]:
    def refused(place: str, error: BaseException) -> SchemaError:
        return _refused(folder, place, error)

    with no_stale_byte_code(folder.glob("*.py")):
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
    if isinstance(error, SyntaxError) and (error.text or "").startswith(("<<<<<<< ", "=======", ">>>>>>> ")):
        return SchemaError(
            f"{place} holds a merge conflict of Git", where=f"in {folder}", todo="edit it: keep what both sides meant"
        )
    relative = isinstance(error, ImportError) and (error.name or "").partition(".")[0] == folder.name
    todo = "files of the folder import each other relatively: from . import metadata" if relative else ""
    place += "," if "," in place else ""
    what = f"{place} cannot be imported: {type(error).__name__}: {error}"
    refused = SchemaError(what, where=f"in {folder}", todo=todo)
    refused.traceback = _traceback(error, folder.resolve())
    return refused


def _traceback(error: BaseException, folder: Path) -> str:
    """Return the traceback of what went wrong in a folder, from the first of its files on."""
    found = traceback.TracebackException.from_exception(error)
    inside = [place for place, frame in enumerate(found.stack) if Path(frame.filename).parent == folder]
    shown = found.stack[inside[0] :] if inside else []
    found.stack[:] = [frame for frame in shown if not frame.filename.startswith("<frozen importlib")]
    return "".join(found.format())


def _files_with(name: str, folder: Path) -> Iterator[str]:
    """Yield the files, of those that were imported so far, that define the table `name`."""
    package = module_of(folder, "__init__").__package__
    for stem in module_names(folder):
        module = sys.modules.get(f"{package}.{stem}")
        if module is not None:
            with suppress(DiscoveryError):
                if the_one(module, Table, noun="table").fullname == name:
                    yield f"{stem}.py"


def _table(folder: Path, module: ModuleType) -> Table | None:
    """Return the table of a file, made as a Table or by a mapped class; None for a file of other declarations."""
    mapped = _mapped(module)
    tables: dict[str, Table] = {
        name: each.__table__ for name, each in mapped.items() if isinstance(vars(each).get("__table__"), Table)
    }
    try:
        return the_one(module, Table, noun="table", more=tables)
    except DiscoveryError as error:
        if not tables and not own_of(module, Table) and (mapped or _declares(module)):
            return None
        stem = module.__name__.rpartition(".")[2]
        named = "" if own_of(module, Table) else f"give it a name at the top level, `{stem} = Table(…)`; "
        todo = f"{named}a file that is no table starts with _"
        raise SchemaError(str(error), where=f"in {folder}", todo=todo) from error


def _mapped(module: ModuleType) -> dict[str, Any]:
    """Return the mapped classes that a module itself defines; one that shares its parent's table has none of its own.

    SQLAlchemy's ORM is not imported to find them: a schema that uses it has done so.
    """
    own = (each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__)
    return {each.__name__: each for each in own if hasattr(each, "__mapper__")}


def _declares(module: ModuleType) -> bool:
    """Tell whether a file without a table is there for something else: it declares, or holds types for tables."""
    if any(own_of(module, each) for each in (Object, SchemaType, Sequence)):
        return True
    return "declare(" in Path(module.__file__ or "").read_text(encoding="utf-8")


def _metadata_of(module: ModuleType) -> Iterator[MetaData]:
    """Yield every MetaData that a module speaks of: its own, and those of the bases of mapped classes."""
    for each in vars(module).values():
        found = each if isinstance(each, MetaData) else vars(each).get("metadata") if isinstance(each, type) else None
        if isinstance(found, MetaData):
            yield found


def _refuse_unread_tables(folder: Path, declarations: Declarations) -> None:
    """Raise SchemaError for a table of the MetaData that no file of its own defines, which would be passed over."""
    read = {id(table) for table in declarations.tables}
    for metadata in declarations.metadata:
        for table in metadata.tables.values():
            if id(table) not in read:
                raise SchemaError(
                    f"the table {table.fullname} is declared, and no file of its own defines it",
                    where=f"in {folder}",
                    todo="give it one; __init__.py and files whose names start with _ are not read for tables",
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
