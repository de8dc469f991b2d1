"""A walk of a database from one random schema to the next, with rows in its tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from psycopg import errors

from sendoka.schema.model import Model
from sendoka.schema.spelling import differences, respelled
from tests.schemas.changing import built, changed
from tests.schemas.edits import edit, grow
from tests.schemas.values import fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.schemas.session import Session
    from tests.schemas.world import World

__all__ = ["Walk"]

NO_SCHEMA = (
    errors.DatatypeMismatch,
    errors.UndefinedFunction,
    errors.InvalidObjectDefinition,
    errors.FeatureNotSupported,
    errors.CannotCoerce,
    errors.CollationMismatch,
    errors.IndeterminateCollation,
    errors.InvalidTableDefinition,
    errors.InvalidForeignKey,
    errors.InvalidColumnReference,
    errors.WrongObjectType,
    errors.DataError,
)
"""What Postgres says of a schema that contradicts itself: a type without the operator, a default it cannot read."""


@dataclass(slots=True)
class Walk:
    """`here` is a database that changes; `beside` an empty one, where schemas are built to be read."""

    here: Session
    beside: Session
    world: World
    model: Model = field(default_factory=Model)
    passed: int = 0
    refused: int = 0
    failed_on_rows: int = 0

    async def begin(self, objects: int) -> None:
        """Build a first schema."""
        while len(self.world.objects) < objects:
            world = self.world.copy()
            for _ in range(10):
                grow(world)
            await self._go(world, [])

    async def step(self) -> None:
        """Change the schema. Raises AssertionError, or what Postgres says, where the change is not as it should be."""
        world = self.world.copy()
        answers = edit(world)
        await self._go(world, answers)

    async def _go(self, world: World, answers: Sequence[str]) -> None:
        new = await self._built(world.model)
        if new is None:
            self.refused += 1
            return
        fill(self.here, self.model)
        self.model, without_rows = await changed(self.here, self.beside, self.model, new, answers)
        self.failed_on_rows += without_rows
        self.world = world
        self.passed += 1

    async def _built(self, declared: Model) -> Model | None:
        """Return a declared schema as Postgres reads it, None where it contradicts itself."""
        try:
            found = await built(self.beside, declared)
        except NO_SCHEMA:
            return None
        except errors.UndefinedObject as error:
            if "operator class" not in str(error):
                raise
            return None
        assert found.unmanaged == (), str(found.unmanaged)
        others = sorted(map(str, found.objects.keys() ^ declared.objects.keys()))
        assert others == [], f"built otherwise: {others}"
        for key, each in declared.objects.items():
            changed = differences(each, found.objects[key])
            assert changed == set(respelled(each, found.objects[key])), (
                f"{key} is built otherwise: {each} {found.objects[key]}"
            )
        return found
