"""What a person answered: which names are renames, what is new, what may be lost."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sendoka.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Answers", "read_answers"]

_KEYS = ("rename", "create", "allow")


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers, as the flags take them: `renames` are `old=new`, `creates` names, `allow` hazards by name."""

    renames: tuple[str, ...] = ()
    creates: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()

    def __add__(self, other: Answers) -> Answers:
        """Return both, each answer once."""
        return Answers(
            _once((*self.renames, *other.renames)),
            _once((*self.creates, *other.creates)),
            _once((*self.allow, *other.allow)),
        )

    def __bool__(self) -> bool:
        return bool(self.renames or self.creates or self.allow)

    @classmethod
    def of_flags(cls, arguments: Iterable[str]) -> Answers:
        """Return the answers that `--rename a=b --allow c:d …` give. Raises ValueError for another flag."""
        found: dict[str, list[str]] = {f"--{key}": [] for key in _KEYS}
        words = list(arguments)
        for flag, value in zip(words[::2], words[1::2], strict=True):
            if flag not in found:
                raise ValueError(f"{flag} answers nothing")
            found[flag].append(value)
        return cls(*(tuple(found[f"--{key}"]) for key in _KEYS))


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def read_answers(file: Path) -> Answers:
    """Return the answers in a TOML file: lists of texts called `rename`, `create` and `allow`, as the flags are.

    Raises SettingsError for a file that is missing, that is not TOML, or that holds anything else.
    """
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"the answers cannot be read: {error.strerror}", where=str(file)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"the answers are not TOML: {error}", where=str(file)) from error
    for key in document:
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, n=1, cutoff=0.5)
            todo = f"did you mean {near[0]}?" if near else f"it may hold: {', '.join(_KEYS)}"
            raise SettingsError(f"{key!r} answers nothing", where=f"in {file}", todo=todo)
    return Answers(*(_texts(document.get(key, []), key, file) for key in _KEYS))


def _texts(value: Any, key: str, file: Path) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise SettingsError(f"{key} is no list of texts", where=f"in {file}", todo=f'write {key} = ["…"]')
    return _once(value)
