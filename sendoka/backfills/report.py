"""What a run says of itself: while it goes on, and at its end."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Progress", "RunReport", "ShardProgress"]


@dataclass(frozen=True, slots=True)
class ShardProgress:
    """Where one shard of a run is: a range of the table's keys. A run that was not split has one, with the number 0.

    `state` is `running` where somebody is at it, `free` where nobody is yet, `scanned` in this pass, or `held` where
    the run is paused or cancelled. `total` is about how many rows it has, None if unknown; `pass_scanned` of them are
    scanned in this pass, and `scanned`, `changed`, `dead` and `batches` are of the whole run.

    `here` is whether a worker of this call is at it, `waiting` for what that one waits, empty while it works. `holder`
    is whose it is, `process 4711 on host`, and `lease` for how many seconds more by what was read last; empty and None
    where nobody has to hold it. `rate` and `seconds_left` are as in Progress, None where nobody is at it or can tell.
    """

    number: int
    state: str
    pass_number: int
    scanned: int
    changed: int
    dead: int
    batches: int
    pass_scanned: int
    total: int | None
    here: bool = False
    waiting: str = ""
    holder: str = ""
    lease: float | None = None
    rate: float | None = None
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is. `total` is about how many rows the table has, None if unknown; the counts are of the whole run.

    `rate` is rows scanned a second while it works, of late; `seconds_left` until the pass is over, with what it waits
    for and the hours that lie ahead, None as long as nobody can tell. `waiting` says for what the run waits, empty
    while it works, and `waiting_left` for how many seconds at most, if known. `pace` is the limit that the last batch
    was held to, empty where to none. Before there is a run it may wait too: then all counts are 0.
    `dead` are the rows that could not be changed and were left out, as far as this runner knows. `warnings` are there
    once: before the first batch of a new run triggers that fire and functions that give another value each time, later
    a step that took longer than its time and could not be ended.

    `shards` are all shards of the run, by number, and `shard` the one that this is of: whose batch was done, or whose
    worker waits; None where it is of the whole run. Of what other processes do this knows what was read last, a few
    seconds ago.
    """

    name: str
    pass_number: int
    scanned: int
    changed: int
    pass_scanned: int
    total: int | None
    rate: float | None
    seconds_left: float | None
    batch_size: int
    waiting: str = ""
    waiting_left: float | None = None
    dead: int = 0
    warnings: tuple[str, ...] = ()
    pace: str = ""
    shard: ShardProgress | None = None
    shards: tuple[ShardProgress, ...] = ()


@dataclass(frozen=True, slots=True)
class RunReport:
    """How a call of `run` ended.

    `state` is `done` (verified), or `stopped`: the run can be gone on with, and `reason` says why (`deadline`,
    `interrupted`, or the hours that this call does not reach); or it is `paused` or `cancelled`, and `reason` says by
    whom. Counts are of the whole run, over all
    its shards, `batches` too; `here` is how many of them this call did, 0 where another runner did them all.
    `unchanged` are rows that satisfied `where` when their page was read, and that the change left alone,
    `dead` those that it failed for: they are in sendoka.dead_letters. Times are ISO
    8601 in UTC.

    `was_done` is true where it was done before this call, which then changed nothing: `left` rows are to be done
    now, and `script_changed` says that the script is not the one that was run. `left` is None where it was not, or
    cannot be, counted: of a run that is not done, too.
    `warnings` are what this call warned of: what is to be known before the first batch, where it began the run, and
    later a step that could not be ended in its time, or a vacuum that is none. `shards` are its shards, by number.
    """

    name: str
    run: int
    state: str
    reason: str
    scanned: int
    changed: int
    unchanged: int
    passes: int
    batches: int
    here: int
    retries: int
    seconds: float
    started_at: str
    started_by: str
    finished_at: str | None = None
    finished_by: str | None = None
    was_done: bool = False
    left: int | None = 0
    script_changed: bool = False
    dead: int = 0
    warnings: tuple[str, ...] = ()
    shards: tuple[ShardProgress, ...] = ()

    @property
    def done(self) -> bool:
        """Whether the backfill is done and verified."""
        return self.state == "done"
