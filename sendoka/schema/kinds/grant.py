"""Grants: which role may do what with one object, or with one column of a table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from sendoka.quoting import ident, literal, qualified
from sendoka.schema.kind import Kind, Renaming
from sendoka.schema.kinds import kind_named
from sendoka.schema.kinds._granting import Granting, read_grantings
from sendoka.schema.kinds._held import GRANTS, GROUND, UNMANAGED
from sendoka.schema.kinds._privileges import ALL, EVERYBODY, OWNER, Held, known, less, spread, told, turns, usual
from sendoka.schema.kinds._routine import signature_of
from sendoka.schema.kinds._view import Queried
from sendoka.schema.model import PUBLIC, Expression, Id, Object
from sendoka.schema.spelling import same
from sendoka.schema.step import Hazard, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sendoka.schema.declarations import Declarations
    from sendoka.schema.model import Model

__all__ = ["Grant", "GrantKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant(Object):
    """What the role `name` may do with an object, where that is not what it may by itself.

    `name` is `public` for everybody and `current_user` for the owner. `on` is the kind of the object that `target`
    names, or `identity` for the sequence behind a `column`; with another kind `column` is the one that it is about.
    `grantable` are those of the `privileges` that the role may grant to others. None at all: what everybody has by
    itself, EXECUTE on a function and USAGE on a type, was revoked.
    """

    kind = "grant"
    on: str
    target: str
    column: str | None = None
    privileges: tuple[str, ...] = ()
    grantable: tuple[str, ...] = ()

    @property
    def id(self) -> Id:
        """What tells it from all others: relations share one set of names, whatever kind they are of."""
        target = self.target if self.on in _RELATIONS else f"{self.on} {self.target}"
        plain = self.column is None and not {".", '"'} & set(self.name)
        name = self.name if plain else Id("", "", self.column or "", self.name).address
        return Id(self.kind, self.namespace, target, name)

    @property
    def held(self) -> Held:
        """What the role has."""
        return Held(frozenset(self.privileges), frozenset(self.grantable))

    @property
    def usual(self) -> Held:
        """What the role has by itself."""
        return usual(self.sort, self.name, in_public=self.on == "namespace" and self.target == PUBLIC)

    @property
    def sort(self) -> str:
        """What decides which privileges there are."""
        return "column" if self.is_of_column else self.on

    @property
    def is_of_column(self) -> bool:
        """Whether it is about a column; an identity's sequence has privileges of its own."""
        return self.column is not None and self.on != "identity"

    @property
    def place(self) -> str:
        """What it is about, in words: `column orgs.title`."""
        noun = {"identity": "the sequence of column"}.get(self.on, self.sort.replace("-", " "))
        return f"{noun} {Id('', self.namespace, self.target, self.column or '').address}"


_RELATIONS = frozenset({"table", "view", "materialized-view", "sequence"})
_NO_TEXT = Expression(declared="")
# What the classes of targets need beside a name, to be made for the sake of that name.
_BARE: dict[str, dict[str, Any]] = {
    "view": {"definition": _NO_TEXT},
    "materialized-view": {"definition": _NO_TEXT},
    "function": {"header": _NO_TEXT, "definition": _NO_TEXT},
    "procedure": {"header": _NO_TEXT, "definition": _NO_TEXT},
    "aggregate": {"header": _NO_TEXT, "definition": _NO_TEXT},
    "domain": {"type": ""},
}


