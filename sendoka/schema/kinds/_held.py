"""The SELECTs of who holds which privileges, and of what is not managed of them: owners, and grants of others."""

from __future__ import annotations

from sendoka.schema.kinds._routine import ROUTINE_NAME

__all__ = ["GRANTS", "UNMANAGED"]


def _ours(catalog: str, oid: str) -> str:
    """Return the condition that something belongs to no extension."""
    return (
        f"not exists (select from of_extensions x where x.classid = '{catalog}'::regclass and x.objid = {oid})"
        f" and not exists (select from pg_depend d where d.classid = '{catalog}'::regclass and d.objid = {oid}"
        f" and d.objsubid = 0 and d.deptype = 'i')"
    )


_RELKIND = """case c.relkind when 'v' then 'view' when 'm' then 'materialized-view' when 'S' then 'sequence'
                           else 'table' end"""

# What has an access control list: without one everything is as usual. Letters are those of acldefault().
_LISTED = f"""
            select {_RELKIND} as "on", case c.relkind when 'S' then 's' else 'r' end::"char" as letter,
                   n.nspname as namespace, c.relname::text as target, null::text as "column",
                   c.relowner as owner, c.relacl as acl
              from pg_class c join namespaces n on n.oid = c.relnamespace
             where c.relacl is not null and c.relkind in ('r', 'p', 'v', 'm', 'S') and {_ours("pg_class", "c.oid")}
            union all
            select 'identity', 's', n.nspname, t.relname, a.attname, c.relowner, c.relacl
              from pg_class c join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid
                              and d.refclassid = 'pg_class'::regclass and d.deptype = 'i'
                   join pg_class t on t.oid = d.refobjid join namespaces n on n.oid = t.relnamespace
                   join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
             where c.relacl is not null and c.relkind = 'S' and {_ours("pg_class", "t.oid")}
            union all
            select {_RELKIND}, 'c', n.nspname, c.relname, a.attname, c.relowner, a.attacl
              from pg_attribute a join pg_class c on c.oid = a.attrelid join namespaces n on n.oid = c.relnamespace
             where a.attacl is not null and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm')
               and {_ours("pg_class", "c.oid")}
            union all
            select case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end, 'f',
                   n.nspname, {ROUTINE_NAME}, null, p.proowner, p.proacl
              from pg_proc p join namespaces n on n.oid = p.pronamespace
             where p.proacl is not null and {_ours("pg_proc", "p.oid")}
            union all
            select case t.typtype when 'e' then 'enum' when 'd' then 'domain' else 'composite-type' end, 'T',
                   n.nspname, t.typname, null, t.typowner, t.typacl
              from pg_type t join namespaces n on n.oid = t.typnamespace
             where t.typacl is not null and {_ours("pg_type", "t.oid")}
               and (t.typtype in ('e', 'd') or exists (
                    select from pg_class c where c.oid = t.typrelid and c.relkind = 'c'))
            union all
            select 'namespace', 'n', '', n.nspname, null, s.nspowner, coalesce(s.nspacl, acldefault('n', s.nspowner))
              from namespaces n join pg_namespace s on s.oid = n.oid
             where s.nspacl is not null or n.nspname = 'public'"""

_ME = "(select oid from pg_roles where rolname = current_user)"

