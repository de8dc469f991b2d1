"""Who runs a backfill: a process on a host, as it stands in the database."""

from __future__ import annotations

import os
import secrets
import socket

__all__ = ["gone", "marked", "new_owner", "shown"]


def new_owner(mark: str = "") -> str:
    """Return a name for one walk of this process: `host:pid:random`, where the last part begins with `mark`."""
    return f"{socket.gethostname()}:{os.getpid()}:{mark}{secrets.token_hex(6)}"


def marked(owner: str | None, mark: str) -> bool:
    """Tell whether the name was made with this mark, by whatever process."""
    return (owner or "").rpartition(":")[2].startswith(mark)


def shown(owner: str | None) -> str:
    """Return the name for people: `process 4711 on host`."""
    host, _, rest = (owner or "somebody else").partition(":")
    return f"process {rest.partition(':')[0]} on {host}" if rest else host


def gone(owner: str) -> bool:
    """Tell whether the process is known not to exist any more: only of this host's processes that can be told.

    Two hosts of one name may be mistaken for each other; a batch of who was believed dead cannot commit, all the same.
    """
    host, _, rest = owner.partition(":")
    number = rest.partition(":")[0]
    # Elsewhere than on POSIX, signal 0 is not a question but ends the process.
    if os.name != "posix" or host != socket.gethostname() or not number.isdecimal() or int(number) <= 0:
        return False
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False
    return False
