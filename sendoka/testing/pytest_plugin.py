"""Fixtures for pytest: the mock, and a fresh database for each test behind a local endpoint.

pytest loads this module wherever Sendoka is installed, so it imports nothing but pytest; what a fixture needs is
imported when it is asked for. None of the fixtures is asynchronous: they work with pytest-asyncio in both of its modes,
with anyio's plugin under asyncio and trio, and without any.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from sendoka.http.client import Neon
    from sendoka.local.faults import Faults
    from sendoka.local.server import Server
    from sendoka.testing.copies import Copies, Run
    from sendoka.testing.neon_mock import NeonMock

    Fill = Callable[[Neon], Any]

__all__ = [
    "neon_mock",
    "pytest_runtest_call",
    "sendoka_faults",
    "sendoka_server",
    "sendoka_sql",
    "sendoka_template",
    "sendoka_url",
]


# ------------------------------------------------------------------ the mock


_MOCK = pytest.StashKey["NeonMock"]()
_FAULTS = pytest.StashKey["Faults"]()


@pytest.fixture
def neon_mock(request: pytest.FixtureRequest) -> Iterator[NeonMock]:
    """A `NeonMock` that answers for every client in the test, and is verified when the test has passed."""
    from sendoka.testing.neon_mock import NeonMock

    _check_alone(request)
    mock = NeonMock()
    mock.start()
    request.node.stash[_MOCK] = mock
    yield mock
    mock.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test fail by itself, not in its teardown, where its mock was sent too much or a fault was never met."""
    try:
        result = yield
    except BaseException as error:
        _conclude(item, error)
        raise
    _conclude(item, None)
    return result


def _conclude(item: pytest.Item, error: BaseException | None) -> None:
    if _MOCK in item.stash:
        item.stash[_MOCK].conclude(error)
    if _FAULTS not in item.stash:
        return
    if error is None:
        item.stash[_FAULTS].verify()
        return
    for said in item.stash[_FAULTS].unmet():
        error.add_note(said)


def _check_alone(request: pytest.FixtureRequest) -> None:
    if {"neon_mock", "sendoka_sql"} <= set(request.fixturenames):
        pytest.fail(
            "neon_mock answers for every client in the test, so nothing of sendoka_sql would reach its database:"
            " use one of them, or NeonMock().client() for the code that is to meet the mock",
            pytrace=False,
        )


# ------------------------------------------------------------------ a real PostgreSQL


@pytest.fixture(scope="session")
def _sendoka_run() -> Iterator[Run]:
    """The PostgreSQL of this run, of each of its processes under pytest-xdist."""
    from sendoka.errors import SettingsError

    with contextlib.ExitStack() as stack:
        try:
            from sendoka.local import Server  # noqa: F401 - looking it up says which package is missing
            from sendoka.testing.copies import start_run

            run = stack.enter_context(start_run(os.environ.get("SENDOKA_POSTGRES")))
        except SettingsError as error:
            pytest.fail(" – ".join(str(error).splitlines()), pytrace=False)
        yield run


@pytest.fixture(scope="session")
def sendoka_server(_sendoka_run: Run) -> Iterator[Server]:
    """The local endpoint of this run, a `sendoka.local.Server`, over SENDOKA_POSTGRES or a PostgreSQL of its own."""
    from sendoka.local import Endpoint, Server

    with Server(Endpoint(_sendoka_run.postgres)) as server:
        yield server


@pytest.fixture(scope="session")
def sendoka_template(request: pytest.FixtureRequest) -> Fill:
    """The function that fills what every test's database is a copy of: here, by the project's migrations.

    Override it to seed: a session fixture of this name that takes `sendoka_template` and returns a function of the
    client, asynchronous or not, called once in a run.
    """
    from sendoka.testing.template import migrations_of, with_migrations

    return with_migrations(migrations_of(request.config.rootpath))


@pytest.fixture(scope="session")
def _sendoka_copies(_sendoka_run: Run, sendoka_server: Server, sendoka_template: Fill) -> Iterator[Copies]:
    from sendoka.testing.copies import Copies
    from sendoka.testing.template import fill

    with Copies(_sendoka_run) as copies:
        fill(sendoka_server.connection_string(copies.template), sendoka_template)
        yield copies


@pytest.fixture
def sendoka_url(sendoka_server: Server, _sendoka_copies: Copies) -> Iterator[str]:
    """The connection string of a fresh database, a copy of the template, that is the test's own."""
    name = _sendoka_copies.take()
    yield sendoka_server.connection_string(name)
    _sendoka_copies.give_back(name)


@pytest.fixture
def sendoka_sql(request: pytest.FixtureRequest, sendoka_url: str) -> Neon:
    """A client of the test's database. It keeps no connection, so nothing has to be closed."""
    from sendoka.http.client import neon
    from sendoka.testing.fleeting import FleetingTransport

    _check_alone(request)
    return neon(sendoka_url, transport=FleetingTransport())


@pytest.fixture
def sendoka_faults(request: pytest.FixtureRequest, sendoka_server: Server) -> Iterator[Faults]:
    """The endpoint's faults, none at first: `sendoka_faults.add("connection_closed", match="insert into orders")`.

    A test that passes although a fault was never met fails, unless it was added with `optional=True`.
    """
    faults = sendoka_server.endpoint.faults
    faults.clear()
    request.node.stash[_FAULTS] = faults
    yield faults
    faults.clear()
