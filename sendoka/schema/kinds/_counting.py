"""How a sequence counts, whether it stands by itself or behind an identity column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from sendoka.quoting import ident, qualified
from sendoka.schema.model import STRICT

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["COUNTING", "COUNTING_JOIN", "USUAL", "Counting", "counting_of"]

_TOPS = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """By what a sequence counts and between which bounds; None for what Postgres takes by itself."""

    __pydantic_config__: ClassVar[Mapping[str, str]] = STRICT

    increment: int = 1
    minimum: int | None = None
    maximum: int | None = None
    start: int | None = None
    cache: int = 1
    cycle: bool = False

    def clause(self) -> str:
        """Return the words of CREATE SEQUENCE for what is not usual, each after a space."""
        words = [
            (self.increment != 1, f" INCREMENT BY {self.increment}"),
            (self.minimum is not None, f" MINVALUE {self.minimum}"),
            (self.maximum is not None, f" MAXVALUE {self.maximum}"),
            (self.start is not None, f" START WITH {self.start}"),
            (self.cache != 1, f" CACHE {self.cache}"),
            (self.cycle, " CYCLE"),
        ]
        return "".join(text for unusual, text in words if unusual)

    def changes(self, *, retyped: bool = False) -> tuple[str, ...]:
        """Return the words of ALTER SEQUENCE that make a sequence count so, whatever it did before.

        `retyped` is true where they come with AS: a bound that was the old type's then becomes the new one's, unless it
        is given.
        """
        usual = ("MINVALUE 1", "NO MAXVALUE") if self.increment > 0 else ("NO MINVALUE", "MAXVALUE -1")
        low, high = usual if retyped else ("NO MINVALUE", "NO MAXVALUE")
        return (
            f"INCREMENT BY {self.increment}",
            low if self.minimum is None else f"MINVALUE {self.minimum}",
            high if self.maximum is None else f"MAXVALUE {self.maximum}",
            f"START WITH {self.start_of()}",
            f"CACHE {self.cache}",
            "CYCLE" if self.cycle else "NO CYCLE",
        )

    def followed(self, old: Counting, sequence: str, types: tuple[str, str]) -> tuple[list[str], str]:
        """Return what keeps `sequence`, an expression, countable where its bounds come closer than `old`'s.

        They are the statements that move it in between first, and the words that ALTER SEQUENCE needs besides; `types`
        are those it had and gets. Moved is only what no longer fits: the number that was reached is kept otherwise.
        """
        (low, high), (lower, upper) = old.bounds(types[0]), self.bounds(types[1])
        if lower > high or upper < low:
            return [], "RESTART"
        reached = f"coalesce(pg_sequence_last_value({sequence}), {old.start_of()})"
        moves = []
        for bound, sign, closer, ahead in (
            (lower, "<", lower > low, self.increment < 0),
            (upper, ">", upper < high, self.increment > 0),
        ):
            if closer:
                # Behind its end a sequence is used up; before its beginning it has yet to give the first number.
                used = "true" if ahead else "false"
                moves.append(f"SELECT setval({sequence}, {bound}, {used}) WHERE {reached} {sign} {bound}")
        return moves, ""

    def bounds(self, of: str) -> tuple[int, int]:
        """Return the least and the greatest number of a sequence of type `of`."""
        top = _TOPS.get(of, _TOPS["bigint"])
        low, high = (1, top) if self.increment > 0 else (-top - 1, -1)
        return (low if self.minimum is None else self.minimum, high if self.maximum is None else self.maximum)

    def start_of(self) -> int:
        """Return the first number."""
        return self.first if self.start is None else self.start

    @property
    def first(self) -> int:
        """Where it starts by itself: at the lower bound, or at the upper one if it counts down."""
        if self.increment > 0:
            return 1 if self.minimum is None else self.minimum
        return -1 if self.maximum is None else self.maximum

    def behind(self, sequence: str, namespace: str, table: str, column: str) -> str:
        """Return the statement after which `sequence`, an expression, goes on behind the values of a column."""
        most, end = ("greatest", "max") if self.increment > 0 else ("least", "min")
        reached = f"{most}({end}({ident(column)}), {self.first})"
        return f"SELECT setval({sequence}, {reached}) FROM {qualified(namespace, table)} HAVING count(*) > 0"

    def usual(self, of: str) -> Counting:
        """Return the same with None for what a sequence of type `of` would do by itself."""
        low, high = Counting(increment=self.increment).bounds(of)
        bounded = Counting(
            increment=self.increment,
            minimum=None if self.minimum == low else self.minimum,
            maximum=None if self.maximum == high else self.maximum,
            cache=self.cache,
            cycle=self.cycle,
        )
        start = None if self.start == bounded.first else self.start
        return Counting(
            increment=bounded.increment,
            minimum=bounded.minimum,
            maximum=bounded.maximum,
            start=start,
            cache=bounded.cache,
            cycle=bounded.cycle,
        )


USUAL = Counting()
"""From 1 by 1."""

COUNTING = """json_build_object('increment', q.seqincrement, 'cache', q.seqcache, 'cycle', q.seqcycle,
                    'minimum', nullif(q.seqmin, b.low), 'maximum', nullif(q.seqmax, b.high),
                    'start', nullif(q.seqstart, case when q.seqincrement > 0 then q.seqmin else q.seqmax end))"""
"""The JSON of a `Counting`, from `q`, a row of pg_sequence, and `b` of `COUNTING_JOIN`."""

COUNTING_JOIN = """lateral (
                    select case when q.seqincrement > 0 then 1 else -t.top - 1 end as low,
                           case when q.seqincrement > 0 then t.top else -1 end as high
                      from (select case q.seqtypid when 21 then 32767 when 23 then 2147483647
                                        else 9223372036854775807 end as top) t) b"""
"""The bounds that a sequence has by itself."""


def counting_of(declared: Any, of: str) -> Counting:
    """Return how SQLAlchemy's Sequence or Identity counts, for the type `of`."""
    return Counting(
        increment=1 if declared.increment is None else declared.increment,
        minimum=declared.minvalue,
        maximum=declared.maxvalue,
        start=declared.start,
        cache=1 if declared.cache is None else declared.cache,
        cycle=bool(declared.cycle),
    ).usual(of)