# One row for each role that has more or less than usual of something. Before Postgres 15 everybody could create in
# `public`; as that is usual on some servers and not on others, it is left out of account there.
_HELD = f"""
        select l."on", l.namespace, l.target, l."column", l.owner, g.grantee, g.privileges, g.grantable
          from ({_LISTED}) l
               cross join lateral (select case l.letter when 'c' then 4 else (
                    select count(*) from aclexplode(acldefault(l.letter, l.owner)) e where e.grantee = l.owner
                    ) end as size) f
               cross join lateral (
                    select e.grantee,
                           case when f.size > 1 and count(*) filter (where e.held) = f.size then '["all"]'
                                else coalesce(json_agg(lower(e.privilege_type) order by e.privilege_type)
                                     filter (where e.held), '[]') end as privileges,
                           case when f.size > 1 and count(*) filter (where e.held and e.is_grantable) = f.size
                                then '["all"]' else coalesce(json_agg(lower(e.privilege_type) order by e.privilege_type)
                                     filter (where e.held and e.is_grantable), '[]') end as grantable
                      from (select grantee, privilege_type, is_grantable, true as held from aclexplode(l.acl)
                             where grantor = l.owner and not (l."on" = 'namespace' and l.target = 'public'
                                   and grantee = 0 and privilege_type = 'CREATE'
                                   and current_setting('server_version_num')::int < 150000)
                            union all
                            select grantee, privilege_type, is_grantable, false
                              from aclexplode(acldefault(l.letter, l.owner))
                            union all
                            select 0, 'USAGE', false, false where l."on" = 'namespace' and l.target = 'public') e
                     group by e.grantee
                    having array_agg(e.privilege_type || e.is_grantable order by e.privilege_type)
                                     filter (where e.held)
                           is distinct from array_agg(e.privilege_type || e.is_grantable order by e.privilege_type)
                                     filter (where not e.held)) g"""

GRANTS = f"""
        select h."on", h.namespace, h.target, h."column",
               case h.grantee when 0 then 'public' when h.owner then 'current_user' else r.rolname end as name,
               h.privileges, h.grantable
          from ({_HELD}) h left join pg_roles r on r.oid = h.grantee
         where h.grantee = 0 or (r.oid is not null and (h.grantee <> h.owner or h.owner = {_ME}))
         order by h.namespace, h.target, h."column" nulls first, name"""

_CALLED = """case l."on" when 'identity' then 'the sequence of column' else case when l."column" is null
             then replace(l."on", '-', ' ') else 'column' end end || ' '
             || concat_ws('.', nullif(l.namespace, ''), l.target, l."column")"""

UNMANAGED = f"""
        select 'the privileges of ' || r.rolname || ', who owns ' || {_CALLED}
          from ({_HELD}) l join pg_roles r on r.oid = l.owner
         where l.grantee = l.owner and l.owner <> {_ME}
        union all
        select distinct 'the privileges that ' || r.rolname || ' granted on ' || {_CALLED}
          from ({_LISTED}) l cross join lateral aclexplode(l.acl) e join pg_roles r on r.oid = e.grantor
         where e.grantor <> l.owner
        union all
        select 'the privileges on the row type of ' || n.nspname || '.' || t.typname
          from pg_type t join namespaces n on n.oid = t.typnamespace join pg_class c on c.oid = t.typrelid
         where t.typacl is not null and c.relkind <> 'c' and {_ours("pg_class", "c.oid")}
        union all
        select 'the owner of ' || o.what || ': ' || r.rolname
          from (select {_RELKIND}, n.nspname || '.' || c.relname, c.relowner
                  from pg_class c join namespaces n on n.oid = c.relnamespace
                 where c.relkind in ('r', 'p', 'v', 'm', 'S') and {_ours("pg_class", "c.oid")}
                union all
                select case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end,
                       n.nspname || '.' || {ROUTINE_NAME}, p.proowner
                  from pg_proc p join namespaces n on n.oid = p.pronamespace where {_ours("pg_proc", "p.oid")}
                union all
                select case t.typtype when 'd' then 'domain' when 'e' then 'enum' else 'composite type' end,
                       n.nspname || '.' || t.typname, t.typowner
                  from pg_type t join namespaces n on n.oid = t.typnamespace
                 where {_ours("pg_type", "t.oid")} and (t.typtype in ('d', 'e') or exists (
                       select from pg_class c where c.oid = t.typrelid and c.relkind = 'c'))
                union all
                select 'namespace', n.nspname, s.nspowner from namespaces n join pg_namespace s on s.oid = n.oid
                 where n.nspname <> 'public'
               ) a(kind, name, owner) cross join lateral (select replace(a.kind, '-', ' ') || ' ' || a.name) o(what)
               join pg_roles r on r.oid = a.owner
         where a.owner not in ({_ME}, (select datdba from pg_database where datname = current_database()))
           and r.rolname <> 'pg_database_owner'"""
