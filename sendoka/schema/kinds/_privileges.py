"""Privileges: which there are on what, who has some by himself, and what lies between two states."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ALL", "EVERYBODY", "OWNER", "Held", "known", "less", "spread", "told", "turns", "usual"]

ALL = "all"
"""Every privilege there is. Of a relation it stands for itself: newer versions of Postgres know more of them."""
EVERYBODY = "public"
"""PUBLIC, which is no role."""
OWNER = "current_user"
"""The owner of the object, who is the one that runs the statements: his name differs from server to server."""

_RELATION = ("select", "insert", "update", "delete", "truncate", "references", "trigger", "maintain")
_SEQUENCE = ("usage", "select", "update")
_KNOWN = {
    "table": _RELATION,
    "view": _RELATION,
    "materialized-view": _RELATION,
    "column": ("select", "insert", "update", "references"),
    "sequence": _SEQUENCE,
    "identity": _SEQUENCE,
    "namespace": ("usage", "create"),
    "function": ("execute",),
    "procedure": ("execute",),
    "aggregate": ("execute",),
    "enum": ("usage",),
    "domain": ("usage",),
    "composite-type": ("usage",),
}


class Held(NamedTuple):
    """The privileges that a role has, and those of them that it may grant to others."""

    privileges: frozenset[str] = frozenset()
    grantable: frozenset[str] = frozenset()


def known(sort: str) -> tuple[str, ...]:
    """Return the privileges there are on a sort of object, in the order of Postgres' documentation."""
    return _KNOWN[sort]


def told(sort: str, names: frozenset[str]) -> frozenset[str]:
    """Return `names` as the model has them: all of several are `ALL`, and one that is all there is has its name."""
    every = known(sort)
    if len(every) == 1:
        return frozenset(every) if names else names
    return frozenset({ALL}) if ALL in names or names == frozenset(every) else names


def spread(sort: str, held: Held) -> Held:
    """Return the same without the word for all, where it is known what all are."""
    every = known(sort)
    if every is _RELATION:
        return held
    return Held(*(frozenset(every) if ALL in names else names for names in held))


def usual(sort: str, to: str, *, in_public: bool = False) -> Held:
    """Return what a role has of a new object; `in_public` is true of the namespace `public` itself."""
    every = known(sort)
    if to == OWNER and sort != "column":
        return Held(told(sort, frozenset(every)))
    if to == EVERYBODY and (len(every) == 1 or in_public):
        return Held(frozenset({every[0]}))
    return Held()


def less(names: frozenset[str], others: frozenset[str]) -> frozenset[str]:
    """Return those of `names` that `others` lack. All without some are all: what they are depends on the server."""
    if ALL in others:
        return frozenset()
    return names if ALL in names else names - others


def turns(old: Held, new: Held) -> Iterator[tuple[str, frozenset[str], str]]:
    """Yield what leads from one state to another: the words before the privileges, those, and the words at the end."""
    gone = less(old.privileges, new.privileges)
    if gone:
        yield "REVOKE", gone, ""
        old = Held(old.privileges - gone, old.grantable - gone if ALL not in gone else frozenset())
    withdrawn = less(old.grantable, new.grantable)
    if withdrawn:
        yield "REVOKE GRANT OPTION FOR", withdrawn, ""
        old = Held(old.privileges, old.grantable - withdrawn)
    passed = less(new.grantable, old.grantable)
    plain = less(less(new.privileges, old.privileges), passed)
    if plain:
        yield "GRANT", plain, ""
    if passed:
        yield "GRANT", passed, " WITH GRANT OPTION"
