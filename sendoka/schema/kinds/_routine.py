"""What functions and procedures share: a whole CREATE statement under a name and the types of its arguments."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, TypeVar

from sendoka.quoting import ident
from sendoka.schema.kind import Kind, Renaming
from sendoka.schema.kinds._comment import described
from sendoka.schema.kinds._type import keeps_type, type_in_catalog
from sendoka.schema.mentioned import extensions_in, ids_in, mentioned, routines_in, rows_in, types_in
from sendoka.schema.model import Expression, Id, Object
from sendoka.schema.rewording import renamed_statement
from sendoka.schema.spelling import sequences_in
from sendoka.schema.step import Step
from sendoka.schema.typenames import spelled_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sendoka.schema.model import Model

__all__ = ["ROUTINE_NAME", "Routine", "RoutineKind", "routine_catalog", "signature_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Routine(Object):
    """A routine. `name` is its own with the types of its arguments, `f(integer, text)`: one name may have many.

    `header` is what CREATE OR REPLACE cannot change: the arguments with their names, and the result. `definition` is
    the whole CREATE statement.
    """

    is_routine = True
    header: Expression
    definition: Expression

    @property
    def called(self) -> str:
        """The name without the types."""
        return self.name.partition("(")[0]

    @property
    def types(self) -> tuple[str, ...]:
        """The types of its arguments."""
        types = self.name.partition("(")[2].removesuffix(")")
        return tuple(types.split(", ")) if types else ()

    @property
    def signature(self) -> str:
        """The name with the types, as a statement takes it."""
        return signature_of(self.namespace, self.name)


def signature_of(namespace: str, name: str) -> str:
    """Return a routine's name with its types as a statement takes it."""
    called, _, types = name.partition("(")
    types = types.removesuffix(")")
    listed = ", ".join(spelled_type(each) for each in types.split(", ")) if types else ""
    return f"{ident(namespace)}.{ident(called)}({listed})"


R = TypeVar("R", bound=Routine)


_TYPE = type_in_catalog("format_type(a.oid, null)")

ROUTINE_NAME = f"""p.proname || '(' || coalesce((select string_agg({_TYPE}, ', ' order by a.place)
                    from unnest(p.proargtypes::oid[]) with ordinality a(oid, place)
                         join pg_type y on y.oid = a.oid), '') || ')'"""
"""The name of a routine with the types of its arguments, from `p`, a row of pg_proc."""


def routine_catalog(prokinds: str) -> str:
    """Return the SELECT of the routines of some kinds, by `pg_proc.prokind`."""
    listed = ", ".join(f"'{each}'" for each in prokinds)
    return f"""
        select p.nspname as namespace, z.description as comment, p.called as name,
               json_build_object('canonical', '(' || pg_get_function_arguments(p.oid) || ')'
                    || coalesce(' ' || pg_get_function_result(p.oid), '')) as header,
               json_build_object('canonical', btrim(pg_get_functiondef(p.oid), E' \\n')) as definition
          from routines p {described("pg_proc", "p.oid")}
         where p.prokind in ({listed}) order by p.nspname, p.proname, p.oid"""


_CREATE = re.compile(r"\s*create\s+(?:or\s+replace\s+)?", re.IGNORECASE)
_BODY = re.compile(r"\bas\s+(\$[^$]*\$|')", re.IGNORECASE)
_LANGUAGE = re.compile(r"\blanguage\s+['\"]?(\w+)", re.IGNORECASE)
_CTE = re.compile(r"(\w+)\"?\s*(?:\([^()]*\))?\s+as\s+(?:not\s+)?(?:materialized\s*)?\(", re.IGNORECASE)
_BUILT_IN = frozenset({"pg_catalog", "information_schema"})


class RoutineKind(Kind[R]):
    """CREATE OR REPLACE and its kin. `words` is FUNCTION or PROCEDURE."""

    words: ClassVar[str]
    rank = 25
    renames_if_alterable = True
    has_privileges = True

    def create(self, new: R, parts: Sequence[str]) -> list[Step]:
        """Return the statement as it was declared."""
        return [Step(new.definition.text)]

    def label(self, obj: R) -> str:
        """Return FUNCTION or PROCEDURE, and its signature."""
        return f"{self.words} {obj.signature}"

    def needs(self, obj: R, model: Model) -> Iterator[Id]:
        """Yield its namespace, the types it takes and returns, and what a body speaks of that is no text."""
        yield Id("namespace", "", "", obj.namespace)
        yield from types_in(obj.header.text, model)
        yield from extensions_in(obj.header.text, model)
        yield from rows_in(obj.header.text, model)
        own = model.routines.get((obj.namespace, obj.called), ())  # its text names itself, and so its namesakes
        speaks = routines_in(obj.header.text, model) if _body(obj) else ids_in(obj.definition.text, model)
        yield from (key for key in speaks if key not in own)

    def wants(self, obj: R, model: Model) -> Iterator[Id]:
        """Yield what its body, a text, speaks of, and the columns of the rows it takes."""
        body = _body(obj)
        if not body:
            return
        yield from (key for key in ids_in(body[1], model) if key != obj.id)
        yield from sequences_in(Expression(declared=body[1]))
        words = mentioned(body[1]).words
        for key in rows_in(obj.header.text, model):
            parts = model.parts.get((key.namespace, key.name), ())
            yield from (each.id for each in parts if each.kind == "column" and each.name in words)

    def is_unreadable(self, obj: R, model: Model) -> bool:
        """Tell whether its body is SQL that reads from what the schema does not have."""
        body = _body(obj)
        language = _LANGUAGE.search(body[0]) if body else None
        if body is None or language is None or language[1].lower() != "sql":
            return False
        named = {match[1].lower() for match in _CTE.finditer(body[1])}
        return any(
            name not in named and not name.startswith("pg_")
            for namespace, name in mentioned(body[1]).relations - model.relations.keys()
            if namespace not in _BUILT_IN
        )

    def moved(self, obj: R, renaming: Renaming) -> R:
        """Return it under its new name, with its types under theirs; a body that is a string is what somebody wrote."""
        types = [renaming.type(each) for each in obj.types]
        name = renaming.names.get(obj.id, f"{obj.called}({', '.join(types)})")
        home = renaming.home(obj.id)
        calls = {(obj.namespace, obj.called): (home, name.partition("(")[0])}
        return replace(
            obj,
            name=name,
            namespace=home,
            header=renamed_statement(obj.header, renaming),
            definition=renamed_statement(obj.definition, renaming, calls=calls),
        )

    def alter(self, old: R, new: R, changed: frozenset[str]) -> list[Step] | None:
        """Return CREATE OR REPLACE, unless the arguments' names or the result change."""
        if "header" in changed:
            return None
        return [Step(_CREATE.sub("CREATE OR REPLACE ", new.definition.text, count=1))]

    def survives(self, obj: R, old: Object, new: Object) -> bool:
        """Return false where its body is no text and a column that it speaks of changes its type."""
        return _body(obj) is not None or keeps_type(old, new)


def _body(routine: Routine) -> tuple[str, str] | None:
    """Return the statement without its body, and the body with its quotes taken away; None where it is no text."""
    text = routine.definition.text
    match = _BODY.search(text)
    if match is None:
        return None
    body, quote, rest = text[match.end() :].rpartition(match[1])
    return text[: match.start()] + rest, body.replace("''", "'") if quote == "'" else body