class GrantKind(Kind[Grant]):
    """GRANT and REVOKE.

    Only the difference is granted and revoked, and everything where less than "all" is left, which is more on newer
    servers. What is dropped takes its grants along, and what is made anew gets them again. Roles are named, and not
    managed. A REVOKE is a hazard that does not ask: no row is lost and a GRANT takes it back, but whoever needs the
    privilege fails from that moment on.
    """

    name = "grant"
    rank = 99
    holds = Grant
    reads: ClassVar[tuple[type[Any], ...]] = (Grant, Granting)
    may_be_silent = True
    of_roles = True
    ground = GROUND
    catalog = GRANTS
    unmanaged = UNMANAGED

    def declared(self, declarations: Declarations) -> Iterator[Grant]:
        """Yield nothing: what they are about is known only once all else is."""
        return iter(())

    def declared_upon(self, model: Model, declarations: Declarations) -> Iterator[Grant]:
        """Read what is granted on the objects of `model`. What a role has by itself is no object."""
        given = (*declarations.of_class(Granting), *map(Granting.again, declarations.of_class(Grant)))
        for (on, namespace, target, column, to), held in sorted(read_grantings(given, model).items()):
            privileges, grantable = (tuple(sorted(names)) for names in held)
            found = Grant(
                name=to,
                namespace=namespace,
                on=on,
                target=target,
                column=column or None,
                privileges=privileges,
                grantable=grantable,
            )
            if found.held != found.usual:
                yield found

    def create(self, new: Grant, parts: Sequence[str]) -> list[Step]:
        """Return what leads from the usual privileges to these."""
        return _steps(new, new.usual, new.held)

    def takes_back(self, old: Grant) -> list[Step]:
        """Return what leads back to the usual privileges."""
        return _steps(old, old.held, old.usual, warns=True)

    def alter(self, old: Grant, new: Grant, changed: frozenset[str]) -> list[Step] | None:
        """Return the difference; None where something else has the name now, and all of it where it was made beside."""
        if "on" in changed:
            return None
        return self.create(new, ()) if "target" in changed else _steps(new, old.held, new.held, warns=True)

    def risks(self, new: Grant, model: Model) -> tuple[Hazard, ...]:
        """Return what is revoked of what everybody had by itself."""
        gone = less(new.usual.privileges, new.held.privileges)
        return (_revoked(new, gone),) if gone else ()

    def label(self, obj: Grant) -> str:
        """Return what stands behind ON: `TABLE "public"."orgs"`."""
        if obj.on == "namespace":
            return f"SCHEMA {ident(obj.target)}"
        if obj.on in {"function", "procedure", "aggregate"}:
            words = "PROCEDURE" if obj.on == "procedure" else "FUNCTION"
            return f"{words} {signature_of(obj.namespace, obj.target)}"
        words = "SEQUENCE" if obj.on == "sequence" else "TABLE" if obj.on in _RELATIONS else "TYPE"
        return f"{words} {qualified(obj.namespace, obj.target)}"

    def needs(self, obj: Grant, model: Model) -> Iterator[Id]:
        """Yield what it is about; for a column also the role's grant on the table, whose REVOKE counts for both."""
        yield _target(obj)
        if obj.column is not None:
            yield Id("column", obj.namespace, obj.target, obj.column)
        if obj.is_of_column:
            yield _on_all_of_it(obj)

    def stays(self, obj: Grant, old: Model, new: Model) -> bool:
        """Return false for a column of a view that gets another query: nobody knows whether it has the column still."""
        before, after = old.objects.get(_target(obj)), new.objects.get(_target(obj))
        if obj.is_of_column and isinstance(before, Queried) and isinstance(after, Queried):
            return same(before.definition, after.definition)
        return super().stays(obj, old, new)

    def moved(self, obj: Grant, renaming: Renaming) -> Grant:
        """Return it on its target as that is called after the renames, which only the target's kind knows."""
        if not renaming:
            return obj
        if obj.column is None:
            bare = _target_kind(obj).holds(name=obj.target, namespace=_target(obj).namespace, **_BARE.get(obj.on, {}))
            moved = _target_kind(obj).moved(bare, renaming)
            return replace(obj, target=moved.name, namespace=moved.namespace)
        column = kind_named("column")
        part = column.holds(name=obj.column, table=obj.target, namespace=obj.namespace, type="")  # type: ignore[call-arg]  # it is a Column
        moved = column.moved(part, renaming)
        return replace(obj, target=moved.table, namespace=moved.namespace, column=moved.name)

    def goes_with(self, obj: Grant) -> Id | None:
        """Return its target, or its column."""
        return _target(obj) if obj.column is None else Id("column", obj.namespace, obj.target, obj.column)

    def owned_by(self, obj: Grant) -> tuple[str, str] | None:
        """Return the table or view that takes it along."""
        return (obj.namespace, obj.target) if obj.on in _RELATIONS | {"identity"} else None

    def stands_aside(self, obj: Grant, key: Id, model: Model) -> tuple[list[Step], list[Step]] | None:
        """Return no steps where the REVOKE on a whole table leaves what the role has of the column alone."""
        whole = model.objects.get(key)
        if key.kind != self.name or (isinstance(whole, Grant) and _overlap(obj, whole.held)):
            return None
        return [], []

    def survives(self, obj: Grant, old: Object, new: Object) -> bool:
        """Return false where something is revoked on the whole table that the role has of the column as well."""
        if not isinstance(old, Grant) or not isinstance(new, Grant):
            return True
        lost = Held(*(less(one, other) for one, other in zip(old.held, new.held, strict=True)))
        return not _overlap(obj, lost)


