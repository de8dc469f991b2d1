"""Amounts with their units, as people write them: `20MB/s`, `2000/s`, `10min`, `5x`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BYTES", "BYTES_A_SECOND", "FACTOR", "ROWS_A_SECOND", "SECONDS", "Unit", "spoken"]

_AMOUNT = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*([a-zA-Z]*)(/s)?")


@dataclass(frozen=True, slots=True)
class Unit:
    """What an amount is of. `scales` are the units it may have, with their factors; `a_second` whether it is a rate."""

    noun: str
    example: str
    scales: Mapping[str, float]
    a_second: bool = False

    def read(self, text: str) -> float:
        """Return the amount, in the unit whose factor is 1. Raises ValueError, with what to write, for what is none."""
        found = _AMOUNT.fullmatch(text.strip())
        factor = self.scales.get(found[2].lower()) if found else None
        if found is None or factor is None or bool(found[3]) != self.a_second:
            raise ValueError(f"{text!r} is no {self.noun}; write it as {self.example}")
        amount = float(found[1]) * factor
        if not 0 < amount < math.inf:
            raise ValueError(f"{text!r}: a {self.noun} is above 0; write it as {self.example}")
        return amount

    def shown(self, amount: float) -> str:
        """Return the amount for people, in the largest unit that it has one of: `20 MB/s`."""
        fitting = [(factor, name) for name, factor in self.scales.items() if factor <= amount] or [(1.0, "")]
        factor, name = max(fitting)
        number = f"{amount / factor:,.0f}" if amount / factor >= 100 else f"{amount / factor:g}"
        name = {"kb": "kB", "b": "bytes"}.get(name, name.upper() if name.endswith("b") else name)
        return number + (name if name == "x" else f" {name}" if name else "") + ("/s" if self.a_second else "")


_SIZES = {"b": 1.0, "kb": 1024.0, "mb": 1024.0**2, "gb": 1024.0**3, "tb": 1024.0**4}

BYTES = Unit("number of bytes", "200MB (kB, MB or GB)", _SIZES)
BYTES_A_SECOND = Unit("rate of bytes", "20MB/s (kB, MB or GB a second)", _SIZES, a_second=True)
ROWS_A_SECOND = Unit("rate of rows", "2000/s (rows a second)", {"": 1.0}, a_second=True)
SECONDS = Unit("duration", "30s (ms, s, min or h)", {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0})
FACTOR = Unit("factor", "5x (times as long as before)", {"x": 1.0})


def spoken(seconds: float) -> str:
    """Return a duration in the unit that suits it: `500 ms`, `10 min`."""
    return SECONDS.shown(seconds)
