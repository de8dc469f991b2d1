"""What a database may hold, class by class: a kind claims its classes, and what nobody claims is listed by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.quoting import literal

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CENSUS", "unclaimed"]

CENSUS = """
    -- relation:r, v, m, p, f, S, c; an identity's sequence is the column's own
    select 'relation:' || c.relkind::text,
           case c.relkind when 'r' then 'table' when 'v' then 'view' when 'm' then 'materialized view'
                when 'p' then 'partitioned table' when 'f' then 'foreign table' when 'S' then 'sequence'
                when 'c' then 'composite type' else 'relation' end || ' ' || n.nspname || '.' || c.relname
      from pg_class c join namespaces n on n.oid = c.relnamespace
     where c.relkind not in ('i', 'I', 't') and not exists (
           select from of_extensions x where x.classid = 'pg_class'::regclass and x.objid = c.oid)
       and not exists (select from pg_depend d where c.relkind = 'S'
                          and d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'i')
    union all
    -- type:e, d, r, b, and p, which is only announced; a row type, an array, a multirange come with another object
    select 'type:' || t.typtype::text,
           case t.typtype when 'e' then 'enum ' when 'd' then 'domain ' when 'r' then 'range type '
                when 'p' then 'shell type ' else 'type ' end
           || n.nspname || '.' || t.typname
      from pg_type t join namespaces n on n.oid = t.typnamespace
     where t.typtype in ('e', 'd', 'r', 'b', 'p') and not exists (select from pg_type e where e.typarray = t.oid)
       and not exists (select from of_extensions x where x.classid = 'pg_type'::regclass and x.objid = t.oid)
    union all
    -- routine:f, p, a, w; those that come with another object, as a range type's, depend on it internally
    select 'routine:' || p.prokind::text,
           case p.prokind when 'p' then 'procedure ' when 'a' then 'aggregate ' when 'w' then 'window function '
                else 'function ' end || p.oid::regprocedure
      from pg_proc p join namespaces n on n.oid = p.pronamespace
     where not exists (select from of_extensions x where x.classid = 'pg_proc'::regclass and x.objid = p.oid)
       and not exists (select from pg_depend d
                        where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'i')
    union all
    -- constraint:p, u, f, c, x, n; a constraint trigger is a trigger
    select 'constraint:' || k.contype::text,
           case k.contype when 'x' then 'exclusion constraint ' else 'constraint ' end
           || t.namespace || '.' || t.name || '.' || k.conname
      from tables t join pg_constraint k on k.conrelid = t.oid and k.contype <> 't'
    union all
    select 'trigger', 'trigger ' || n.nspname || '.' || c.relname || '.' || g.tgname
      from pg_trigger g join pg_class c on c.oid = g.tgrelid join namespaces n on n.oid = c.relnamespace
     where not g.tgisinternal and not exists (
           select from of_extensions x where x.classid = 'pg_trigger'::regclass and x.objid = g.oid)
    union all
    select 'rule', 'rule ' || n.nspname || '.' || c.relname || '.' || r.rulename
      from pg_rewrite r join pg_class c on c.oid = r.ev_class join namespaces n on n.oid = c.relnamespace
     where r.rulename <> '_RETURN' and not exists (
           select from of_extensions x where x.classid = 'pg_rewrite'::regclass and x.objid = r.oid)
    union all
    select 'policy', 'policy ' || n.nspname || '.' || c.relname || '.' || p.polname
      from pg_policy p join pg_class c on c.oid = p.polrelid join namespaces n on n.oid = c.relnamespace
    union all
    select 'statistics', 'statistics ' || n.nspname || '.' || s.stxname
      from pg_statistic_ext s join namespaces n on n.oid = s.stxnamespace
    union all
    select 'extension', 'extension ' || extname from pg_extension where extname <> 'plpgsql'
    union all
    select 'operator', 'operator ' || n.nspname || '.' || o.oprname || '(' ||
            concat_ws(', ', nullif(o.oprleft, 0)::regtype, nullif(o.oprright, 0)::regtype) || ')'
      from pg_operator o join namespaces n on n.oid = o.oprnamespace
     where not exists (select from of_extensions x where x.classid = 'pg_operator'::regclass and x.objid = o.oid)
    union all
    select 'operator-class', 'operator class ' || n.nspname || '.' || o.opcname
      from pg_opclass o join namespaces n on n.oid = o.opcnamespace
     where not exists (select from of_extensions x where x.classid = 'pg_opclass'::regclass and x.objid = o.oid)
    union all
    select 'operator-family', 'operator family ' || n.nspname || '.' || o.opfname
      from pg_opfamily o join namespaces n on n.oid = o.opfnamespace
     where not exists (select from of_extensions x where x.classid = 'pg_opfamily'::regclass and x.objid = o.oid)
    union all
    select 'collation', 'collation ' || n.nspname || '.' || o.collname
      from pg_collation o join namespaces n on n.oid = o.collnamespace
     where not exists (select from of_extensions x where x.classid = 'pg_collation'::regclass and x.objid = o.oid)
    union all
    select 'conversion', 'conversion ' || n.nspname || '.' || o.conname
      from pg_conversion o join namespaces n on n.oid = o.connamespace
     where not exists (select from of_extensions x where x.classid = 'pg_conversion'::regclass and x.objid = o.oid)
    union all
    select 'text-search', 'text search configuration ' || n.nspname || '.' || o.cfgname
      from pg_ts_config o join namespaces n on n.oid = o.cfgnamespace
     where not exists (select from of_extensions x where x.classid = 'pg_ts_config'::regclass and x.objid = o.oid)
    union all
    select 'text-search', 'text search dictionary ' || n.nspname || '.' || o.dictname
      from pg_ts_dict o join namespaces n on n.oid = o.dictnamespace
     where not exists (select from of_extensions x where x.classid = 'pg_ts_dict'::regclass and x.objid = o.oid)
    union all
    select 'text-search', 'text search parser ' || n.nspname || '.' || o.prsname
      from pg_ts_parser o join namespaces n on n.oid = o.prsnamespace
     where not exists (select from of_extensions x where x.classid = 'pg_ts_parser'::regclass and x.objid = o.oid)
    union all
    select 'text-search', 'text search template ' || n.nspname || '.' || o.tmplname
      from pg_ts_template o join namespaces n on n.oid = o.tmplnamespace
     where not exists (select from of_extensions x where x.classid = 'pg_ts_template'::regclass and x.objid = o.oid)
    union all
    select 'user-mapping', 'user mapping ' || srvname || ': ' || usename from pg_user_mappings
    union all
    select 'subscription', 'subscription ' || subname from pg_subscription
     where subdbid = (select oid from pg_database where datname = current_database())
    union all
    select 'security-label', 'security label ' || provider || ': ' || pg_describe_object(classoid, objoid, objsubid)
      from pg_seclabel
    union all
    -- What stands in no namespace; numbers below 16384 are Postgres' own.
    select o.class, o.class || ' ' || o.name from (
           select 'pg_publication'::regclass, oid, 'publication', pubname from pg_publication
           union all select 'pg_event_trigger'::regclass, oid, 'event trigger', evtname from pg_event_trigger
           union all select 'pg_foreign_data_wrapper'::regclass, oid, 'foreign data wrapper', fdwname
                       from pg_foreign_data_wrapper
           union all select 'pg_foreign_server'::regclass, oid, 'foreign server', srvname from pg_foreign_server
           union all select 'pg_language'::regclass, oid, 'language', lanname from pg_language
           union all select 'pg_am'::regclass, oid, 'access method', amname from pg_am
           union all select 'pg_cast'::regclass, oid, 'cast', castsource::regtype || ' as ' || casttarget::regtype
                       from pg_cast
           union all select 'pg_transform'::regclass, oid, 'transform', trftype::regtype::text from pg_transform
         ) o(catalog, oid, class, name)
     where o.oid >= 16384 and not exists (select from pg_depend d where d.classid = o.catalog and d.objid = o.oid
                                             and d.deptype in ('e', 'i'))
    union all
    -- Privileges on what is no part of a schema, and those that new objects get.
    select 'default-privileges', 'default privileges of ' || pg_get_userbyid(d.defaclrole)
           || coalesce(' in ' || n.nspname, '') || ': ' || case d.defaclobjtype when 'r' then 'tables'
              when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types' when 'n' then 'namespaces'
              else 'large objects' end || ' that are made get them unasked'
      from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace
    union all
    select 'privileges', 'privileges on ' || o.what from (
           select 'the database', datacl, acldefault('d', datdba) from pg_database where datname = current_database()
           union all select 'language ' || lanname, lanacl, acldefault('l', lanowner) from pg_language
           union all select 'tablespace ' || spcname, spcacl, acldefault('t', spcowner) from pg_tablespace
           union all (select 'large objects', lomacl, acldefault('L', lomowner) from pg_largeobject_metadata
                       where lomacl <> acldefault('L', lomowner) limit 1)
         ) o(what, acl, usual)
     where o.acl is not null and not (o.acl @> o.usual and o.acl <@ o.usual)
    union all
    -- Parameters are found by whom their privileges depend on: before Postgres 15 they had none, and no catalog.
    select distinct 'privileges', 'privileges on ' || pg_describe_object(d.classid, d.objid, 0)
      from pg_shdepend d where d.classid = 6243 and d.deptype = 'a'"""
"""A SELECT of (class, text): every object that can be claimed. It stands on `from_catalog`'s common table expressions.

The classes have the letters of Postgres' own catalogs: `relkind`, `typtype`, `prokind`, `contype`. An index has none:
it goes with what it belongs to.
"""


def unclaimed(claims: Iterable[str]) -> str:
    """Return the SELECT of one text for each object whose class is not among `claims`."""
    listed = ", ".join(map(literal, sorted(claims)))
    managed = f"o.class not in ({listed})" if listed else "true"
    return f"select o.text from ({CENSUS}) o(class, text) where {managed}"  # noqa: S608 - our own constants
