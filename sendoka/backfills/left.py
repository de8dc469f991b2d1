"""How many rows a backfill leaves to be done: what decides whether it is done."""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, and the rest is the declaration's own SQL

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from sendoka.backfills.change_text import may_go_unlocked
from sendoka.backfills.dead_letters import count_dead, without_dead
from sendoka.backfills.keyset import keys_of, row
from sendoka.backfills.runs import find_run
from sendoka.backfills.target import listed, read_target
from sendoka.backfills.words import words
from sendoka.database.home import Ours
from sendoka.database.statement import Statement
from sendoka.database.transaction import DEFAULT
from sendoka.errors import BackfillError
from sendoka.quoting import ident

if TYPE_CHECKING:
    from sendoka.backfills.declare import Backfill
    from sendoka.backfills.shards import Shard
    from sendoka.backfills.target import Target
    from sendoka.database.seam import Database
    from sendoka.database.statement import Cells, Result

__all__ = ["count_in", "hopeless", "left_and_dead", "of_others", "of_ours", "remaining", "verify"]

_ALONE = Statement("select set_config('max_parallel_workers_per_gather', '0', true)")
_PASSES = 5
"""After so many passes a call gives up where no fewer rows are left than the last one met."""


async def verify(sql: Database, backfill: Backfill) -> int:
    """Return how many rows are left to be done, by the backfill's `verify=` or else its `where=`. It changes nothing.

    Raises BackfillError for a declaration that does not fit the database, else what the exchange raises.
    """
    target = await read_target(sql, backfill)
    if backfill.keys is not None and not backfill.verify:
        found = await find_run(sql, backfill.name)
        if found is None:
            raise BackfillError(
                f"the keys of the backfill {backfill.name} are stored when its run begins, and it was never run here",
                where="nobody can say how many of their rows are left",
                todo=f"sendoka backfill run {backfill.name}",
            )
        target = listed(backfill, target, found.id)
    return count_in(await _counted(sql, remaining(backfill, target)), backfill, target)


async def left_and_dead(database: Database, backfill: Backfill, target: Target, run: int) -> tuple[int, int]:
    """Return how many rows are left beside a run's dead letters, and how many of those it has.

    What a `verify=` counts cannot be told from dead letters: as many as those are taken for them.
    """
    dead = await count_dead(database, run)
    target = listed(backfill, target, run)
    query = remaining(backfill, target)
    if backfill.verify:
        return max(0, count_in(await _counted(database, query), backfill, target) - dead), dead
    if dead:
        query = Ours(remaining(without_dead(backfill, target, run), target).text)
    return count_in(await _counted(database, query), backfill, target), dead


def count_in(result: Result[Cells], backfill: Backfill, target: Target) -> int:
    """Return the one number of the answer. Raises BackfillError for any other answer."""
    try:
        ((count,),) = result.rows
        return int(count or "")
    except ValueError:
        raise BackfillError(
            f"the verify query of the backfill {backfill.name} must return one number",
            where=remaining(backfill, target).text,
            todo="write select count(*) from …",
        ) from None


async def of_others(database: Database, backfill: Backfill, target: Target, run: int, left: int, shard: Shard) -> int:
    """Return how many rows that are left others made or wrote since the pass began: no fault of the change.

    Asked after a first pass only that met no more rows than are `left`; else 0. It is told by the transactions that
    wrote them: younger than the pass's first batch, and none that wrote a batch.
    """
    if backfill.where is None or shard.pass_number > 1 or shard.pass_paged > left:
        return 0
    batches = f"select b.xmin from sendoka.backfill_batches b where b.run = {run:d}"
    since = f"select max(age(b.xmin)) from sendoka.backfill_batches b where b.run = {run:d} and b.pass = 1"
    version = f"{ident(target.table)}.xmin"
    return await _such(database, backfill, target, f"age({version}) <= ({since}) and {version} not in ({batches})")


async def of_ours(database: Database, backfill: Backfill, target: Target, run: int, shard: Shard) -> int:
    """Return how many rows that are left the change itself changed in this pass: each further one would do so again.

    Asked of a change in SQL that updates the very rows of its page, and a `where` of their own columns; else 0.
    """
    if backfill.where is None or backfill.verify or not may_go_unlocked(backfill, target):
        return 0
    if "select" in words(backfill.where):  # another table may have made it true again
        return 0
    batches = f"select b.xmin from sendoka.backfill_batches b where b.run = {run:d} and b.pass = {shard.pass_number:d}"
    return await _such(database, backfill, target, f"{ident(target.table)}.xmin in ({batches})")


async def _counted(database: Database, query: Statement) -> Result[Cells]:
    """Ask the query of one number, on one processor: it reads a whole table, and the others are the application's."""
    _, answer = await database.run_all([_ALONE, query], DEFAULT)
    return answer


async def _such(database: Database, backfill: Backfill, target: Target, condition: str) -> int:
    """Return how many rows that satisfy `where` are so too; the condition may read our own tables."""
    where = f"(\n{backfill.predicate}\n) and {condition}"
    such = dataclasses.replace(backfill, where=where, verify=None, given_name=backfill.name)
    return count_in(await _counted(database, Ours(remaining(such, target).text)), such, target)


def hopeless(backfill: Backfill, shard: Shard, left: int, *, swept: bool, others: int = 0, ours: int = 0) -> str:
    """Say why another pass is of no use, or nothing where it may help: late commits, rows somebody held back.

    others: how many of the rows that are `left` are of others, as `of_others` counted them; ours: as `of_ours` did.
    """
    if backfill.where is None:
        return "its rows have no where=, so another pass would change every row again"
    if ours:
        return f"the change does not make where= false for {ours} of them, and another pass would change these again"
    if shard.pass_changed == 0:
        return "a whole pass changed nothing" if swept else ""
    # In a first pass this is the fault of the change, unless others made them. Later passes are short, and rows that
    # others add may outnumber them: those get some more passes, and a call that finds them left tries one more.
    first = shard.pass_number == 1 and shard.pass_paged <= left - others
    if first or (shard.pass_paged <= left and swept and shard.pass_number >= _PASSES):
        return "the change does not make where= false, or such rows are added as fast as they are changed"
    return ""


def remaining(backfill: Backfill, target: Target) -> Statement:
    """Return the query whose one number is what is left to do."""
    if backfill.verify:
        return Statement(backfill.verify)
    text = f"select count(*) from {target.quoted} where (\n{backfill.predicate}\n)"
    if not target.chosen:
        return Statement(text)
    text = f"{text} and {row(keys_of(target))} in ({target.chosen})"
    return Ours(text) if target.listed else Statement(text)
