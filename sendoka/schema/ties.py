"""What hangs together with what no kind manages: it cannot be made, changed or dropped without that.

A view of a foreign table, a column of a range type, a function that an event trigger calls. Where a plan would need the
one that is not managed to come or to go, the other is left as it is too, and named; the rest of the plan stands.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sendoka.quoting import literal
from sendoka.schema.kinds import kind_of
from sendoka.schema.kinds._routine import ROUTINE_NAME
from sendoka.schema.model import Id, Model, Ties

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sendoka.schema.model import Object

__all__ = ["settled", "ties_from", "ties_query"]

_BEYOND = """
        select o.class, o.catalog, o.oid from others o where o.class <> 'publication'
        union all select 'publication', 'pg_publication_rel'::regclass, oid from pg_publication_rel
        union all select 'relation:f', 'pg_class'::regclass, c.oid from relations c where c.relkind = 'f'
        union all select 'type:' || t.typtype::text, 'pg_type'::regclass, t.oid
          from types t where t.typtype in ('r', 'b')"""

# What `e` is about, an oid in a catalog: (kind, namespace, table, name).
_MANAGED = f"""
        select case c.relkind when 'v' then 'view' when 'm' then 'materialized-view' when 'S' then 'sequence'
                    when 'c' then 'composite-type' else case when a.attnum is null then 'table' else 'column' end end,
               c.relnamespace, case when c.relkind in ('r', 'p') and a.attnum is not null then c.relname else '' end,
               case when c.relkind in ('r', 'p') and a.attnum is not null then a.attname else c.relname end
          from pg_class c left join pg_attribute a on a.attrelid = c.oid and a.attnum = nullif(e.sub, 0)
         where e.catalog = 'pg_class'::regclass and c.oid = e.oid and c.relkind in ('r', 'p', 'v', 'm', 'S', 'c')
        union all select p.kind, r.relnamespace, r.relname, p.name from (
            select 'index', i.indrelid, c.relname from pg_index i join pg_class c on c.oid = i.indexrelid
             where e.catalog = 'pg_class'::regclass and i.indexrelid = e.oid
            union all select 'column', d.adrelid, a.attname
              from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
             where e.catalog = 'pg_attrdef'::regclass and d.oid = e.oid
            union all select case k.contype when 'p' then 'primary-key' when 'u' then 'unique'
                                  when 'f' then 'foreign-key' when 'x' then 'exclusion' else 'check' end,
                   k.conrelid, k.conname
              from pg_constraint k where e.catalog = 'pg_constraint'::regclass and k.oid = e.oid
            union all select 'trigger', g.tgrelid, g.tgname
              from pg_trigger g where e.catalog = 'pg_trigger'::regclass and g.oid = e.oid
            union all select 'policy', o.polrelid, o.polname
              from pg_policy o where e.catalog = 'pg_policy'::regclass and o.oid = e.oid
            union all select 'statistics', s.stxrelid, s.stxname
              from pg_statistic_ext s where e.catalog = 'pg_statistic_ext'::regclass and s.oid = e.oid
          ) p(kind, relation, name) join pg_class r on r.oid = p.relation
        union all select 'domain', y.typnamespace, '', y.typname
          from pg_constraint k join pg_type y on y.oid = k.contypid
         where e.catalog = 'pg_constraint'::regclass and k.oid = e.oid
        union all select case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end,
               p.pronamespace, '', {ROUTINE_NAME}
          from pg_proc p where e.catalog = 'pg_proc'::regclass and p.oid = e.oid
        union all select case y.typtype when 'e' then 'enum' when 'd' then 'domain' else
                              case c.relkind when 'c' then 'composite-type' when 'v' then 'view'
                              when 'm' then 'materialized-view' else 'table' end end, y.typnamespace, '', y.typname
          from pg_type t join pg_type y on y.oid = coalesce(nullif(t.typelem, 0), t.oid)
               left join pg_class c on c.oid = y.typrelid
         where e.catalog = 'pg_type'::regclass and t.oid = e.oid and y.typtype in ('e', 'd', 'c')
        union all select case when w.rulename <> '_RETURN' then 'rule' when c.relkind = 'm' then 'materialized-view'
                         else 'view' end, c.relnamespace, case when w.rulename <> '_RETURN' then c.relname else '' end,
               case when w.rulename <> '_RETURN' then w.rulename else c.relname end
          from pg_rewrite w join pg_class c on c.oid = w.ev_class
         where e.catalog = 'pg_rewrite'::regclass and w.oid = e.oid
        union all select 'extension', null, '', x.extname
          from pg_depend d join pg_extension x on d.refclassid = 'pg_extension'::regclass and x.oid = d.refobjid
         where d.classid = e.catalog and d.objid = e.oid and d.deptype = 'e'"""  # noqa: S608 - our own constant


def ties_query(claims: Iterable[str]) -> str:
    """Return the question, which stands on `GROUND`: a row of JSON for each tie.

    It is `[text, null]` for everything that is not managed, `[text, [kind, namespace, table, name], needs]` for what
    `needs` it, or else what it hangs on.
    """
    listed = ", ".join(map(literal, sorted(claims))) or "''"
    return f"""
    with beyond as (
        select o.catalog, o.oid, i.type || ' ' || i.identity as text
          from ({_BEYOND}) o(class, catalog, oid), lateral pg_identify_object(o.catalog, o.oid, 0) i
         where o.class not in ({listed})),
    whole as (
        with recursive w(text, catalog, oid) as (
            select text, catalog::oid, oid from beyond
            union
            select w.text, d.classid, d.objid
              from w join pg_depend d on d.refclassid = w.catalog and d.refobjid = w.oid and d.deptype in ('i', 'a')
                     and d.classid not in (
                         'pg_class'::regclass, 'pg_publication_rel'::regclass, 'pg_trigger'::regclass))
        select * from w),
    edges as (
        select w.text, d.classid as catalog, d.objid as oid, d.objsubid as sub, true as needs
          from whole w join pg_depend d on d.refclassid = w.catalog and d.refobjid = w.oid and d.deptype in ('n', 'a')
        union
        select w.text, d.refclassid, d.refobjid, d.refobjsubid, false
          from whole w join pg_depend d on d.classid = w.catalog and d.objid = w.oid and d.deptype = 'n'
         where not exists (select from whole o where o.catalog = d.refclassid and o.oid = d.refobjid))
    select json_build_array(text, null)::text as text from beyond
    union all
    select json_build_array(e.text, json_build_array(m.kind, coalesce(n.nspname, ''), m."table", m.name), e.needs)::text
      from edges e, lateral ({_MANAGED}) m(kind, namespace, "table", name) left join namespaces n on n.oid = m.namespace
     where (m.namespace is null or n.oid is not null)
       and not exists (select from whole o where o.catalog = e.catalog and o.oid = e.oid)"""  # noqa: S608 - our constants


def ties_from(cells: Iterable[str]) -> Ties:
    """Return the ties that the rows of `ties_query` say."""
    beyond: set[str] = set()
    needs: dict[Id, tuple[str, ...]] = {}
    held: dict[Id, tuple[str, ...]] = {}
    for cell in cells:
        text, place, *needing = json.loads(cell)
        beyond.add(text)
        if place is not None:
            side, key = needs if needing[0] else held, Id(*place)
            side[key] = (*side.get(key, ()), text)
    return Ties(frozenset(beyond), needs, held)


@dataclass(slots=True)
class _Settling:
    """Makes what is wanted into what can be had: `objects`, and why the others are left as they are."""

    old: Model
    new: Model
    objects: dict[Id, Object] = field(default_factory=dict)
    left: dict[Id, str] = field(default_factory=dict)

    def all(self) -> None:
        """Go through both directions."""
        self.objects |= self.new.objects
        missing = ((key, self._missing(texts)) for key, texts in self.new.ties.needs.items())
        waiting = [(key, f"it needs {found[0]}, which is not there") for key, found in missing if found]
        needing = self._needing() if waiting else {}
        while waiting:
            key, why = waiting.pop()
            if key in self.new and key not in self.left:
                self._leave(key, why)
                waiting += [(other, f"it needs {key}") for other in needing.get(key, ())]
        for key, texts in self.old.ties.held.items():
            if key in self.old and key not in self.objects:
                self._keep(key, f"{texts[0]} needs it")

    def _missing(self, texts: Iterable[str]) -> list[str]:
        return [each for each in texts if each not in self.old.ties.beyond]

    def _needing(self) -> Mapping[Id, list[Id]]:
        found: dict[Id, list[Id]] = {}
        for each in self.new:
            for need in kind_of(each).needs(each, self.new):
                found.setdefault(need, []).append(each.id)
        return found

    def _leave(self, key: Id, why: str) -> None:
        """Take a wanted object for what it is now: as it was, or not there."""
        before = self.old.objects.get(key)
        if before == self.new.objects[key]:
            return
        self.left[key] = why
        if before is None:
            del self.objects[key]
        else:
            self._keep(key, why)

    def _keep(self, key: Id, why: str) -> None:
        """Keep an object that is there, with its parts and all that it needs."""
        each = self.old.objects[key]
        self.left[key] = why
        self.objects[key] = each
        parts = (part.id for part in self.old.parts.get((key.namespace, key.name), ()) if not key.table)
        for other in (*kind_of(each).needs(each, self.old), *parts):
            if other in self.old and other not in self.objects:
                self._keep(other, f"{key} needs it")


def settled(old: Model, new: Model) -> tuple[Model, tuple[str, ...]]:
    """Return `new` without what cannot be had, and a sentence for each object that is left as it is."""
    if not (old.ties.held or new.ties.needs):
        return new, ()
    work = _Settling(old, new)
    work.all()
    if not work.left:
        return new, ()
    return new.with_objects(work.objects.values()), tuple(_said(work.left))


def _said(left: Mapping[Id, str]) -> Iterator[str]:
    return (f"{key} is left as it is: {why}, and that is not managed" for key, why in left.items())
