"""What a database may hold, class by class: a kind claims its classes, and what nobody claims is listed by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.quoting import literal

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["CENSUS", "GROUND", "OTHERS", "unclaimed"]

OTHERS = (
    (
        "operator",
        "pg_operator",
        "oprnamespace",
        "operator",
        """oprname || '(' || concat_ws(', ',
                 nullif(oprleft, 0)::regtype, nullif(oprright, 0)::regtype) || ')'""",
    ),
    ("operator-class", "pg_opclass", "opcnamespace", "operator class", "opcname"),
    ("operator-family", "pg_opfamily", "opfnamespace", "operator family", "opfname"),
    ("collation", "pg_collation", "collnamespace", "collation", "collname"),
    ("conversion", "pg_conversion", "connamespace", "conversion", "conname"),
    ("text-search", "pg_ts_config", "cfgnamespace", "text search configuration", "cfgname"),
    ("text-search", "pg_ts_dict", "dictnamespace", "text search dictionary", "dictname"),
    ("text-search", "pg_ts_parser", "prsnamespace", "text search parser", "prsname"),
    ("text-search", "pg_ts_template", "tmplnamespace", "text search template", "tmplname"),
    ("publication", "pg_publication", "", "publication", "pubname"),
    ("event trigger", "pg_event_trigger", "", "event trigger", "evtname"),
    ("foreign data wrapper", "pg_foreign_data_wrapper", "", "foreign data wrapper", "fdwname"),
    ("foreign server", "pg_foreign_server", "", "foreign server", "srvname"),
    ("language", "pg_language", "", "language", "lanname"),
    ("access method", "pg_am", "", "access method", "amname"),
    ("cast", "pg_cast", "", "cast", "castsource::regtype || ' as ' || casttarget::regtype"),
    ("transform", "pg_transform", "", "transform", "trftype::regtype::text"),
)
"""What few databases hold: its class, catalog, column with the namespace if it stands in one, noun, and name."""

_OTHERS = " union all ".join(
    f"select '{each}', '{catalog}'::regclass, oid, {namespace or 0}, '{noun}', {name} from {catalog} where oid >= 16384"  # noqa: S608 - our constants
    for each, catalog, namespace, noun, name in OTHERS
)

GROUND = f"""
    others as (
        select o.class, o.catalog, o.oid, o.noun || ' ' || coalesce(n.nspname || '.', '') || o.name as text
          from ({_OTHERS}) o(class, catalog, oid, namespace, noun, name) left join namespaces n on n.oid = o.namespace
         where (o.namespace = 0 or n.oid is not null) and not exists (
               select from pg_depend d where d.classid = o.catalog and d.objid = o.oid and d.deptype in ('e', 'i')))
"""  # noqa: S608 - the same
"""The common table expression `others(class, catalog, oid, text)`. Numbers below 16384 are Postgres' own."""

CENSUS = {
    "relation": """
    -- relation:r, v, m, p, f, S, c
    select 'relation:' || c.relkind::text,
           case c.relkind when 'r' then 'table' when 'v' then 'view' when 'm' then 'materialized view'
                when 'p' then 'partitioned table' when 'f' then 'foreign table' when 'S' then 'sequence'
                when 'c' then 'composite type' else 'relation' end || ' ' || c.nspname || '.' || c.relname
      from relations c""",
    "type": """
    -- type:e, d, r, b, and p, which is only announced; a multirange comes with another object
    select 'type:' || t.typtype::text,
           case t.typtype when 'e' then 'enum ' when 'd' then 'domain ' when 'r' then 'range type '
                when 'p' then 'shell type ' else 'type ' end || t.nspname || '.' || t.typname
      from types t where t.typtype <> 'm'""",
    "routine": """
    -- routine:f, p, a, w
    select 'routine:' || p.prokind::text,
           case p.prokind when 'p' then 'procedure ' when 'a' then 'aggregate ' when 'w' then 'window function '
                else 'function ' end || p.oid::regprocedure
      from routines p""",
    "constraint": """
    -- constraint:p, u, f, c, x, n; a constraint trigger is a trigger
    select 'constraint:' || k.contype::text,
           case k.contype when 'x' then 'exclusion constraint ' else 'constraint ' end
           || k.namespace || '.' || k."table" || '.' || k.conname
      from constraints k where k.contype <> 't'""",
    "trigger": """
    select 'trigger', 'trigger ' || n.nspname || '.' || c.relname || '.' || g.tgname
      from pg_trigger g join pg_class c on c.oid = g.tgrelid join namespaces n on n.oid = c.relnamespace
     where not g.tgisinternal and not exists (
           select from of_extensions x where x.classid = 'pg_trigger'::regclass and x.objid = g.oid)""",
    "rule": """
    select 'rule', 'rule ' || n.nspname || '.' || c.relname || '.' || r.rulename
      from pg_rewrite r join pg_class c on c.oid = r.ev_class join namespaces n on n.oid = c.relnamespace
     where r.rulename <> '_RETURN' and not exists (
           select from of_extensions x where x.classid = 'pg_rewrite'::regclass and x.objid = r.oid)""",
    "policy": """
    select 'policy', 'policy ' || n.nspname || '.' || c.relname || '.' || p.polname
      from pg_policy p join pg_class c on c.oid = p.polrelid join namespaces n on n.oid = c.relnamespace""",
    "statistics": """
    select 'statistics', 'statistics ' || n.nspname || '.' || s.stxname
      from pg_statistic_ext s join namespaces n on n.oid = s.stxnamespace""",
    "extension": """
    select 'extension', 'extension ' || extname from pg_extension where extname <> 'plpgsql'""",
    "others": """
    select o.class, o.text from others o""",
    "user-mapping": """
    select 'user-mapping', 'user mapping ' || srvname || ': ' || usename from pg_user_mappings""",
    "subscription": """
    select 'subscription', 'subscription ' || subname from pg_subscription
     where subdbid = (select oid from pg_database where datname = current_database())""",
    "security-label": """
    select 'security-label', 'security label ' || provider || ': ' || pg_describe_object(classoid, objoid, objsubid)
      from pg_seclabel""",
    "default-privileges": """
    -- Privileges on what is no part of a schema, and those that new objects get.
    select 'default-privileges', 'default privileges of ' || pg_get_userbyid(d.defaclrole)
           || coalesce(' in ' || n.nspname, '') || ': ' || case d.defaclobjtype when 'r' then 'tables'
              when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types' when 'n' then 'namespaces'
              else 'large objects' end || ' that are made get them unasked'
      from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace""",
    "privileges": """
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
      from pg_shdepend d where d.classid = 6243 and d.deptype = 'a'""",
}
"""SELECTs of (class, text), by what the classes begin with: together they list every object that can be claimed.

They stand on the common table expressions of `ground` and on `GROUND`. The classes have the letters of Postgres' own
catalogs: `relkind`, `typtype`, `prokind`, `contype`. An index has none: it goes with what it belongs to.
"""


def unclaimed(claims: Collection[str]) -> str:
    """Return the SELECT of one text for each object whose class is not among `claims`."""
    listed = ", ".join(map(literal, sorted(claims)))
    managed = f"o.class not in ({listed})" if listed else "true"
    asked = " union all ".join(select for each, select in CENSUS.items() if each not in claims)
    return f"select o.text from ({asked}) o(class, text) where {managed}"  # noqa: S608 - our own constants
