"""The backfills that a migration requires: asked for in its own transaction, behind its row and before its statements.

A file with `-- requires-backfill: message_tenants` is applied where the newest run of that backfill is noted as done
and left out no row, and nowhere else. The database itself compares and refuses, so nobody can start a run in between
and nothing remains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.database.home import Ours
from sendoka.errors import MigrationFailed
from sendoka.quoting import literal

if TYPE_CHECKING:
    from sendoka.database.statement import Statement
    from sendoka.errors import DatabaseError
    from sendoka.migrations.files import Migration

__all__ = ["NOT_DONE", "required_statements", "waits_for_backfill"]

NOT_DONE = "SB001"
"""The SQLSTATE of a migration whose backfill is not done."""

# A database in which no backfill was ever run has not the table, and a statement of plpgsql is looked at when it runs.
_ASK = """do $required$
declare
  standing text;
  found bigint;
  dead bigint := 0;
begin
  if to_regclass('sendoka.backfill_runs') is not null then
    select id, case when state = 'done' then state
        else format('its run %s, begun by %s, is %s', number, started_by, state) || coalesce(': ' || reason, '') end
      into found, standing from sendoka.backfill_runs where name = {name} order by number desc limit 1;
  end if;
  if standing = 'done' and to_regclass('sendoka.dead_letters') is not null then
    select count(*) into dead from sendoka.dead_letters where run = found;
    if dead > 0 then
      standing := format('%s of its rows could not be changed and were left out', dead);
    end if;
  end if;
  if standing is distinct from 'done' then
    raise exception using errcode = '{code}', hint = case when dead = 0 then {run} else {retry} end,
      message = {sentence} || coalesce(standing, 'it was never run here');
  end if;
end $required$"""


def required_statements(migration: Migration) -> list[Statement]:
    """Return what fails, with NOT_DONE, where a backfill that `migration` requires is not done."""
    return [
        Ours(
            _ASK.format(
                name=_kept(name),
                code=NOT_DONE,
                sentence=_kept(f"the backfill {name} is not done: "),
                run=_kept(f"sendoka backfill run {name}"),
                retry=_kept(f"sendoka backfill retry-dead {name}"),
            )
        )
        for name in migration.requires
    ]


def _kept(text: str) -> str:
    """Return a text as SQL in which nobody finds our namespace to put another in its place."""
    return literal(text).replace("sendoka", "sen' || 'doka")


def waits_for_backfill(migration: Migration, error: DatabaseError) -> MigrationFailed:
    """Return the error of a migration that was refused with NOT_DONE."""
    return MigrationFailed(
        f"{migration.name}.sql is not applied: {error.message}",
        migration=migration.name,
        where="its header requires that backfill; nothing of the file remains in the database",
        todo=f"`{error.hint}`, then migrate again",
    )
