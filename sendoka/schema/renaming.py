"""New names and new namespaces, by the ids that objects have before anything is renamed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from sendoka.quoting import qualified
from sendoka.schema.model import Id, Member, Object
from sendoka.schema.typenames import user_type, user_type_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sendoka.schema.model import Model

__all__ = ["Place", "Renaming"]

T = TypeVar("T", bound=Object)

Place = tuple[str, str]
"""(namespace, name) of what stands in a namespace by itself."""


@dataclass(frozen=True, slots=True)
class Renaming:
    """The new names of objects of any kind, and the new namespaces of those that move, by their old ids.

    `calls` are the renamed routines as texts call them, without the types of their arguments; `completed` finds them.
    """

    names: Mapping[Id, str] = field(default_factory=dict)
    homes: Mapping[Id, str] = field(default_factory=dict)
    calls: Mapping[Place, Place] = field(default_factory=dict)
    places: Mapping[Place, Place] = field(init=False, compare=False, repr=False)
    """The new places of what stands in a namespace by itself, by the old ones."""

    def __post_init__(self) -> None:
        """Look up by place what is renamed by id."""
        standing = (key for key in self.keys if key.kind != "namespace" and not key.table)
        places = {(key.namespace, key.name): (self.home(key), self.name(key)) for key in standing}
        object.__setattr__(self, "places", places)

    def __bool__(self) -> bool:
        return bool(self.names or self.homes)

    @property
    def keys(self) -> tuple[Id, ...]:
        """The old ids of all that is renamed or moves."""
        return tuple(dict.fromkeys((*self.names, *self.homes)))

    def only(self, keys: Iterable[Id]) -> Renaming:
        """Return the renames of `keys` alone."""
        kept = set(keys)
        names = {key: name for key, name in self.names.items() if key in kept}
        return Renaming(names, {key: home for key, home in self.homes.items() if key in kept}, self.calls)

    def completed(self, old: Model) -> Renaming:
        """Return the same with what follows from it: sequences that move with their table, and renamed calls.

        A call is renamed where all routines of its name are: its arguments do not tell which of them it means.
        """
        homes = dict(self.homes)
        for key in old.objects if homes else ():
            owner = getattr(old.objects[key], "owner", None) if key.kind == "sequence" else None
            home = self.homes.get(Id("table", key.namespace, "", owner[0])) if owner else None
            if home is not None:
                homes[key] = home
        found = Renaming(self.names, homes)
        calls = {}
        for place, keys in old.routines.items():
            places = {(found.home(key), found.name(key).partition("(")[0]) for key in keys}
            if len(places) == 1 and places != {place}:
                calls[place] = places.pop()
        return Renaming(self.names, homes, calls)

    def name(self, key: Id) -> str:
        """Return the new name of what has the id `key`, its own where it keeps it."""
        return self.names.get(key, key.name)

    def home(self, key: Id) -> str:
        """Return the new namespace of what stands in one by itself."""
        return self.homes.get(key) or self.namespace(key.namespace)

    def namespace(self, name: str) -> str:
        """Return the namespace's new name."""
        return self.name(Id("namespace", "", "", name))

    def place(self, namespace: str, name: str) -> Place:
        """Return where what stands in a namespace by itself is afterwards, of whatever kind it is; routines apart."""
        return self.places.get((namespace, name)) or (self.namespace(namespace), name)

    def call(self, namespace: str, name: str) -> Place:
        """Return the new place of the routines of one name."""
        return self.calls.get((namespace, name)) or (self.namespace(namespace), name)

    def column(self, namespace: str, table: str, name: str) -> str:
        """Return the column's new name; `table` is the table's old one."""
        return self.name(Id("column", namespace, table, name))

    def columns_of(self, namespace: str, table: str, names: Iterable[str]) -> tuple[str, ...]:
        """Return the new names of a table's columns."""
        return tuple(self.column(namespace, table, name) for name in names)

    def type(self, text: str) -> str:
        """Return how a type reads after the renames: `public.mood[]`."""
        named = user_type(text)
        return text if named is None else user_type_name(*self.place(*named[:2]), named[2])

    def collation(self, text: str | None) -> str | None:
        """Return how a collation reads after the renames."""
        named = user_type(text) if text is not None and text.startswith('"') else None
        return text if named is None else qualified(*self.place(*named[:2]))

    def label(self, type_: str, label: str) -> str:
        """Return the new name of a value of the enum that `type_` names."""
        namespace, name, _ = user_type(type_) or ("", "", "")
        return self.name(Id("enum-value", namespace, name, label))

    def within(self, namespace: str, table: str) -> dict[str, str]:
        """Return `{old: new}` for the columns of one table."""
        place = ("column", namespace, table)
        return {key.name: new for key, new in self.names.items() if (key.kind, key.namespace, key.table) == place}

    def placed(self, obj: T) -> T:
        """Return the object under its new name, in its namespace's and its table's; what it speaks of stays as it is.

        A part's table may be anything that has parts: a table, a materialized view.
        """
        if isinstance(obj, Member):
            namespace, table = self.place(obj.namespace, obj.table)
            return replace(obj, name=self.name(obj.id), namespace=namespace, table=table)
        return replace(obj, name=self.name(obj.id), namespace=self.home(obj.id))
