"""What every question to a catalog stands on: the rows of what is looked into, found once for all questions."""

from __future__ import annotations

from sendoka.schema.kinds._routine import ROUTINE_NAME

__all__ = ["GROUND"]


def _own(catalog: str, oid: str) -> str:
    """Return the condition that something belongs to no extension; `catalog` is an expression too."""
    return f"not exists (select from of_extensions x where x.classid = {catalog} and x.objid = {oid})"


# A composite type belongs to an extension as a type.
_OWN_RELATION = _own(
    "case c.relkind when 'c' then 'pg_type'::regclass else 'pg_class'::regclass end",
    "case c.relkind when 'c' then c.reltype else c.oid end",
)


GROUND = f"""
    with of_extensions as (select d.classid, d.objid from pg_depend d where d.deptype = 'e'),
    namespaces as (
        select n.oid, n.nspname from pg_namespace n
         where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'sendoka')
           and not (n.nspname = 'drizzle' and exists (
                    select from pg_class c where c.relnamespace = n.oid and c.relname = '__drizzle_migrations'))
           and {_own("'pg_namespace'::regclass", "n.oid")}),
    relations as (
        select n.nspname, c.* from pg_class c join namespaces n on n.oid = c.relnamespace
         where c.relkind not in ('i', 'I', 't') and {_OWN_RELATION}
           and not (c.relkind = 'S' and exists (
                    select from pg_depend d
                     where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'i'))),
    tables as (
        select c.oid, c.nspname as namespace, c.relname as name from relations c where c.relkind in ('r', 'p')),
    indexed as (
        select c.oid, c.nspname as namespace, c.relname as name from relations c where c.relkind in ('r', 'p', 'm')),
    constraints as (
        select t.namespace, t.name as "table", k.* from tables t join pg_constraint k on k.conrelid = t.oid),
    types as (
        select n.nspname, t.* from pg_type t join namespaces n on n.oid = t.typnamespace
         where t.typtype <> 'c' and not exists (select from pg_type e where e.typarray = t.oid)
           and {_own("'pg_type'::regclass", "t.oid")}),
    routines as (
        select n.nspname, {ROUTINE_NAME} as called, p.* from pg_proc p join namespaces n on n.oid = p.pronamespace
         where {_own("'pg_proc'::regclass", "p.oid")} and not exists (
               select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'i'))
"""  # noqa: S608 - our own constants
"""The common table expressions that all questions stand on, without what belongs to an extension.

`of_extensions(classid, objid)`, which is what does; `namespaces(oid, nspname)`; `tables(oid, namespace, name)`, and
`indexed`, those that have indexes: materialized views too. The others are rows of a catalog with more: `relations` of
pg_class and `types` of pg_type with `nspname`, where indexes, row types, array types and what counts behind an identity
column are left out; `routines` of pg_proc with `nspname`, and `called`, their names with the types of arguments;
`constraints` of pg_constraint with the `namespace` and the name of their `table`.
"""
