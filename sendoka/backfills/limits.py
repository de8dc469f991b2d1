"""What holds a run back: its hours, its hard limits, and what it yields to."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sendoka.backfills.amounts import ROWS_A_SECOND
from sendoka.backfills.signal import signals
from sendoka.backfills.window import Window
from sendoka.errors import InvalidBackfill

__all__ = ["Limits"]

_ALL = "all"
_OFF = "off"
_ON = "on"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a run: rows scanned a second, its hours, and the bounds of the signals that are on, by name."""

    rate: float | None
    window: Window | None
    bounds: Mapping[str, float]

    @classmethod
    def of(
        cls,
        *,
        rate: str | float | None = None,
        wal_budget: str | None = None,
        between: str | None = None,
        tz: str | None = None,
        yields: Mapping[str, str] | None = None,
    ) -> Limits:
        """Return the limits that the parameters of `run` say. Raises InvalidBackfill, with what to write instead."""
        if yields is not None and not isinstance(yields, Mapping):
            raise InvalidBackfill(
                f"yields={yields!r} is no mapping of names to bounds", todo='write it as {"vacuum": "off"}'
            )
        given = dict(yields or {})
        if wal_budget is not None:
            if "wal" in given:
                raise InvalidBackfill("the budget of WAL is given twice", todo="give wal_budget= alone: 20MB/s")
            given["wal"] = wal_budget
        # What is switched off as a whole can be switched on one by one.
        rows = None if rate is None else _read("rate", ROWS_A_SECOND, f"{rate:.15g}/s" if _is_number(rate) else rate)
        bounds = {} if _all_off(given.pop(_ALL, _ON)) else _usual()
        for name, said in given.items():
            bound = _bound(name, said)
            bounds.pop(name, None)
            if bound is not None:
                bounds[name] = bound
        return cls(rows, Window.of(between, tz), bounds)

    def lines(self) -> list[str]:
        """Return what is in force, each as a clause for people; what only holds where it is busy comes last."""
        known = signals()
        told = [f"between {self.window} only"] if self.window else []
        if self.rate is not None:
            told.append(f"{ROWS_A_SECOND.shown(self.rate)} at most")
        for name in sorted(self.bounds, key=lambda name: (name != "wal", name)):
            unit, bound = known[name].unit, self.bounds[name]
            if name == "wal" and unit is not None:
                told.append(f"{unit.shown(bound)} of WAL at most")
            else:
                told.append(
                    f"yields to {known[name].about}" + (f": {name}={unit.shown(bound)}" if unit else f": {name}")
                )
        return told


def _usual() -> dict[str, float]:
    return {name: each.usual for name, each in signals().items() if each.usual is not None}


def _all_off(said: object) -> bool:
    if not isinstance(said, str) or said not in {_ON, _OFF}:
        raise _neither(_ALL, said)
    return said == _OFF


def _neither(name: str, said: object) -> InvalidBackfill:
    return InvalidBackfill(f"{name}={said!r} is neither on nor off", todo=f"{name}=off switches it off")


def _bound(name: str, said: object) -> float | None:
    """Return the bound of a signal, None where it is switched off."""
    known = signals()
    if name not in known:
        near = difflib.get_close_matches(name, [*known, _ALL], n=1)
        todo = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}, and all"
        raise InvalidBackfill(f"there is nothing called {name!r} that a run yields to", todo=todo)
    signal = known[name]
    if said == _OFF:
        return None
    if said == _ON and signal.usual is not None:
        return signal.usual
    if signal.unit is None:
        raise _neither(name, said)
    return _read("wal_budget" if name == "wal" else name, signal.unit, said)


def _read(name: str, unit: Any, said: object) -> float:
    try:
        return float(unit.read(str(said)))
    except ValueError as error:
        what, _, todo = str(error).partition("; ")
        raise InvalidBackfill(f"{name}: {what}", todo=todo) from None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
