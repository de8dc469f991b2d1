"""Check the folder, the schema and its rules: what CI asks of a commit."""

from __future__ import annotations

from dataclasses import asdict

import click

from sendoka.cli._options import json_option, print_json, say
from sendoka.settings import read_settings

__all__ = ["check"]


@click.command
@json_option
def check(as_json: bool) -> int:
    """Check the folder, the schema and its rules: what CI asks of a commit.

    Needs no database. The migrations must be an unbroken chain with its newest snapshot, the schema must have no change
    that was not generated, and the rules of [tool.sendoka.rules] must be kept. Exits with 1 where something is found.

    The statements of the migrations are read by Postgres' own grammar where `sendoka[lint]` is installed: several
    commands between two breakpoints, what cannot run in a transaction, settings that outlive theirs, and more.

    Where a text of SQL is spelled in another way than before, a PostgreSQL of this machine is started for a moment, to
    tell whether it means the same.
    """
    from sendoka.migrations.checks import check as find
    from sendoka.migrations.inspection import not_looked_at
    from sendoka.sources import compared_here

    settings = read_settings()
    findings = find(settings.schema, settings.migrations, settings.rules, compared_here)
    note = not_looked_at()
    if as_json:
        print_json({"findings": [asdict(finding) for finding in findings], "note": note})
    else:
        for finding in findings:
            say(str(finding))
        if note:
            say(note, dim=True)
        say(f"{len(findings)} found" if findings else "the folder is whole, and the schema is generated")
    return 1 if findings else 0
