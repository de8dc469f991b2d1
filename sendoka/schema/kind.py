"""What a kind of database object must know: to be read, created, changed, dropped and put in order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from sendoka.quoting import ident, literal
from sendoka.schema.declared import checked_name
from sendoka.schema.model import Member, Object
from sendoka.schema.renaming import Renaming
from sendoka.schema.step import Hazard, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sendoka.schema.declarations import Declarations
    from sendoka.schema.model import Id, Model
    from sendoka.schema.step import Place

__all__ = ["Kind", "Renaming"]

T = TypeVar("T", bound=Object)


class Kind(ABC, Generic[T]):
    """One kind of object. A file of `kinds/` defines one instance, and it is found.

    `holds` is the class of its objects; their fields are the properties it manages, the keys of the snapshot and the
    columns of `catalog`, a SELECT that may stand on common table expressions: those of `ground.GROUND`, and its own,
    which are `ground`; kinds with the same ones share them. `claims` are the classes of `census` that it manages, such
    as `relation:v` or `type:e`: what nobody claims is listed as unmanaged. `unmanaged` is a SELECT like `catalog` of a
    text each: what a database has of the claimed and no property covers. `reads` are the classes that it reads from
    SQLAlchemy, its constraints and the extras of `Declarations`; what no kind reads is refused. Kinds of lower `rank`
    are created earlier and dropped later, where nothing else decides.

    `inherited` is a SELECT like `catalog` of what partitions have from their tables, under names of its own.

    `has_parts` is true of what is created and dropped with its members inside; `keeps_order` of parts whose place among
    their neighbours the snapshot keeps; `renames_freely` where two objects that differ in nothing but their name are
    one, and nobody is asked; `renames_on_answer` where one that goes while another comes may be meant as a rename, and
    a person is asked; `renames_if_alterable` where that is so if all else can be changed in place. `stays_behind` is
    true of a part that does not move along when its table goes to another namespace. `has_privileges` is true of what
    GRANT knows, `of_roles` of what is about nothing but roles. `may_be_silent` is true where Python says nothing at
    all, rather than that there are none, unless it declares one.
    """

    name: ClassVar[str]
    rank: ClassVar[int]
    holds: ClassVar[type[Object]]
    catalog: ClassVar[str]
    ground: ClassVar[str] = ""
    claims: ClassVar[tuple[str, ...]] = ()
    unmanaged: ClassVar[str] = ""
    inherited: ClassVar[str] = ""
    reads: ClassVar[tuple[type[Any], ...]] = ()
    has_parts: ClassVar[bool] = False
    keeps_order: ClassVar[bool] = False
    renames_freely: ClassVar[bool] = False
    renames_on_answer: ClassVar[bool] = False
    renames_if_alterable: ClassVar[bool] = False
    stays_behind: ClassVar[bool] = False
    has_privileges: ClassVar[bool] = False
    of_roles: ClassVar[bool] = False
    may_be_silent: ClassVar[bool] = False

    def declared(self, declarations: Declarations) -> Iterator[T]:
        """Read the objects from what Python declares. Raises SchemaError, by name, for what is not managed.

        Here they are those of `declare()`, in order of their names; a kind that SQLAlchemy has a class for reads that.
        """
        found = sorted(cast("Iterator[T]", declarations.of_class(self.holds)), key=lambda each: each.id)
        noun = self.name.replace("-", " ")
        for each in found:
            checked_name(each.called, f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}")
        return iter(found)

    def declared_upon(self, model: Model, declarations: Declarations) -> Iterator[T]:
        """Read what only they can tell who know all else, the objects of `model`. Raises SchemaError as `declared`."""
        return iter(())

    @abstractmethod
    def create(self, new: T, parts: Sequence[str]) -> list[Step]:
        """Return the steps that create it; `parts` are the clauses of what is created inside it."""

    def drop(self, old: T) -> str:
        """Return the statement that drops it. It has no CASCADE."""
        return f"DROP {self.label(old)}"

    def takes_back(self, old: T) -> list[Step] | None:
        """Return the steps that undo it, with their hazards; None where it is dropped by one statement, and is lost."""
        return None

    def freeing(self, old: T, model: Model) -> list[Step]:
        """Return what must be done about it in the old schema before it can be dropped."""
        return []

    @abstractmethod
    def needs(self, obj: T, model: Model) -> Iterator[Id]:
        """Yield what must exist before it does and cannot go while it stays; ids that do not exist are no harm."""

    def stays(self, obj: T, old: Model, new: Model) -> bool:
        """Tell whether it can stay in a schema that is silent about its kind: what it needs of others is there."""
        return all(need in new for need in self.needs(obj, old) if need in old and need.kind != self.name)

    def wants(self, obj: T, model: Model) -> Iterator[Id]:
        """Yield what had better exist before it does, though it can do without, as what a body that is text speaks of.

        Where those who want each other stand in a circle, bodies are taken unread.
        """
        return iter(())

    def is_unreadable(self, obj: T, model: Model) -> bool:
        """Tell whether Postgres would refuse it because it speaks of what is nowhere in the schema."""
        return False

    @abstractmethod
    def moved(self, obj: T, renaming: Renaming) -> T:
        """Return the object as it reads after the renames."""

    def rename(self, old: T, new: T) -> str:
        """Return the statement that gives `old` the name of `new`."""
        return f"ALTER {self.label(old)} RENAME TO {ident(new.called)}"

    def move(self, old: T, new: T) -> str:
        """Return the statement that takes `old` to the namespace of `new`; its parts move along."""
        return f"ALTER {self.label(old)} SET SCHEMA {ident(new.namespace)}"

    def renames(self, old: T, new: T) -> Iterator[tuple[Id, Id, str]]:
        """Yield what is renamed between the two, the object and pieces of it: (id, new id, statement).

        Here it gets its name first, and then another namespace.
        """
        here = replace(new, namespace=old.namespace)
        if old.name != new.name:
            yield old.id, here.id, self.rename(old, here)
        if old.namespace != new.namespace:
            yield here.id, new.id, self.move(here, new)

    @abstractmethod
    def label(self, obj: T) -> str:
        """Return what COMMENT ON, DROP and ALTER call it: `TABLE "public"."orgs"`."""

    def part(self, new: T) -> str | None:
        """Return the clause that creates it inside its table's CREATE TABLE, or None where there is no such clause."""
        return None

    def merges(self, new: T) -> object:
        """Return what no two clauses inside one CREATE TABLE may have in common, lest Postgres make one thing of both.

        None where it makes all of them.
        """
        return None

    def afterwards(self, new: T) -> list[Step]:
        """Return what of a new object no CREATE can say, whether it was made by itself or inside its table."""
        return []

    def alter(self, old: T, new: T, changed: frozenset[str]) -> list[Step] | None:
        """Return the steps that change it in place, or None where it must be dropped and created again."""
        return None

    def altered(self, old: T, new: T, changed: frozenset[str]) -> list[Step] | None:
        """Return the steps that change it in place, its comment included; None where it must be made anew."""
        rest = changed - {"comment"}
        steps = self.alter(old, new, rest) if rest else []
        return steps if steps is None or rest == changed else [*steps, self.remark(new)]

    def is_stuck(self, old: T, new: T, model: Model) -> bool:
        """Tell whether Postgres refuses what `alter` returns, because of what uses `old` in its schema."""
        return False

    def approach(self, old: T, new: T) -> list[Step]:
        """Return what of a change is done in place before the users of `old` move over to `new`."""
        return []

    def superseded(self, old: T, new: T) -> tuple[T, tuple[Hazard, ...]] | None:
        """Return what `old` is called meanwhile, where `new` is made beside it and its users move over; else None.

        With it come the hazards of losing what only the old one has.
        """
        return None

    def stands_aside(self, obj: T, key: Id, model: Model) -> tuple[list[Step], list[Step]] | None:
        """Return the steps that let go of `key` and take it up again; None where it must be dropped for that."""
        return None

    def goes_with(self, obj: T) -> Id | None:
        """Return what it disappears with, beside the table that it is a part of."""
        return None

    def stuck_in(self, old: T, new: T, model: Model) -> Id | None:
        """Return what must be made anew for it to become `new`; None where it can change by itself."""
        return None

    def opening(self, old: T, new: T) -> list[Step]:
        """Return what of an alteration is done at the beginning, because it makes room for others."""
        return []

    def closing(self, old: T | None, new: T, model: Model, *, fresh: bool) -> list[Step]:
        """Return what is done about it at the end, once all of `closes_after` is there; `old` is None for a new one.

        `model` is the new schema; `fresh` is true where what it goes with is new as well.
        """
        return []

    def closes_after(self, new: T) -> Iterator[Id]:
        """Yield what `closing` waits for."""
        return iter(())

    def remark(self, obj: T) -> Step:
        """Return COMMENT ON."""
        return Step(f"COMMENT ON {self.label(obj)} IS {'NULL' if obj.comment is None else literal(obj.comment)}")

    def survives(self, obj: T, old: Object, new: Object) -> bool:
        """Tell whether it may stay while something it needs is altered from `old` to `new`."""
        return True

    def risks(self, new: T, model: Model) -> tuple[Hazard, ...]:
        """Return the hazards of creating it on a table that may hold rows; `model` is the new schema."""
        return ()

    def holds_data(self, obj: T) -> bool:
        """Tell whether dropping it and making it again loses something."""
        return False

    def online(self, new: T, model: Model) -> list[Step] | None:
        """Return the steps that create it on a table in use, none of which holds others up; None where it has none.

        They are those of several files: what is `apart`, and what runs in no transaction, begins one.
        """
        return None

    def locks(self, obj: T, model: Model) -> tuple[Place, ...]:
        """Return the tables that a step about it locks."""
        owner = self.owned_by(obj)
        if owner is not None:
            return (owner,)
        if obj.is_type:
            users = (each for each in model if isinstance(each, Member) and hasattr(each, "type"))
            return tuple({(each.namespace, each.table): 0 for each in users if model.type_id(each.type) == obj.id})
        return ((obj.namespace, obj.name),) if obj.is_relation else ()

    def loss(self, old: T) -> Hazard:
        """Return the hazard of dropping it for good."""
        return Hazard(f"drop-{self.name}", old.id.address, f"{old.id} is dropped", asks=True)

    def relation(self, obj: T) -> str | None:
        """Return the name it occupies among its namespace's relations, or None."""
        return None

    def owned_by(self, obj: T) -> tuple[str, str] | None:
        """Return (namespace, name) of the table it is a part of, or None."""
        return (obj.namespace, obj.table) if isinstance(obj, Member) else None
