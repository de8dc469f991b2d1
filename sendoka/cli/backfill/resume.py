"""Let a paused backfill go on where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sendoka.cli._options import env_file_option, json_option
from sendoka.cli.backfill._switch import switch
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["resume_command"]


@click.command
@click.argument("name")
@env_file_option
@json_option
def resume_command(name: str, env_file: Path | None, as_json: bool) -> int:
    """Let the paused backfill NAME go on where it stands.

    The process that waits for it goes on by itself; where there is none, `sendoka backfill run NAME` does.
    """
    from sendoka.backfills import resume

    switch(resume, find_source(read_settings(), env_file=env_file), name, as_json=as_json)
    return 0
