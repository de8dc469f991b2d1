"""The commands of one file, for a command that is a group of its own."""

from __future__ import annotations

import click

from sendoka.cli._group import Commands

__all__ = ["Subcommands"]


class Subcommands(Commands):
    """The commands that a file registers, with the nearest name for one that is mistyped."""

    list_commands = click.Group.list_commands
    get_command = click.Group.get_command
    format_commands = click.Group.format_commands
