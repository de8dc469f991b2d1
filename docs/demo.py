"""The whole road, in a temporary place: an endpoint, migrations, 200,000 rows, a backfill that is killed, the proof.

`make demo` runs it. Everything goes over HTTP, as it would to Neon; the commands are those a person would type.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sendoka import neon, new_id
from sendoka.local.faults import control, inject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka import Neon

ROOT = Path(__file__).parent.parent
ORGS = 40
MESSAGES = 200_000
STARTED = time.monotonic()

SEED_MESSAGES = """
    insert into messages (id, org_id, sender, recipient, subject, created_at)
    select d.id, ($2::text[])[1 + d.n % $3::int], 'news@example.com', 'r' || d.n || '@example.org', 'Issue ' || d.n,
        timestamptz '2026-01-01' + d.n * interval '20 seconds'
    from unnest($1::text[]) with ordinality as d (id, n)
"""

# What proves it: each change of a message leaves a line.
COUNT_CHANGES = (
    "create table demo_changes (id text not null)",
    """create function demo_count() returns trigger language plpgsql as
    $$ begin insert into demo_changes select id from changed; return null; end $$""",
    """create trigger demo_count after update on messages referencing new table as changed
    for each statement execute function demo_count()""",
)


def say(text: str) -> None:
    """Narrate a step."""
    print(f"\n\x1b[1m{text}\x1b[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def sendoka(*arguments: str, project: Path, url: str) -> subprocess.Popen[bytes]:
    """Start a command as a person would, and show it."""
    print(f"$ sendoka {' '.join(arguments)}", flush=True)
    environment = {**os.environ, "DATABASE_URL": url}
    return subprocess.Popen([sys.executable, "-m", "sendoka", *arguments], cwd=project, env=environment)


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Leave no process behind, whatever happens."""
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def run(*arguments: str, project: Path, url: str) -> None:
    """Run a command to its end; a failure ends the demo."""
    with ended(sendoka(*arguments, project=project, url=url)) as process:
        if process.wait():
            raise SystemExit(f"sendoka {arguments[0]} exited with {process.returncode}")


