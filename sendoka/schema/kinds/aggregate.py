"""Aggregates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from sendoka.schema.kinds._comment import described
from sendoka.schema.kinds._routine import Routine, RoutineKind
from sendoka.schema.mentioned import mentioned
from sendoka.schema.step import Hazard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.schema.model import Id, Model
    from sendoka.schema.step import Step

__all__ = ["Aggregate", "AggregateKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate(Routine):
    """An aggregate."""

    kind = "aggregate"


# Postgres has no function that writes it: these are the words of CREATE AGGREGATE, in the order of its documentation.
_WORDS = """array_to_string(array_remove(array[
                    'SFUNC = ' || g.aggtransfn::regproc, 'STYPE = ' || format_type(g.aggtranstype, null),
                    case when g.aggtransspace <> 0 then 'SSPACE = ' || g.aggtransspace end,
                    case when g.aggfinalfn <> 0 then 'FINALFUNC = ' || g.aggfinalfn::regproc end,
                    case when g.aggfinalextra then 'FINALFUNC_EXTRA' end,
                    case when g.aggfinalfn <> 0
                              and g.aggfinalmodify <> case g.aggkind when 'n' then 'r' else 'w' end::"char"
                         then 'FINALFUNC_MODIFY = ' || case g.aggfinalmodify when 'r' then 'READ_ONLY'
                              when 's' then 'SHAREABLE' else 'READ_WRITE' end end,
                    case when g.aggcombinefn <> 0 then 'COMBINEFUNC = ' || g.aggcombinefn::regproc end,
                    case when g.aggserialfn <> 0 then 'SERIALFUNC = ' || g.aggserialfn::regproc end,
                    case when g.aggdeserialfn <> 0 then 'DESERIALFUNC = ' || g.aggdeserialfn::regproc end,
                    'INITCOND = ' || quote_literal(g.agginitval),
                    case when g.aggmtransfn <> 0 then 'MSFUNC = ' || g.aggmtransfn::regproc end,
                    case when g.aggminvtransfn <> 0 then 'MINVFUNC = ' || g.aggminvtransfn::regproc end,
                    case when g.aggmtranstype <> 0 then 'MSTYPE = ' || format_type(g.aggmtranstype, null) end,
                    case when g.aggmtransspace <> 0 then 'MSSPACE = ' || g.aggmtransspace end,
                    case when g.aggmfinalfn <> 0 then 'MFINALFUNC = ' || g.aggmfinalfn::regproc end,
                    case when g.aggmfinalextra then 'MFINALFUNC_EXTRA' end,
                    'MINITCOND = ' || quote_literal(g.aggminitval),
                    case when g.aggsortop <> 0 then 'SORTOP = OPERATOR(' || (select n.nspname || '.' || o.oprname
                         from pg_operator o join pg_namespace n on n.oid = o.oprnamespace where o.oid = g.aggsortop)
                         || ')' end,
                    case when p.proparallel <> 'u' then 'PARALLEL = ' || case p.proparallel when 's' then 'SAFE'
                         else 'RESTRICTED' end end,
                    case when g.aggkind = 'h' then 'HYPOTHETICAL' end], null), ', ')"""


class AggregateKind(RoutineKind[Aggregate]):
    """CREATE AGGREGATE."""

    name = "aggregate"
    words = "AGGREGATE"
    rank = 26
    holds = Aggregate
    claims = ("routine:a",)
    reads: ClassVar[tuple[type[Any], ...]] = (Aggregate,)
    catalog = f"""
        select p.nspname as namespace, z.description as comment, p.called as name,
               json_build_object('canonical', '(' || pg_get_function_arguments(p.oid) || ')') as header,
               json_build_object('canonical', 'CREATE OR REPLACE AGGREGATE ' || quote_ident(p.nspname) || '.'
                    || quote_ident(p.proname) || '(' || coalesce(nullif(pg_get_function_arguments(p.oid), ''), '*')
                    || ') (' || {_WORDS} || ')') as definition
          from routines p join pg_aggregate g on g.aggfnoid = p.oid {described("pg_proc", "p.oid")}
         order by p.nspname, p.proname, p.oid"""

    def label(self, obj: Aggregate) -> str:
        """Return AGGREGATE and its signature."""
        return super().label(obj).replace("()", "(*)")

    def needs(self, obj: Aggregate, model: Model) -> Iterator[Id]:
        """Yield its namespace, its types, and the functions whose names it has."""
        yield from super().needs(obj, model)
        words = mentioned(obj.definition.text).words
        for (_, name), keys in model.routines.items():
            if name in words and name != obj.called:
                yield from keys

    def alter(self, old: Aggregate, new: Aggregate, changed: frozenset[str]) -> list[Step] | None:
        """Return nothing: an aggregate whose functions change is made anew."""
        return None

    def loss(self, old: Aggregate) -> Hazard:
        """Return the loss of the aggregate."""
        return Hazard("drop-aggregate", old.id.address, f"the aggregate {old.id.address} is dropped", asks=True)


kind = AggregateKind()
