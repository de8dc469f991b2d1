"""Policies of row level security."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from sendoka.quoting import ident, qualified
from sendoka.schema.kind import Kind, Renaming
from sendoka.schema.kinds._comment import described
from sendoka.schema.kinds._type import keeps_type
from sendoka.schema.mentioned import ids_in
from sendoka.schema.model import Expression, Id, Member, Object
from sendoka.schema.rewording import renamed_in
from sendoka.schema.spelling import mentions
from sendoka.schema.step import Hazard, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sendoka.schema.model import Model

__all__ = ["COMMANDS", "EVERYBODY", "Policy", "PolicyKind"]

COMMANDS = ("all", "select", "insert", "update", "delete")
EVERYBODY = ("public",)
"""The roles of a policy that names none: PUBLIC, which is no role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Member):
    """Which rows of a table who may see (`using`) and write (`check`); roles are named, and not managed."""

    kind = "policy"
    command: str = "all"
    permissive: bool = True
    roles: tuple[str, ...] = EVERYBODY
    using: Expression | None = None
    check: Expression | None = None

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """Both conditions, as far as they are there."""
        return tuple(each for each in (self.using, self.check) if each is not None)


class PolicyKind(Kind[Policy]):
    """CREATE POLICY and its kin."""

    name = "policy"
    rank = 95
    holds = Policy
    claims = ("policy",)
    reads: ClassVar[tuple[type[Any], ...]] = (Policy,)
    renames_freely = True
    renames_if_alterable = True
    catalog = f"""
        select t.namespace, t.name as "table", p.polname as name, z.description as comment,
               case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete'
                    else 'all' end as command,
               p.polpermissive as permissive,
               (select json_agg(coalesce(r.rolname, 'public') order by r.rolname)
                  from unnest(p.polroles) o(oid) left join pg_roles r on r.oid = o.oid) as roles,
               case when p.polqual is not null then
                    json_build_object('canonical', pg_get_expr(p.polqual, p.polrelid)) end as using,
               case when p.polwithcheck is not null then
                    json_build_object('canonical', pg_get_expr(p.polwithcheck, p.polrelid)) end as "check"
          from tables t join pg_policy p on p.polrelid = t.oid {described("pg_policy", "p.oid")}
         order by t.namespace, t.name, p.polname"""

    def create(self, new: Policy, parts: Sequence[str]) -> list[Step]:
        """Return CREATE POLICY."""
        kind = "" if new.permissive else " AS RESTRICTIVE"
        command = f" FOR {new.command.upper()}" if new.command != "all" else ""
        to = f" TO {_roles(new)}" if new.roles != EVERYBODY else ""
        return [Step(f"CREATE {self.label(new)}{kind}{command}{to}{_conditions(new)}")]

    def label(self, obj: Policy) -> str:
        """Return POLICY, its name and its table."""
        return f"POLICY {ident(obj.name)} ON {qualified(obj.namespace, obj.table)}"

    def needs(self, obj: Policy, model: Model) -> Iterator[Id]:
        """Yield its table, the columns it speaks of, and what its subqueries and calls do."""
        table = Id("table", obj.namespace, "", obj.table)
        yield table
        for each in model.columns(obj.namespace, obj.table):
            if any(mentions(one, each.name) for one in obj.expressions):
                yield each.id
        for one in obj.expressions:
            yield from ids_in(one.text, model)

    def moved(self, obj: Policy, renaming: Renaming) -> Policy:
        """Return it with the new names of its table and columns."""
        place = (obj.namespace, obj.table)
        return replace(
            renaming.placed(obj),
            using=renamed_in(obj.using, renaming, *place),
            check=renamed_in(obj.check, renaming, *place),
        )

    def alter(self, old: Policy, new: Policy, changed: frozenset[str]) -> list[Step] | None:
        """Return ALTER POLICY, which can neither change the command nor take a condition away."""
        gone = (old.using and not new.using) or (old.check and not new.check)
        if gone or changed & {"command", "permissive"}:
            return None
        to = f" TO {_roles(new)}" if "roles" in changed else ""
        return [Step(f"ALTER {self.label(new)}{to}{_conditions(new, changed)}")]

    def survives(self, obj: Policy, old: Object, new: Object) -> bool:
        """Return false where a column that it speaks of changes its type: Postgres refuses that."""
        return keeps_type(old, new)

    def loss(self, old: Policy) -> Hazard:
        """Return the change of who may see what."""
        why = f"the policy {old.id.address} is dropped: others may see and change rows than before"
        return Hazard("drop-policy", old.id.address, why, asks=True)


def _roles(policy: Policy) -> str:
    # What is no name of a role: PUBLIC and the words for whoever asks.
    words = {"public", "current_user", "current_role", "session_user"}
    return ", ".join(role.upper() if role in words else ident(role) for role in policy.roles)


def _conditions(policy: Policy, changed: frozenset[str] = frozenset({"using", "check"})) -> str:
    using = f" USING ({policy.using.text})" if policy.using and "using" in changed else ""
    return using + (f" WITH CHECK ({policy.check.text})" if policy.check and "check" in changed else "")


kind = PolicyKind()
