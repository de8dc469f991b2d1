"""Sequences, those behind identity columns apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import Sequence as Declared

from sendoka.errors import SchemaError
from sendoka.quoting import ident, literal, qualified
from sendoka.schema.declared import checked_name, namespace_of, serial_column, type_of
from sendoka.schema.kind import Kind, Renaming
from sendoka.schema.kinds._comment import described
from sendoka.schema.kinds._counting import COUNTING, COUNTING_JOIN, USUAL, Counting, counting_of
from sendoka.schema.kinds.column import Column
from sendoka.schema.model import PUBLIC, Id, Object
from sendoka.schema.names import default_name
from sendoka.schema.spelling import sequences_in
from sendoka.schema.step import Hazard, Step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Sequence as Parts

    from sendoka.schema.declarations import Declarations
    from sendoka.schema.model import Model

__all__ = ["Sequence", "SequenceKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence(Object):
    """A sequence of numbers. `owner` is the (table, column), of its own namespace, that it goes with."""

    kind = "sequence"
    type: str = "bigint"
    counting: Counting = USUAL
    owner: tuple[str, str] | None = None

    @property
    def owner_id(self) -> Id | None:
        """The column that it goes with."""
        return None if self.owner is None else Id("column", self.namespace, *self.owner)


class SequenceKind(Kind[Sequence]):
    """CREATE SEQUENCE and its kin. A default needs its sequence, and OWNED BY needs the column: it comes last."""

    name = "sequence"
    rank = 8
    holds = Sequence
    claims = ("relation:S",)
    reads: ClassVar[tuple[type[Any], ...]] = (Sequence, Declared)
    renames_on_answer = True
    has_privileges = True
    catalog = f"""
        select c.nspname as namespace, c.relname as name, z.description as comment,
               format_type(q.seqtypid, null) as type, {COUNTING} as counting,
               (select json_build_array(t.relname, a.attname)
                  from pg_depend d join pg_class t on t.oid = d.refobjid
                       join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
                 where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'a'
                   and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0) as owner
          from relations c join pg_sequence q on q.seqrelid = c.oid {described("pg_class", "c.oid")}, {COUNTING_JOIN}
         order by c.nspname, c.relname"""
    unmanaged = """
        select 'sequence ' || c.nspname || '.' || c.relname || ' is unlogged'
          from relations c where c.relkind = 'S' and c.relpersistence = 'u'"""

    def declared(self, declarations: Declarations) -> Iterator[Sequence]:
        """Read the sequences of serial columns, those that defaults use, and those of the MetaData."""
        found: dict[Id, Sequence] = {}
        for each in _declared(declarations):
            checked_name(each.name, "a sequence")
            if found.setdefault(each.id, each) != each:
                raise SchemaError(f"the sequence {each.id.address} is declared twice, in two ways")
        return iter(sorted(found.values(), key=lambda each: each.id))

    def create(self, new: Sequence, parts: Parts[str]) -> list[Step]:
        """Return CREATE SEQUENCE."""
        of = f" AS {new.type}" if new.type != "bigint" else ""
        return [Step(f"CREATE SEQUENCE {_name(new)}{of}{new.counting.clause()}")]

    def label(self, obj: Sequence) -> str:
        """Return SEQUENCE and its name."""
        return f"SEQUENCE {_name(obj)}"

    def needs(self, obj: Sequence, model: Model) -> Iterator[Id]:
        """Yield its namespace."""
        yield Id("namespace", "", "", obj.namespace)

    def goes_with(self, obj: Sequence) -> Id | None:
        """Return its owner's id."""
        return obj.owner_id

    def stands_aside(self, obj: Sequence, key: Id, model: Model) -> tuple[list[Step], list[Step]] | None:
        """Return OWNED BY NONE and OWNED BY, for the time when its owner is not there."""
        if obj.owner is None or obj.owner_id != key:
            return None
        return [_owned(obj, "NONE")], [_owned(obj, _owner(obj.namespace, *obj.owner))]

    def moved(self, obj: Sequence, renaming: Renaming) -> Sequence:
        """Return it under its new name, and its owner's."""
        owner = obj.owner
        if owner is not None:
            _, table = renaming.place(obj.namespace, owner[0])
            owner = (table, renaming.column(obj.namespace, *owner))
        return replace(renaming.placed(obj), owner=owner)

    def renames(self, old: Sequence, new: Sequence) -> Iterator[tuple[Id, Id, str]]:
        """Yield its rename, and its move unless that is its owner's."""
        yield from super().renames(old, replace(new, namespace=old.namespace) if old.owner else new)

    def alter(self, old: Sequence, new: Sequence, changed: frozenset[str]) -> list[Step]:
        """Return ALTER SEQUENCE, without a new owner: it may not be there yet."""
        if not changed & {"type", "counting"}:
            return []
        moves, more = new.counting.followed(old.counting, literal(_name(new)), (old.type, new.type))
        words = " ".join((f"AS {new.type}", *new.counting.changes(retyped="type" in changed), more)).rstrip()
        return [*map(Step, moves), Step(f"ALTER SEQUENCE {_name(new)} {words}")]

    def opening(self, old: Sequence, new: Sequence) -> list[Step]:
        """Return OWNED BY NONE: what it went with may be dropped, and it stays."""
        return [_owned(new, "NONE")] if old.owner and old.owner != new.owner else []

    def closing(self, old: Sequence | None, new: Sequence, model: Model, *, fresh: bool) -> list[Step]:
        """Return OWNED BY; a new one goes on behind the values that a column has by it already."""
        if new.owner is None or (old is not None and old.owner == new.owner):
            return []
        steps = [_owned(new, _owner(new.namespace, *new.owner))]
        column = model.objects.get(Id("column", new.namespace, *new.owner))
        counts = isinstance(column, Column) and new.id in sequences_in(column.default)
        if old is None and not fresh and counts:
            steps.append(Step(new.counting.behind(literal(_name(new)), new.namespace, *new.owner)))
        return steps

    def closes_after(self, new: Sequence) -> Iterator[Id]:
        """Yield its owner."""
        if new.owner_id is not None:
            yield new.owner_id

    def loss(self, old: Sequence) -> Hazard:
        """Return the loss of the number it has come to."""
        why = f"the sequence {old.id.address} is dropped, and with it the number that it has come to"
        return Hazard("drop-sequence", old.id.address, why, asks=True)

    def relation(self, obj: Sequence) -> str:
        """Return its name."""
        return obj.name


