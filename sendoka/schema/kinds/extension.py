"""Extensions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from sendoka.quoting import ident
from sendoka.schema.kind import Kind, Renaming
from sendoka.schema.kinds._comment import described
from sendoka.schema.model import Id, Object
from sendoka.schema.step import Hazard, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sendoka.schema.model import Model

__all__ = ["Extension", "ExtensionKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension(Object):
    """An extension, and the namespace that its objects stand in. Its version is the server's affair."""

    kind = "extension"

    @property
    def id(self) -> Id:
        """What tells it from all others: its name, for a database has it once."""
        return Id(self.kind, "", "", self.name)


class ExtensionKind(Kind[Extension]):
    """CREATE EXTENSION and its kin."""

    name = "extension"
    rank = 2
    holds = Extension
    claims = ("extension",)
    reads: ClassVar[tuple[type[Any], ...]] = (Extension,)
    # The comment that an extension brings along is its own.
    catalog = f"""
        select e.extname as name, n.nspname as namespace,
               nullif(z.description, (select a.comment from pg_available_extensions a where a.name = e.extname))
                    as comment
          from pg_extension e join pg_namespace n on n.oid = e.extnamespace {described("pg_extension", "e.oid")}
         where e.extname <> 'plpgsql' order by e.extname"""

    def create(self, new: Extension, parts: Sequence[str]) -> list[Step]:
        """Return CREATE EXTENSION."""
        return [Step(f"CREATE {self.label(new)} SCHEMA {ident(new.namespace)}")]

    def label(self, obj: Extension) -> str:
        """Return EXTENSION and its name."""
        return f"EXTENSION {ident(obj.name)}"

    def needs(self, obj: Extension, model: Model) -> Iterator[Id]:
        """Yield the namespace of its objects."""
        yield Id("namespace", "", "", obj.namespace)

    def moved(self, obj: Extension, renaming: Renaming) -> Extension:
        """Return it in its namespace's new name."""
        return replace(obj, namespace=renaming.namespace(obj.namespace))

    def alter(self, old: Extension, new: Extension, changed: frozenset[str]) -> list[Step] | None:
        """Return SET SCHEMA, which all its objects follow."""
        return [Step(f"ALTER {self.label(new)} SET SCHEMA {ident(new.namespace)}")] if "namespace" in changed else []

    def loss(self, old: Extension) -> Hazard:
        """Return the loss of all that it brought."""
        why = f"the extension {old.name} is dropped; Postgres refuses that while anything uses it"
        return Hazard("drop-extension", old.id.address, why, asks=True)


kind = ExtensionKind()
