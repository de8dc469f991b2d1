"""Backfills: dated scripts that change data in batches, every batch exactly once."""

from sendoka.backfills.batch import Batch
from sendoka.backfills.control import Switched, cancel, pause, resume
from sendoka.backfills.declare import Backfill, backfill
from sendoka.backfills.events import Event
from sendoka.backfills.left import verify
from sendoka.backfills.log import history
from sendoka.backfills.outlook import Outlook, plan
from sendoka.backfills.report import Progress, RunReport, ShardProgress
from sendoka.backfills.retrial import RetryReport, retry_dead
from sendoka.backfills.runner import run
from sendoka.backfills.timelines import Timeline, timeline

__all__ = [
    "Backfill",
    "Batch",
    "Event",
    "Outlook",
    "Progress",
    "RetryReport",
    "RunReport",
    "ShardProgress",
    "Switched",
    "Timeline",
    "backfill",
    "cancel",
    "history",
    "pause",
    "plan",
    "resume",
    "retry_dead",
    "run",
    "timeline",
    "verify",
]