def _owned(sequence: Sequence, owner: str) -> Step:
    return Step(f"ALTER SEQUENCE {_name(sequence)} OWNED BY {owner}")


def _owner(namespace: str, table: str, column: str) -> str:
    return f"{qualified(namespace, table)}.{ident(column)}"


def _name(sequence: Sequence) -> str:
    return qualified(sequence.namespace, sequence.name)


def _declared(declarations: Declarations) -> Iterator[Sequence]:
    for table in declarations.tables:
        column = serial_column(table)
        if column is not None:
            where = f"column {table.fullname}.{column.name}"
            name = default_name(table.name, column.name, "seq")
            of, _ = type_of(column.type, where)
            yield Sequence(name=name, namespace=namespace_of(table), type=of, owner=(table.name, column.name))
    for metadata in declarations.metadata:
        yield from map(_read, metadata._sequences.values())  # what create_all() makes; it has no public name
    yield from declarations.of_class(Sequence)
    yield from map(_read, declarations.of_class(Declared))


def _read(sequence: Declared) -> Sequence:
    of = "bigint"
    if sequence.data_type is not None:
        of, _ = type_of(sequence.data_type, f"sequence {sequence.name}")
    return Sequence(
        name=sequence.name, namespace=sequence.schema or PUBLIC, type=of, counting=counting_of(sequence, of)
    )


kind = SequenceKind()
