"""Names of a package that are imported when they are first used (PEP 562), so that importing it costs nothing."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["load"]


def load(package: str, home: Mapping[str, str], name: str) -> object:
    """Return what `package` exports as `name`, and keep it there: for the package's `__getattr__`.

    `home` gives the module of each name, absolute or relative to the package. Raises AttributeError for other names.
    """
    if name not in home:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    value: object = getattr(import_module(home[name], package), name)
    setattr(sys.modules[package], name, value)
    return value