@contextmanager
def endpoint(project: Path) -> Iterator[str]:
    """Run `sendoka dev` over a Postgres that is gone afterwards; yield its connection string."""
    command = [sys.executable, "-m", "sendoka", "dev", "--temporary", "--port", "0", "--json"]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - it was asked for
            line = process.stdout.readline()
            if not line.strip():
                raise SystemExit(process.wait() or 1)
            ready = json.loads(line)
            if "error" in ready:
                raise SystemExit(ready["error"]["message"])
            print(f"PostgreSQL {ready['postgres']} behind http://localhost:{ready['port']}/sql")
            yield ready["connection_string"]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def copy_application(project: Path) -> None:
    """Copy the application, so that the demo changes nothing here."""
    for folder in ("schema", "migrations", "backfill"):
        shutil.copytree(ROOT / folder, project / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (project / "pyproject.toml").write_text("[tool.sendoka]\n")


async def seed(sql: Neon) -> None:
    """Write the orgs with their tenants in one transaction, and the messages in batches, all at once."""
    orgs = [new_id("org") for _ in range(ORGS)]
    tenants = [new_id("ten") for _ in range(ORGS)]
    numbers = list(range(ORGS))
    await sql.transaction(
        [
            sql(
                "insert into orgs (id, name, slug) select d.id, 'Org ' || d.n, 'org-' || d.n"
                " from unnest($1::text[], $2::int[]) as d (id, n)",
                orgs,
                numbers,
            ),
            sql(
                "insert into tenants (id, org_id, name) select d.id, d.org_id, 'Default'"
                " from unnest($1::text[], $2::text[]) as d (id, org_id)",
                tenants,
                orgs,
            ),
            sql("update orgs set default_tenant_id = t.id from tenants t where t.org_id = orgs.id"),
        ]
    )
    batches = [[new_id("msg") for _ in range(20_000)] for _ in range(MESSAGES // 20_000)]
    await asyncio.gather(*(sql(SEED_MESSAGES, ids, orgs, ORGS) for ids in batches))
    await sql.transaction([sql(text) for text in COUNT_CHANGES])


def change_schema(project: Path) -> None:
    """Add a column and an index to the copy of one table."""
    file = project / "schema" / "messages.py"
    text = file.read_text(encoding="utf-8")
    column = '    Column("delivered_at", DateTime(timezone=True)),\n'
    opened = column.replace("delivered_at", "opened_at")
    text = text.replace(column, column + opened)
    file.write_text(
        text.replace('    list_index("org_id"),\n', '    list_index("org_id"),\n    list_index("domain_id"),\n')
    )


async def scanned(url: str) -> int:
    """Return how many rows the backfill has scanned so far."""
    async with neon(url) as sql:
        exists = await sql("select to_regclass('sendoka.backfill_shards') is not null", read_only=True).value()
        counted = "select coalesce(sum(scanned), 0)::int from sendoka.backfill_shards"
        return int(await sql(counted, read_only=True).value()) if exists else 0


def backfill(project: Path, url: str) -> None:
    """Kill the backfill in the middle, let the next one lose an answer, and see it to its end."""
    command = ("backfill", "run", "message_tenants", "--batch-size", "5000")
    with ended(sendoka(*command, project=project, url=url)) as process:
        while asyncio.run(scanned(url)) < MESSAGES // 4 and process.poll() is None:
            time.sleep(0.02)
    say(f"   Killed with SIGKILL after {asyncio.run(scanned(url)):,} rows. Again; a batch commits, its answer is lost:")
    inject(url, "connection_closed", match="sendoka_change", skip=4)
    run(*command, project=project, url=url)
    lost = sum(fault["hits"] for fault in control(url)["faults"])
    print(f"answers lost: {lost}")


async def proof(url: str) -> None:
    """Show how often each row was changed; anything but once ends the demo with a failure."""
    async with neon(url) as sql:
        row = await sql(
            "select (select count(*) from messages) as messages,"
            " (select count(*) from messages where tenant_id is null) as without_tenant,"
            " (select count(*) from demo_changes) as changes, (select count(distinct id) from demo_changes) as rows"
        ).one()
    print("  ".join(f"{name}={value:,}" for name, value in row.items()))
    if tuple(row) != (MESSAGES, 0, MESSAGES, MESSAGES):
        raise SystemExit("a row was not changed exactly once")
    print("every row was changed exactly once")


def demo(project: Path) -> None:
    """Walk the road, a step after the other."""
    copy_application(project)
    say("1. A local Neon endpoint over a real PostgreSQL, in a temporary place")
    with endpoint(project) as url:
        say("2. The application's migrations, from nothing, over HTTP")
        run("migrate", project=project, url=url)
        say(f"3. {ORGS} organisations and {MESSAGES:,} messages, over HTTP")
        asyncio.run(_seed(url))
        say("4. A changed schema makes the next migration")
        change_schema(project)
        run("generate", project=project, url=url)
        say("5. It is applied: one transaction, its row in the history with it")
        run("migrate", project=project, url=url)
        say("6. A backfill gives every message its tenant, and is killed on the way")
        backfill(project, url)
        say("7. The proof")
        asyncio.run(proof(url))
        say("8. Migrating again: nothing to do, one request")
        before = control(url)["requests"]
        run("migrate", project=project, url=url)
        print(f"requests: {control(url)['requests'] - before}")
        say("9. The state of it all")
        run("status", project=project, url=url)
        run("backfill", "status", project=project, url=url)
    say(f"Done in {time.monotonic() - STARTED:.0f} s; nothing of it is left.")


async def _seed(url: str) -> None:
    async with neon(url) as sql:
        await seed(sql)


def main() -> None:
    """Run the demo in a temporary folder; Ctrl-C leaves nothing behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = tempfile.mkdtemp(prefix="sendoka-demo-")
    try:
        demo(Path(folder))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
