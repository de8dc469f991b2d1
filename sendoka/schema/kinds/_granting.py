"""What Python says of privileges: one call may name several roles and columns, and several calls one object."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sendoka.errors import SchemaError
from sendoka.schema.declared import checked_name
from sendoka.schema.kinds._privileges import ALL, EVERYBODY, Held, known, told
from sendoka.schema.model import PUBLIC, Id, Object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sendoka.schema.model import Model

__all__ = ["Granting", "read_grantings"]

Place = tuple[str, str, str, str, str]
"""(kind of target, its namespace, its name, column or nothing, role)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Granting(Object):
    """What `grant()` says: `name` is what it is on, of the kind `on` where that is known."""

    kind = "grant"
    on: str = ""
    to: tuple[str, ...]
    privileges: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    grantable: tuple[str, ...] = ()

    @classmethod
    def again(cls, grant: Any) -> Granting:
        """Return what would make a Grant that was declared as it is."""
        return cls(
            name=grant.target,
            namespace=grant.namespace,
            on=grant.on,
            to=(grant.name,),
            privileges=grant.privileges,
            columns=() if grant.column is None else (grant.column,),
            grantable=grant.grantable,
        )


def read_grantings(given: Iterable[Granting], model: Model) -> Mapping[Place, Held]:
    """Return what each role has of each object, all calls taken together.

    Raises SchemaError for what is not declared, and for privileges that there are not.
    """
    found: dict[Place, Held] = {}
    for each in given:
        on, target = _target(each, model)
        sort = "column" if each.columns and on != "identity" else on
        held = Held(*(_checked(sort, names, each) for names in (each.privileges, each.grantable)))
        for place in _places(each, on, target, model):
            before = found.get(place, Held())
            found[place] = Held(*(told(sort, one | other) for one, other in zip(before, held, strict=True)))
    return found


def _places(each: Granting, on: str, target: Id, model: Model) -> Iterator[Place]:
    for role in each.to:
        to = EVERYBODY if role.lower() == EVERYBODY else checked_name(role, "a role")
        if to == EVERYBODY and each.grantable:
            raise SchemaError("PUBLIC cannot grant to others", where=_where(each), todo="name the roles")
        for column in each.columns or ("",):
            if column and _lacks(model, target, column):
                raise SchemaError(f"a grant is on {target.name}.{column}, which is not declared", where=_where(each))
            yield on, target.namespace, target.name, column, to


def _lacks(model: Model, target: Id, column: str) -> bool:
    """Tell whether a table has its columns declared, and not this one; a partition and a view have none."""
    columns = [part.name for part in model.parts.get((target.namespace, target.name), ()) if part.kind == "column"]
    return bool(columns) and column not in columns


def _where(each: Granting) -> str:
    return f"in a grant on {each.name} to {', '.join(each.to)}"


def _checked(sort: str, names: Iterable[str], each: Granting) -> frozenset[str]:
    wanted = frozenset(name.lower() for name in names)
    strange = sorted(wanted - {ALL, *known(sort)})
    if strange:
        todo = f"there are: {', '.join((ALL, *known(sort)))}"
        what = f"{strange[0]!r} is no privilege on a {sort.replace('-', ' ')}"
        raise SchemaError(what, where=_where(each), todo=todo)
    return told(sort, wanted)


def _target(each: Granting, model: Model) -> tuple[str, Id]:
    """Return the kind of grant, and the id of what it is on: the namespace `public` is always there."""
    if each.on == "namespace":
        key = Id("namespace", "", "", each.name)
        found = [key] if key in model or each.name == PUBLIC else []
    elif each.on:
        key = Id("table" if each.on == "identity" else each.on, each.namespace, "", each.name)
        found = [key] if key in model else []
    else:
        found = list(_named(each.namespace, each.name, model))
    if len(found) == 1:
        return each.on or found[0].kind, found[0]
    if found:
        todo = "name one of them: " + ", ".join(key.name for key in found)
        raise SchemaError(f"several are called {each.name}", where=_where(each), todo=todo)
    near = difflib.get_close_matches(each.name, [key.name for key in model.objects if not key.table], n=1)
    todo = f"did you mean {near[0]}?" if near else ""
    raise SchemaError(f"a grant is on {each.name}, which is not declared", where=_where(each), todo=todo)


def _named(namespace: str, name: str, model: Model) -> Iterator[Id]:
    """Yield what a bare name may mean: a relation before a sequence, a type, and the routines of that name."""
    place = (namespace, name)
    sequence = Id("sequence", namespace, "", name)
    first = model.relations.get(place) or (sequence if sequence in model else None) or model.types.get(place)
    if first is not None:
        yield first
        return
    routines = model.routines.get((namespace, name.partition("(")[0]), ())
    yield from (key for key in routines if "(" not in name or key.name == name)
