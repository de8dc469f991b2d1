"""A schema as the files of a folder: one table a file, and everything else in a file of its noun."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sendoka.schema.kinds.domain import Domain
from sendoka.schema.kinds.enum import Enum
from sendoka.schema.kinds.index import Index
from sendoka.schema.kinds.table import Table
from sendoka.schema.model import PUBLIC, Id, Member, Model
from sendoka.schema.to_python.circles import late_keys
from sendoka.schema.to_python.code import Code, Name, call, laid_out, spread
from sendoka.schema.to_python.imports import Imports
from sendoka.schema.to_python.naming import Names, identifier, variable
from sendoka.schema.to_python.objects import object_code
from sendoka.schema.to_python.shared import domain_code, enum_code, is_shared
from sendoka.schema.to_python.table import INSIDE, Said, is_sayable, said_of, table_code
from sendoka.schema.to_python.types import Types

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sendoka.schema.model import Object

__all__ = ["INIT", "Source", "source_of"]

INIT = '''\
"""The schema: one table a file, each found by itself."""

from sqlalchemy import MetaData

from sendoka.schema import NAMING

metadata = MetaData(naming_convention=NAMING)
'''
"""The file that all others import the MetaData from; `sendoka init` makes the same."""


@dataclass(frozen=True, slots=True)
class Source:
    """The texts of a folder's files by their names, and what is said otherwise than the schema has it."""

    files: Mapping[str, str]
    notes: tuple[str, ...] = ()


def source_of(model: Model) -> Source:
    """Return the files that declare a schema: read again they make an equal one, but for what the notes say."""
    notes = [f"{each.id} is invalid: it is declared as it was meant to be" for each in model.all(Index) if each.invalid]
    return Source(dict(sorted(_Folder(_meant(each) for each in model).files())), tuple(notes))


def _meant(obj: Object) -> Object:
    return replace(obj, invalid=False) if isinstance(obj, Index) else obj


class _Folder:
    """Gives every object its file, and then writes them."""

    def __init__(self, objects: Iterable[Object]) -> None:
        self._model = Model.of(objects)
        self._names = Names()
        tables = self._model.all(Table)
        sayable = {(each.namespace, each.name) for each in tables if is_sayable(each)}
        # Those that are called as their file come first, so that it is theirs.
        own = sorted(
            (each for each in tables if each.partition_of is None),
            key=lambda each: (each.namespace != PUBLIC, identifier(each.name) != each.name),
        )
        self._places = {each.id: self._names.file(each.name, each.namespace) for each in own}
        self._said = {
            each.id: said_of(each, self._model, sayable) for each in own if (each.namespace, each.name) in sayable
        }
        self._shared = self._share()
        self._types = Types(self._model, self._shared)

    def _share(self) -> dict[Id, tuple[str, str]]:
        """Return the enums and domains that are written as SQLAlchemy's, by (file, variable)."""
        shared: dict[Id, tuple[str, str]] = {}
        for holds in (Enum, Domain):
            found = [each for each in self._model.all(holds) if is_shared(each)]
            file = self._noun(found[0].kind) if found else ""
            taken = {"metadata", "declare", holds.__name__}
            for each in found:
                name = each.name if each.namespace == PUBLIC else f"{each.namespace}_{each.name}"
                shared[each.id] = (file, variable(name, taken))
                taken.add(shared[each.id][1])
        return shared

    def _noun(self, kind: str) -> str:
        key = Id("file", "", "", kind)
        if key not in self._places:
            self._places[key] = self._names.noun(kind)
        return self._places[key]

    def files(self) -> Iterator[tuple[str, str]]:
        """Yield every file by its name."""
        yield "__init__.py", INIT
        late = late_keys(key for said in self._said.values() for key in said.foreign_keys)
        for key, said in self._said.items():
            yield f"{self._places[key]}.py", self._table(said, late)
        for file, objects in self._beside().items():
            yield f"{file}.py", self._declared(objects)

    def _table(self, said: Said, late: frozenset[Id]) -> str:
        imports = Imports()
        code = table_code(said, self._types, imports, late)
        name = variable(said.table.name, imports.names)
        return f"{imports.lines()}\n\n{laid_out(code, f'{name} = ')}\n"

    def _beside(self) -> dict[str, list[Object]]:
        """Return what stands in no table, by file: a table that SQLAlchemy cannot say has one with all its parts."""
        said = {key for key, each in self._said.items()} | {part for each in self._said.values() for part in each.parts}
        files: dict[str, list[Object]] = {}
        for each in self._model:
            if each.id not in said:
                files.setdefault(self._file_of(each), []).append(each)
        return files

    def _file_of(self, obj: Object) -> str:
        table = obj.id if isinstance(obj, Table) else None
        if isinstance(obj, INSIDE) and isinstance(obj, Member):
            table = Id("table", obj.namespace, "", obj.table)
        if table in self._places and table not in self._said:
            return self._places[table]
        return self._noun("partition" if isinstance(obj, Table) else obj.kind)

    def _declared(self, objects: list[Object]) -> str:
        imports = Imports()
        declare, metadata = imports.use("sendoka.schema", "declare"), imports.use(".", "metadata")
        assigned: list[str] = []
        declared: list[Code] = []
        for each in objects:
            if each.id in self._shared and isinstance(each, Enum | Domain):
                name = self._shared[each.id][1]
                code = enum_code(each, imports) if isinstance(each, Enum) else domain_code(each, self._types, imports)
                assigned.append(laid_out(code, f"{name} = "))
                declared.append(Name(name))
            if each.id not in self._shared or (isinstance(each, Enum) and each.comment):
                declared.append(object_code(each, imports))
        many = len(declared) > 1 and any(not isinstance(each, Name) for each in declared)
        done = call(declare, Name(metadata), *declared)
        return "\n".join(
            [imports.lines(), "", *assigned, *([""] if assigned else []), laid_out(spread(done) if many else done), ""]
        )
