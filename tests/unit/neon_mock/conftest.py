"""A mock, and a client whose every request it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendoka.testing import NeonMock

if TYPE_CHECKING:
    from sendoka.http.client import Neon


@pytest.fixture
def mock() -> NeonMock:
    return NeonMock()


@pytest.fixture
def sql(mock: NeonMock) -> Neon:
    return mock.client()
