"""For tests of code that uses Sendoka: a mock of the endpoint, and a fake below the engines. Light until used."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendoka.testing.fake_database import FakeDatabase as FakeDatabase
    from sendoka.testing.neon_mock import NeonMock as NeonMock

__all__ = ["FakeDatabase", "NeonMock"]

_HOME = {"FakeDatabase": ".fake_database", "NeonMock": ".neon_mock"}


def __getattr__(name: str) -> object:
    from sendoka.lazy import load

    return load(__name__, _HOME, name)
