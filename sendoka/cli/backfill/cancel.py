"""End the run of a backfill for good; what it changed stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sendoka.cli._options import env_file_option, json_option
from sendoka.cli.backfill._switch import switch
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["cancel_command"]


@click.command
@click.argument("name")
@env_file_option
@json_option
def cancel_command(name: str, env_file: Path | None, as_json: bool) -> int:
    """End the run of the backfill NAME for good.

    What it changed stays, and nothing is changed any more, also by whoever runs it now. A new run, from the start, is
    `sendoka backfill run NAME --again`.
    """
    from sendoka.backfills import cancel

    switch(cancel, find_source(read_settings(), env_file=env_file), name, as_json=as_json)
    return 0
