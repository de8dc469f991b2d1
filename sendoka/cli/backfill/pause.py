"""Let no batch of a backfill be done from now on, until it is resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sendoka.cli._options import env_file_option, json_option
from sendoka.cli.backfill._switch import switch
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["pause_command"]


@click.command
@click.argument("name")
@env_file_option
@json_option
def pause_command(name: str, env_file: Path | None, as_json: bool) -> int:
    """Let no batch of the backfill NAME be done from now on.

    It works from anywhere, and returns once no batch is in flight any more. The process that runs it waits, up to its
    deadline; one that is started meanwhile says who paused it, and exits with 130. What was done stays.
    """
    from sendoka.backfills import pause

    switch(pause, find_source(read_settings(), env_file=env_file), name, as_json=as_json)
    return 0
