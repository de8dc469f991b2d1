"""The SELECTs of who holds which privileges, and of what is not managed of them: owners, and grants of others."""

from __future__ import annotations

__all__ = ["GRANTS", "GROUND", "UNMANAGED"]

_RELKIND = """case c.relkind when 'v' then 'view' when 'm' then 'materialized-view' when 'S' then 'sequence'
                           when 'c' then 'composite-type' else 'table' end"""
_PROKIND = "case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end"
_TYPTYPE = "case t.typtype when 'e' then 'enum' else 'domain' end"

# What has an access control list: without one everything is as usual. Letters are those of acldefault().
_LISTED = f"""
            select {_RELKIND} as "on", case c.relkind when 'S' then 's' else 'r' end::"char" as letter,
                   c.nspname as namespace, c.relname::text as target, null::text as "column",
                   c.relowner as owner, c.relacl as acl
              from relations c where c.relacl is not null and c.relkind in ('r', 'p', 'v', 'm', 'S')
            union all
            select 'identity', 's', t.nspname, t.relname, a.attname, c.relowner, c.relacl
              from pg_class c join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid
                              and d.refclassid = 'pg_class'::regclass and d.deptype = 'i'
                   join relations t on t.oid = d.refobjid
                   join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
             where c.relacl is not null and c.relkind = 'S'
            union all
            select {_RELKIND}, 'c', c.nspname, c.relname, a.attname, c.relowner, a.attacl
              from pg_attribute a join relations c on c.oid = a.attrelid
             where a.attacl is not null and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm')
            union all
            select {_PROKIND}, 'f', p.nspname, p.called, null, p.proowner, p.proacl
              from routines p where p.proacl is not null
            union all
            select {_TYPTYPE}, 'T', t.nspname, t.typname, null, t.typowner, t.typacl
              from types t where t.typacl is not null and t.typtype in ('e', 'd')
            union all
            select 'composite-type', 'T', c.nspname, t.typname, null, t.typowner, t.typacl
              from relations c join pg_type t on t.oid = c.reltype where c.relkind = 'c' and t.typacl is not null
            union all
            select 'namespace', 'n', '', n.nspname, null, s.nspowner, coalesce(s.nspacl, acldefault('n', s.nspowner))
              from namespaces n join pg_namespace s on s.oid = n.oid
             where s.nspacl is not null or n.nspname = 'public'"""

_ME = "(select oid from pg_roles where rolname = current_user)"

# One row for each role that has more or less than usual of something. Before Postgres 15 everybody could create in
# `public`; as that is usual on some servers and not on others, it is left out of account there.
_HELD = """
        select l."on", l.namespace, l.target, l."column", l.owner, g.grantee, g.privileges, g.grantable
          from listed l
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

GROUND = f"""listed as ({_LISTED}),
    held as ({_HELD})"""
"""Common table expressions that the two SELECTs stand on: the lists, and who is in them with what is not usual."""

GRANTS = f"""
        select h."on", h.namespace, h.target, h."column",
               case h.grantee when 0 then 'public' when h.owner then 'current_user' else r.rolname end as name,
               h.privileges, h.grantable
          from held h left join pg_roles r on r.oid = h.grantee
         where h.grantee = 0 or (r.oid is not null and (h.grantee <> h.owner or h.owner = {_ME}))
         order by h.namespace, h.target, h."column" nulls first, name"""

_CALLED = """case l."on" when 'identity' then 'the sequence of column' else case when l."column" is null
             then replace(l."on", '-', ' ') else 'column' end end || ' '
             || concat_ws('.', nullif(l.namespace, ''), l.target, l."column")"""

UNMANAGED = f"""
        select 'the privileges of ' || r.rolname || ', who owns ' || {_CALLED}
          from held l join pg_roles r on r.oid = l.owner
         where l.grantee = l.owner and l.owner <> {_ME}
        union all
        select distinct 'the privileges that ' || r.rolname || ' granted on ' || {_CALLED}
          from listed l cross join lateral aclexplode(l.acl) e join pg_roles r on r.oid = e.grantor
         where e.grantor <> l.owner
        union all
        select 'the privileges on the row type of ' || c.nspname || '.' || t.typname
          from relations c join pg_type t on t.oid = c.reltype where t.typacl is not null and c.relkind <> 'c'
        union all
        select 'the owner of ' || replace(a.kind, '-', ' ') || ' ' || a.name || ': ' || r.rolname
          from (select {_RELKIND}, c.nspname || '.' || c.relname, c.relowner
                  from relations c where c.relkind in ('r', 'p', 'v', 'm', 'S', 'c')
                union all
                select {_PROKIND}, p.nspname || '.' || p.called, p.proowner from routines p
                union all
                select {_TYPTYPE}, t.nspname || '.' || t.typname, t.typowner from types t where t.typtype in ('d', 'e')
                union all
                select 'namespace', n.nspname, s.nspowner from namespaces n join pg_namespace s on s.oid = n.oid
                 where n.nspname <> 'public'
               ) a(kind, name, owner) join pg_roles r on r.oid = a.owner
         where a.owner not in ({_ME}, (select datdba from pg_database where datname = current_database()))
           and r.rolname <> 'pg_database_owner'"""
