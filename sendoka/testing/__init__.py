"""For tests of code that uses Sendoka: a mock of the endpoint, and a fake below the engines. Light until used."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendoka.testing.fake_database import FakeDatabase as FakeDatabase
    from sendoka.testing.neon_mock import NeonMock as NeonMock

__all__ = ["FakeDatabase", "NeonMock"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    home = "neon_mock" if name == "NeonMock" else "fake_database"
    return getattr(import_module(f"{__name__}.{home}"), name)