def _overlap(grant: Grant, other: Held) -> bool:
    pairs = zip(grant.held, other, strict=True)
    return any(one and (one & two or (two and ALL in one | two)) for one, two in pairs)


def _target_kind(grant: Grant) -> Kind[Any]:
    return kind_named("table" if grant.on == "identity" else grant.on)


def _target(grant: Grant) -> Id:
    return Id(_target_kind(grant).name, grant.namespace, "", grant.target)


def _on_all_of_it(grant: Grant) -> Id:
    """Return the id of the same role's grant on the whole table."""
    return replace(grant, column=None).id


def _steps(grant: Grant, old: Held, new: Held, *, warns: bool = False) -> list[Step]:
    """Return the statements from one state to another; `warns` puts its hazard to each REVOKE."""
    found = []
    for verb, names, behind in turns(spread(grant.sort, old), spread(grant.sort, new)):
        way = "TO" if verb == "GRANT" else "FROM"
        role = {EVERYBODY: "PUBLIC", OWNER: "CURRENT_USER"}.get(grant.name) or ident(grant.name)
        hazards = (_revoked(grant, names, verb),) if warns and verb != "GRANT" else ()
        found.append(Step(_statement(grant, f"{verb} {_listed(grant, names)} ON", f"{way} {role}{behind}"), hazards))
    return found


def _statement(grant: Grant, before: str, after: str) -> str:
    """Return a whole statement. Only Postgres knows what the sequence of an identity is called."""
    if grant.on != "identity":
        return f"{before} {KIND.label(grant)} {after}"
    pattern = f"{before} SEQUENCE %s {after.replace('%', '%%')}"
    table = literal(qualified(grant.namespace, grant.target))
    sequence = f"pg_get_serial_sequence({table}, {literal(grant.column or '')})"
    body = f"BEGIN EXECUTE format({literal(pattern)}, {sequence}); END"
    return f"DO $${body}$$" if "$" not in body else f"DO {literal(body)}"


def _listed(grant: Grant, names: frozenset[str]) -> str:
    """Return privileges in Postgres' own order: `SELECT ("title")` for a column's."""
    column = f" ({ident(grant.column or '')})" if grant.is_of_column else ""
    return ", ".join(name + column for name in _words(grant, names))


def _words(grant: Grant, names: frozenset[str]) -> list[str]:
    some = told(grant.sort, names)
    return [name.upper() for name in (ALL, *known(grant.sort)) if name in some]


def _revoked(grant: Grant, names: frozenset[str], verb: str = "REVOKE") -> Hazard:
    who = {EVERYBODY: "everybody", OWNER: "the owner"}.get(grant.name, grant.name)
    words = ", ".join(_words(grant, names))
    what = words if verb == "REVOKE" else f"the right to pass on {words}"
    return Hazard("revoke", grant.id.address, f"{who} loses {what} on {grant.place}: what needs it fails from then on")


KIND = kind = GrantKind()
