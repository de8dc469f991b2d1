"""Our tables for backfills: runs, their shards with the cursors, a row for every batch, dead letters and events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.backfills import dead_letters, events
from sendoka.database.home import Ours

if TYPE_CHECKING:
    from sendoka.database.statement import Statement

__all__ = ["MISSING", "TABLES"]

TABLES: tuple[Statement, ...] = (
    Ours("""create table if not exists sendoka.backfill_runs (
  id bigint generated always as identity primary key,
  name text not null,
  number int not null,
  checksum text not null,
  former_checksums text[] not null default '{}',
  state text not null default 'running',
  total bigint,
  started_at timestamptz not null default clock_timestamp(),
  started_by text not null,
  finished_at timestamptz,
  finished_by text,
  reason text,
  runner text,
  rate float8,
  revision text,
  walk jsonb,
  noted_at timestamptz not null default clock_timestamp(),
  unique (name, number)
)"""),
    # The row of a shard is written by every batch: the empty half of its page keeps those updates off the index.
    Ours("""create table if not exists sendoka.backfill_shards (
  run bigint not null references sendoka.backfill_runs (id),
  shard int not null,
  state text not null default 'running',
  held boolean not null default false,
  pass int not null default 1,
  epoch bigint not null default 0,
  owner text,
  lease_until timestamptz,
  seq bigint not null default 0,
  cursor jsonb,
  lower jsonb,
  upper jsonb,
  about bigint,
  scanned bigint not null default 0,
  paged bigint not null default 0,
  changed bigint not null default 0,
  pass_scanned bigint not null default 0,
  pass_paged bigint not null default 0,
  pass_changed bigint not null default 0,
  token text,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (run, shard)
) with (fillfactor = 50)"""),
    Ours("""create table if not exists sendoka.backfill_batches (
  run bigint not null,
  shard int not null,
  seq bigint not null,
  epoch bigint not null,
  pass int not null,
  token text,
  cursor jsonb,
  scanned bigint not null,
  paged bigint not null,
  changed bigint not null,
  took float8,
  at timestamptz not null default clock_timestamp(),
  primary key (run, shard, seq)
)"""),
    Ours("""create table if not exists sendoka.backfill_keys (
  run bigint not null references sendoka.backfill_runs (id),
  key jsonb not null,
  primary key (run, key)
)"""),
    dead_letters.TABLE,
    *events.TABLES,
)

MISSING = frozenset({"42P01", "3F000"})
"""The SQLSTATEs of a database that has none of these tables."""
