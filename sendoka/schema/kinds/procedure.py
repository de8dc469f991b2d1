"""Procedures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sendoka.schema.kinds._routine import Routine, RoutineKind, routine_catalog
from sendoka.schema.step import Hazard

__all__ = ["Procedure", "ProcedureKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure(Routine):
    """A procedure."""

    kind = "procedure"


class ProcedureKind(RoutineKind[Procedure]):
    """CREATE PROCEDURE."""

    name = "procedure"
    words = "PROCEDURE"
    holds = Procedure
    claims = ("routine:p",)
    reads: ClassVar[tuple[type[Any], ...]] = (Procedure,)
    catalog = routine_catalog("p")

    def loss(self, old: Procedure) -> Hazard:
        """Return the loss of the procedure."""
        return Hazard("drop-procedure", old.id.address, f"the procedure {old.id.address} is dropped", asks=True)


kind = ProcedureKind()
