"""Functions, window functions among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sendoka.schema.kinds._routine import Routine, RoutineKind, routine_catalog
from sendoka.schema.step import Hazard

__all__ = ["Function", "FunctionKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Function(Routine):
    """A function."""

    kind = "function"


class FunctionKind(RoutineKind[Function]):
    """CREATE FUNCTION."""

    name = "function"
    words = "FUNCTION"
    holds = Function
    claims = ("routine:f", "routine:w")
    reads: ClassVar[tuple[type[Any], ...]] = (Function,)
    catalog = routine_catalog("fw")

    def loss(self, old: Function) -> Hazard:
        """Return the loss of the function."""
        return Hazard("drop-function", old.id.address, f"the function {old.id.address} is dropped", asks=True)


kind = FunctionKind()
