"""The imports of a file: what its code uses and nothing else, in the order that ruff wants."""

from __future__ import annotations

from dataclasses import dataclass, field

from sendoka.schema.to_python.code import WIDTH

__all__ = ["Imports"]


@dataclass(slots=True)
class Imports:
    """Collects what is used while the code of a file is written."""

    _known: dict[tuple[str, str], str] = field(default_factory=dict)

    def use(self, module: str, name: str) -> str:
        """Return how `name` of `module` is called in the file; another one where the name is taken."""
        key = (module, name)
        if key not in self._known:
            called, number = name, 1
            while called in self._known.values():
                number += 1
                called = f"{name}Object" if number == 2 else f"{name}Object{number}"
            self._known[key] = called
        return self._known[key]

    @property
    def names(self) -> frozenset[str]:
        """The names that mean something in the file."""
        return frozenset(self._known.values())

    def lines(self) -> str:
        """Return the import statements: SQLAlchemy's, ours, those of the folder, with a line between."""
        sections: list[list[str]] = [[], [], []]
        for module in sorted({module for module, _ in self._known}, key=lambda each: (each != ".", each)):
            section = 2 if module.startswith(".") else 1 if module.partition(".")[0] == "sendoka" else 0
            found = [(name, called) for (where, name), called in self._known.items() if where == module]
            plain = sorted((name for name, called in found if name == called), key=_order)
            sections[section] += [
                f"from {module} import {name} as {called}" for name, called in sorted(found) if name != called
            ]
            if plain:
                sections[section].append(_statement(module, plain))
        return "\n\n".join("\n".join(each) for each in sections if each)


def _order(name: str) -> tuple[int, str]:
    """Constants come first, then classes, then the rest."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2, name)


def _statement(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in names), ")"])
