"""What `rollback`, `down`, `undo` and `downgrade` answer: why there is no way back, and what there is instead."""

from __future__ import annotations

import click

from sendoka.errors import SettingsError

__all__ = ["BACKWARDS", "backwards"]

BACKWARDS = frozenset({"rollback", "down", "undo", "downgrade"})
"""What other tools call their way back. None of it is a command here, and none is listed."""


@click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.pass_context
def backwards(ctx: click.Context) -> int:
    """Say why there is no way back, and what to do instead; this is no command, and exits with 2.

    History goes forward only. A rollback cannot bring back the rows and values that a migration dropped; code of both
    versions runs while it runs; and the script for it is the one that nobody has tried on the data as they are now.

    A forward fix is a new migration that undoes an earlier one, reviewed, tested and applied like any other:

        sendoka generate --revert NAME
    """
    raise SettingsError(
        f"there is no {ctx.info_name}: history goes forward only",
        where="it could not bring back rows and values that are gone, and code of both versions runs meanwhile",
        todo="undo a migration by a new one: `sendoka generate --revert NAME`, and apply it with `sendoka migrate`",
    )
