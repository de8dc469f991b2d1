"""What a worker of a fleet is sent for a shard: the script, the client, the terms. No repr shows any of it.

It is opened only by a worker that has the sender's version of Sendoka: what is inside may have another shape in
another one.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka import __version__
from sendoka.errors import InvalidBackfill

if TYPE_CHECKING:
    from sendoka.backfills.bundle import Bundle
    from sendoka.backfills.terms import Terms
    from sendoka.http.client import Neon

__all__ = ["Contents", "Parcel", "sealed", "sendable"]


@dataclass(frozen=True, slots=True, repr=False)
class Contents:
    """What is in a parcel; `run` is the id of the run, `operator` who drives it, `client` holds a secret."""

    client: Neon
    bundle: Bundle
    terms: Terms
    run: int
    operator: str
    revision: str | None


@dataclass(frozen=True, slots=True, repr=False)
class Parcel:
    """Contents that are closed: `name` is the backfill's, `call` names the call of `run` that sends it."""

    version: str
    name: str
    call: str
    closed: bytes

    def __repr__(self) -> str:
        return f"<parcel for {self.name}>"

    def opened(self) -> Contents:
        """Return the contents; each time a client of its own."""
        contents: Contents = pickle.loads(self.closed)  # noqa: S301 - dask itself takes pickles of nobody else
        return contents


def sealed(name: str, call: str, contents: Contents) -> Parcel:
    """Close `contents`."""
    return Parcel(__version__, name, call, pickle.dumps(contents))


def sendable(client: object) -> Neon:
    """Return the client if others can be sent one like it. Raises InvalidBackfill where it holds what cannot travel."""
    from sendoka.http.client import Neon

    if not isinstance(client, Neon):
        raise InvalidBackfill(
            f"a fleet needs a client made by neon(), and this is of the type {type(client).__name__}",
            todo="leave out dask=, or give run() the client that neon(url) returns",
        )
    try:
        pickle.dumps(client)
    except Exception as error:  # noqa: BLE001 - pickling foreign objects may raise anything
        # Whatever could not be pickled may show itself in the error's text: only its type is told.
        raise InvalidBackfill(
            f"the client cannot be sent to other machines: {type(error).__name__}",
            todo="make it by neon(url) with nothing that lives in this process: a transport of your own, a function"
            " without a name",
        ) from None
    return client
