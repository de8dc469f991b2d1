"""Change data in batches, each exactly once: run, pause, status."""

from __future__ import annotations

import click

from sendoka.cli._group import Commands

__all__ = ["backfill"]


@click.group(cls=Commands, package=__name__, invoke_without_command=True)
@click.pass_context
def backfill(ctx: click.Context) -> None:
    """Run the scripts of backfill/, and see how far they are.

    A script is a dated file that says which rows are to be changed, and how. Its batches are small and each is applied
    exactly once, whatever is killed or cut on the way; a run goes on where it stands.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
