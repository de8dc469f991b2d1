"""One fault: its kind, which requests it meets and how often, read from options or from a line of text."""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from sendoka.errors import SettingsError
from sendoka.local.kinds import COMMON_OPTIONS, KINDS

if TYPE_CHECKING:
    import random

__all__ = ["Fault", "FaultKind", "read_fault"]

FaultKind = Literal[
    "answer",
    "answer_too_large",
    "broken_pool",
    "canceled",
    "connection_closed",
    "connection_limit",
    "control_plane",
    "cut_after",
    "cut_before",
    "cut_body",
    "cut_head",
    "delay",
    "drip",
    "empty",
    "endpoint_disabled",
    "half_json",
    "html",
    "json_string",
    "late",
    "login_lost",
    "msg",
    "no_compute",
    "no_endpoint",
    "no_permit",
    "no_slots",
    "quota",
    "random",
    "refuse",
    "starting_up",
    "too_large",
    "twice",
    "unreadable",
    "wake_up",
    "wake_up_fails",
    "wake_up_limit",
]
"""The names in `sendoka.local.kinds.KINDS`, for type checkers."""

_DRAWN = tuple(sorted(KINDS.keys() - {"answer", "random"}))


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; what each option means stands in `sendoka.local.kinds.OPTIONS`.

    It meets requests whose SQL holds `match` (a pattern where `regex`), `times` times after the first `skip`.
    """

    kind: str
    match: str = ""
    regex: bool = False
    times: int = 1
    skip: int = 0
    seconds: float = 0.0
    status: int = 0
    message: str = "Control plane request failed"
    body: str = ""
    type: str = "application/json"
    location: str = ""
    at: float = 0.5
    run: bool = True
    seed: int = 0
    rate: float = 0.1
    kinds: tuple[str, ...] = _DRAWN

    def __post_init__(self) -> None:
        _check_kind(self.kind)
        if not all(0 <= number < math.inf for number in (self.times, self.skip, self.seconds, self.at)):
            raise SettingsError("a fault's times, skip, seconds and at cannot be negative or without an end")
        if self.status and not 200 <= self.status <= 599:
            raise SettingsError("a fault's status is a number from 200 to 599")
        if not 0 <= self.rate <= 1:
            raise SettingsError("a fault's rate is a number from 0 to 1")
        if "\r" in self.type + self.location or "\n" in self.type + self.location:
            raise SettingsError("a fault's type and location are one line each")
        for kind in self.kinds:
            _check_kind(kind)
        if "random" in self.kinds or not self.kinds:
            raise SettingsError("a random fault draws from other kinds, at least one")
        if self.regex:
            try:
                re.compile(self.match)
            except re.error as error:
                raise SettingsError(f"{self.match!r} is no pattern: {error}") from None

    @classmethod
    def of(cls, /, kind: str, **options: Any) -> Fault:
        """Return a fault of `kind`, whose options are checked: raises SettingsError for one that it does not take.

        `random` without a seed is given one, and goes on until it is cleared unless `times` says otherwise.
        """
        _check_kind(kind)
        for name, value in options.items():
            _check_name(kind, name)
            _check_type(name, value)
        if kind == "random":
            options = {"times": 0, "seed": secrets.randbelow(1 << 31), **options}
            options["kinds"] = tuple(options.get("kinds", _DRAWN))
        return cls(kind, **options)

    def told(self) -> dict[str, Any]:
        """Return kind and options as JSON can carry them, those that the kind takes: `Fault.of(**fault.told())`."""
        names = ("kind", *COMMON_OPTIONS, *KINDS[self.kind].options)
        values = {name: getattr(self, name) for name in names}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def __str__(self) -> str:
        # What is as usual goes without saying, but for a seed.
        usual = Fault.of(self.kind, **({"seed": self.seed} if self.kind == "random" else {})).told()
        told = [(name, value) for name, value in self.told().items() if name == "seed" or value != usual[name]]
        words = [f"{name}={_word(value)}" for name, value in told if name != "match"]
        return ",".join([self.kind, *words]) + (f":{self.match}" if self.match else "")

    def meets(self, sql: str) -> bool:
        """Tell whether the SQL of a request, its statements joined by newlines, is meant."""
        return re.search(self.match, sql) is not None if self.regex else self.match in sql

    def draw(self, source: random.Random) -> Fault | None:
        """Return what a `random` fault does to the next request: one of its kinds, or None most of the time."""
        # Always as many numbers, so that a request's fault depends on its place alone.
        met, which, at, part = (source.random() for _ in range(4))
        if met >= self.rate:
            return None
        kind = self.kinds[int(which * len(self.kinds))]
        return replace(self, kind=kind, at=at, seconds=part * (self.seconds or 0.2))


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        near = difflib.get_close_matches(kind, KINDS, n=1)
        todo = f"did you mean {near[0]!r}?" if near else f"use one of: {', '.join(KINDS)}"
        raise SettingsError(f"{kind!r} is no fault", todo=todo)


def _check_name(kind: str, name: str) -> None:
    takes = (*COMMON_OPTIONS, *KINDS[kind].options)
    if name not in takes:
        raise SettingsError(f"a fault {kind} has no {name!r}", todo=f"it has: {', '.join(takes)}")


_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "tuple[str, ...]": (list, tuple),
}
_NAMES = {"str": "text", "bool": "true or false", "int": "a whole number", "float": "a number"}
_FIELDS: dict[str, str] = {field.name: str(field.type) for field in dataclasses.fields(Fault)}


def _check_type(name: str, value: Any) -> None:
    kind = _FIELDS[name]
    right = isinstance(value, _TYPES[kind]) and (kind == "bool" or not isinstance(value, bool))
    if kind.startswith("tuple"):
        right = right and all(isinstance(item, str) for item in value)
    if not right:
        raise SettingsError(f"a fault's {name} is {_NAMES.get(kind, 'a list of kinds')}, not {value!r}")


# ------------------------------------------------------------------ a line of text

_WORD = r"(?:\"(?:[^\"]|\"\")*\"|[^,:\"]*)"
_LINE = re.compile(rf"(?P<kind>\w*)(?P<options>(?:,\w+={_WORD})*)(?::(?P<match>.*))?", re.DOTALL)
_OPTION = re.compile(rf",(?P<name>\w+)=(?P<value>{_WORD})")


def read_fault(text: str) -> Fault:
    """Read `KIND`, `KIND:SQL` or `KIND,OPTION=VALUE,…:SQL`, as in `delay,seconds=2,times=0:insert into orgs`.

    A value that holds a comma, a colon or a quote stands in double quotes, its own quotes doubled; kinds are joined by
    `+`. It is how `str(fault)` writes one. Raises SettingsError.
    """
    line = _LINE.fullmatch(text)
    if line is None:
        raise SettingsError(
            f"{text!r} is no fault", todo="write KIND, KIND:SQL or KIND,OPTION=VALUE:SQL, as in delay,seconds=2:insert"
        )
    _check_kind(line["kind"])
    options: dict[str, Any] = {"match": line["match"]} if line["match"] else {}
    for option in _OPTION.finditer(line["options"]):
        _check_name(line["kind"], option["name"])
        word = option["value"]
        text = word[1:-1].replace('""', '"') if word.startswith('"') else word
        options[option["name"]] = _value(option["name"], text)
    return Fault.of(line["kind"], **options)


def _value(name: str, text: str) -> Any:
    kind = _FIELDS.get(name, "str")
    try:
        if kind == "bool":
            return {"true": True, "false": False, "yes": True, "no": False}[text.lower()]
        if kind in {"int", "float"}:
            return int(text) if kind == "int" else float(text)
    except (ValueError, KeyError):
        raise SettingsError(f"a fault's {name} is {_NAMES[kind]}, not {text!r}") from None
    return text.split("+") if kind.startswith("tuple") else text


def _word(value: Any) -> str:
    text = "+".join(value) if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else str(value)
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',:"') else text
