"""Where our own tables live in a user's database: the namespace `sendoka`, unless another one is given.

Statements about them are written for `sendoka` and say so by their class; whoever sends them puts the namespace of the
database in its place. What a user wrote is never touched.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sendoka.database.statement import Statement
from sendoka.errors import SettingsError
from sendoka.quoting import ident, literal

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["NAMESPACE", "Ours", "at_home", "checked_namespace"]

NAMESPACE = "sendoka"
"""The usual namespace."""

# Compiled where another namespace is given: most never need them.
_NAMED = r"(?<![\w.\"])sendoka(?=\.[a-z])|(?<=schema )sendoka\b|(?<=not exists )sendoka$|'sendoka'"
_PLAIN = r"[a-z_][a-z0-9_]{0,62}"


class Ours(Statement):
    """A statement about our own tables."""

    __slots__ = ()


def at_home(statements: Sequence[Statement], namespace: str) -> Sequence[Statement]:
    """Return the statements with `namespace` for `sendoka` in those that are ours."""
    if namespace == NAMESPACE:
        return statements
    return [Ours(_moved(each.text, namespace), each.params) if isinstance(each, Ours) else each for each in statements]


def _moved(text: str, namespace: str) -> str:
    # As a literal it stands in lists of namespaces that are not looked into: the usual one is not either.
    def named(found: re.Match[str]) -> str:
        return f"'sendoka', {literal(namespace)}" if found[0].startswith("'") else ident(namespace)

    return re.sub(_NAMED, named, text)


def checked_namespace(name: object) -> str:
    """Return the name of a namespace for our tables. Raises SettingsError for one that cannot be it."""
    if name == NAMESPACE:
        return NAMESPACE
    if not isinstance(name, str) or not re.fullmatch(_PLAIN, name):
        raise SettingsError(
            f"{name!r} cannot be the namespace of Sendoka's own tables",
            todo="give small letters, digits and underscores, 63 at most: acme_sendoka",
        )
    if name.startswith("pg_") or name in {"public", "information_schema"}:
        raise SettingsError(
            f"{name!r} is not for Sendoka's own tables alone", todo="give a name that nobody else uses: acme_sendoka"
        )
    return name
