"""Domains: another type under a name of its own, with conditions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy.dialects.postgresql import DOMAIN

from sendoka.errors import SchemaError
from sendoka.quoting import ident, literal, qualified
from sendoka.schema.declared import checked_name, domain_of, expression_of, type_of
from sendoka.schema.kind import Kind, Renaming
from sendoka.schema.kinds._comment import described
from sendoka.schema.kinds._type import (
    collate,
    collation_ids,
    collation_in_catalog,
    givers,
    is_held,
    meanwhile,
    type_in_catalog,
)
from sendoka.schema.mentioned import mentioned, routines_in
from sendoka.schema.model import PUBLIC, STRICT, Expression, Id, Object
from sendoka.schema.rewording import renamed_in
from sendoka.schema.spelling import same
from sendoka.schema.step import Hazard, Step
from sendoka.schema.typenames import spelled_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sendoka.schema.declarations import Declarations
    from sendoka.schema.model import Model

__all__ = ["Domain", "DomainCheck", "DomainKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainCheck:
    """A condition that every value meets; with `not_valid`, every value written from now on. It may have a comment."""

    __pydantic_config__: ClassVar[Mapping[str, str]] = STRICT

    name: str
    expression: Expression
    not_valid: bool = False
    comment: str | None = None

    @property
    def clause(self) -> str:
        """The words that make it."""
        return f"CONSTRAINT {ident(self.name)} CHECK ({self.expression.text})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain(Object):
    """A type made of another one. `checks` are in order of their names."""

    kind = "domain"
    is_type = True
    type: str
    collation: str | None = None
    not_null: bool = False
    default: Expression | None = None
    checks: tuple[DomainCheck, ...] = ()

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """Every expression in it."""
        return (*((self.default,) if self.default else ()), *(each.expression for each in self.checks))


class DomainKind(Kind[Domain]):
    """CREATE DOMAIN and its kin. Its type cannot change: another domain is then made beside it, and its users move."""

    name = "domain"
    rank = 7
    holds = Domain
    claims = ("type:d",)
    reads: ClassVar[tuple[type[Any], ...]] = (Domain, DOMAIN)
    renames_on_answer = True
    has_privileges = True
    catalog = f"""
        select t.nspname as namespace, t.typname as name, z.description as comment,
               {type_in_catalog("format_type(t.typbasetype, t.typtypmod)")} as type,
               case when t.typcollation <> y.typcollation then {collation_in_catalog("k")} end as collation,
               t.typnotnull as not_null,
               case when t.typdefault is not null then json_build_object('canonical', coalesce(
                    pg_get_expr(t.typdefaultbin, 0), quote_literal(t.typdefault))) end as "default",
               coalesce((select json_agg(json_build_object('name', c.conname, 'not_valid', not c.convalidated,
                              'expression', json_build_object('canonical', pg_get_expr(c.conbin, 0)),
                              'comment', o.description) order by c.conname)
                           from pg_constraint c left join pg_description o on o.objoid = c.oid
                                and o.classoid = 'pg_catalog.pg_constraint'::regclass
                          where c.contypid = t.oid and c.contype = 'c'), '[]') as checks
          from types t join pg_type y on y.oid = t.typbasetype
               left join pg_collation k on k.oid = t.typcollation {described("pg_type", "t.oid")}
         where t.typtype = 'd' order by t.nspname, t.typname"""

    def declared(self, declarations: Declarations) -> Iterator[Domain]:
        """Read the domains of columns, and those declared by themselves, each once."""
        found: dict[Id, Domain] = {}
        for each, where in _declared(declarations):
            checked_name(each.name, "a domain")
            known = found.setdefault(each.id, each)
            if replace(known, comment=None) != replace(each, comment=None):
                what = f"the domain {each.id.address} is declared in another way elsewhere"
                raise SchemaError(what, where=f"in {where}")
            if known.comment is None:
                found[each.id] = each
        return iter(sorted(found.values(), key=lambda each: each.id))

    def create(self, new: Domain, parts: Sequence[str]) -> list[Step]:
        """Return CREATE DOMAIN, and its conditions that do not count for old values."""
        default = f" DEFAULT {new.default.text}" if new.default else ""
        not_null = " NOT NULL" if new.not_null else ""
        checks = "".join(f" {each.clause}" for each in new.checks if not each.not_valid)
        typed = spelled_type(new.type) + collate(new.collation)
        made = Step(f"CREATE DOMAIN {_name(new)} AS {typed}{default}{not_null}{checks}")
        remarks = (_remark(new, each) for each in new.checks if each.comment is not None)
        return [made, *(_added(new, each) for each in new.checks if each.not_valid), *remarks]

    def label(self, obj: Domain) -> str:
        """Return DOMAIN and its name."""
        return f"DOMAIN {_name(obj)}"

    def needs(self, obj: Domain, model: Model) -> Iterator[Id]:
        """Yield its namespace, the type it is made of, and the functions that it calls."""
        yield Id("namespace", "", "", obj.namespace)
        yield from givers(obj.type, model)
        yield from collation_ids(obj.collation)
        for each in obj.expressions:
            yield from routines_in(each.text, model)

    def moved(self, obj: Domain, renaming: Renaming) -> Domain:
        """Return it under its new name, and what it is made of and speaks of under theirs."""
        place = (obj.namespace, obj.name)
        checks = (
            replace(each, expression=renamed_in(each.expression, renaming, *place) or each.expression)
            for each in obj.checks
        )
        return replace(
            renaming.placed(obj),
            type=renaming.type(obj.type),
            collation=renaming.collation(obj.collation),
            default=renamed_in(obj.default, renaming, *place),
            checks=tuple(checks),
        )

    def alter(self, old: Domain, new: Domain, changed: frozenset[str]) -> list[Step] | None:
        """Return ALTER DOMAIN."""
        if changed & {"type", "collation"}:
            return None
        steps = []
        if "default" in changed:
            steps.append(_alter(new, f"SET DEFAULT {new.default.text}" if new.default else "DROP DEFAULT"))
        if "not_null" in changed:
            steps.append(_alter(new, "SET NOT NULL", _fails(new)) if new.not_null else _alter(new, "DROP NOT NULL"))
        return steps + list(_checks(old, new)) if "checks" in changed else steps

    def superseded(self, old: Domain, new: Domain) -> tuple[Domain, tuple[Hazard, ...]] | None:
        """Return the name that the old domain has meanwhile, if it cannot be altered."""
        why = f"{old.id.address} becomes {new.type}: a value may be cut, rounded, read differently or refused"
        lost = (Hazard("change-type", old.id.address, why, asks=True),) if old.type != new.type else ()
        return replace(old, name=meanwhile(old.name)), (*lost, _fails(new)) if _is_stricter(old, new) else lost

    def is_stuck(self, old: Domain, new: Domain, model: Model) -> bool:
        """Tell whether values must meet a new condition that Postgres cannot look at: inside of arrays and the like."""
        return _is_stricter(old, new) and is_held(old.id, model, inside=True)

    def stands_aside(self, obj: Domain, key: Id, model: Model) -> tuple[list[Step], list[Step]] | None:
        """Return the steps that let go of a function which its default or its conditions call, and take it up again."""
        if key in self.needs(replace(obj, default=None, checks=()), model):
            return None
        called = (key.namespace, key.name.partition("(")[0])  # by name: what comes back may be another one of it
        down, up = [], []
        if obj.default is not None and called in mentioned(obj.default.text).functions:
            down.append(_alter(obj, "DROP DEFAULT"))
            up.append(_alter(obj, f"SET DEFAULT {obj.default.text}"))
        for each in obj.checks:
            if called in mentioned(each.expression.text).functions:
                down.append(_alter(obj, f"DROP CONSTRAINT IF EXISTS {ident(each.name)}"))
                up += [down[-1], _added(obj, each)]
                up += [_remark(obj, each)] if each.comment is not None else []
        return down, up

    def loss(self, old: Domain) -> Hazard:
        """Return the loss of the domain; the columns that had it are asked for by themselves."""
        return Hazard("drop-domain", old.id.address, f"the domain {old.id.address} is dropped", asks=True)


def _name(domain: Domain) -> str:
    return qualified(domain.namespace, domain.name)


def _alter(domain: Domain, words: str, *hazards: Hazard) -> Step:
    return Step(f"ALTER DOMAIN {_name(domain)} {words}", hazards)


def _fails(domain: Domain) -> Hazard:
    why = f"every column of {domain.id.address} is read locked, and the statement fails on a value that does not fit"
    return Hazard("constrain-domain", domain.id.address, why)


def _added(domain: Domain, check: DomainCheck) -> Step:
    if check.not_valid:
        return _alter(domain, f"ADD {check.clause} NOT VALID")
    return _alter(domain, f"ADD {check.clause}", _fails(domain))


def _is_stricter(old: Domain, new: Domain) -> bool:
    """Tell whether values that are there must meet what they did not have to before."""
    return (new.not_null and not old.not_null) or any(_fails(new) in step.hazards for step in _checks(old, new))


def _checks(old: Domain, new: Domain) -> Iterator[Step]:
    before = {each.name: each for each in old.checks}
    after = {each.name: each for each in new.checks}
    kept = {name for name in before if name in after and same(before[name].expression, after[name].expression)}
    stricter = {name for name in kept if after[name].not_valid and not before[name].not_valid}
    kept -= stricter  # what was true of all is not made true of new ones only
    for name in before:
        if name not in kept:
            yield _alter(new, f"DROP CONSTRAINT {ident(name)}")
    for name, check in after.items():
        if name not in kept:
            yield _added(new, check)
        elif before[name].not_valid and not check.not_valid:
            yield _alter(new, f"VALIDATE CONSTRAINT {ident(name)}", _fails(new))
        if check.comment != (before[name].comment if name in kept else None):
            yield _remark(new, check)


def _remark(domain: Domain, check: DomainCheck) -> Step:
    said = "NULL" if check.comment is None else literal(check.comment)
    return Step(f"COMMENT ON CONSTRAINT {ident(check.name)} ON DOMAIN {_name(domain)} IS {said}")


def _declared(declarations: Declarations) -> Iterator[tuple[Domain, str]]:
    for table in declarations.tables:
        for column in table.columns:
            domain = domain_of(column.type)
            if domain is not None:
                where = f"column {table.fullname}.{column.name}"
                yield _read(domain, where), where
    for extra in declarations.of_class(Domain):
        yield replace(extra, checks=tuple(sorted(extra.checks, key=lambda each: each.name))), "declare()"
    for declared in declarations.of_class(DOMAIN):
        yield _read(declared, "declare()"), "declare()"


def _read(domain: DOMAIN, where: str) -> Domain:
    of, collation = type_of(domain.data_type, where)
    check = expression_of(domain.check, where)
    name = domain.constraint_name or f"{domain.name}_check"
    return Domain(
        name=str(domain.name),
        namespace=domain.schema or PUBLIC,
        type=of,
        collation=domain.collation or collation,
        not_null=bool(domain.not_null),
        default=expression_of(domain.default, where),
        checks=() if check is None else (DomainCheck(name=str(name), expression=check),),
    )


kind = DomainKind()
