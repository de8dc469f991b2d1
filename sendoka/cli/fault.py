"""Let requests to the running local endpoint fail on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sendoka.cli._database import about
from sendoka.cli._options import env_file_option, json_option, print_json, say
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["fault"]


class _Table(click.Command):
    """A command whose help ends with the table of kinds."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the kinds and the options that they take."""
        from sendoka.local.kinds import KINDS, OPTIONS

        with formatter.section("Kinds"):
            formatter.write_dl([(kind.name, kind.summary.replace("`", "")) for kind in KINDS.values()])
        with formatter.section("Options of a fault"):
            formatter.write_dl([(name, meaning.replace("`", "")) for name, meaning in OPTIONS.items()])


@click.command(cls=_Table)
@click.argument("faults", nargs=-1, metavar="[FAULT]...")
@click.option("--clear", is_flag=True, help="Forget all faults first.")
@env_file_option
@json_option
def fault(faults: tuple[str, ...], clear: bool, env_file: Path | None, as_json: bool) -> int:
    """Let requests to the running local endpoint fail on purpose.

    A FAULT is KIND, KIND:SQL or KIND,OPTION=VALUE,...:SQL. It meets the next request, or the next whose statements hold
    SQL:

    \b
        sendoka fault connection_closed:orders
        sendoka fault delay,seconds=2,times=0 "cut_body,at=0.9:select"
        sendoka fault random,seed=7,rate=0.2

    Prints the faults that the endpoint has then, and how often each was met. The endpoint is that of DATABASE_URL.
    """
    from sendoka.local.faults import control, read_fault

    read = [read_fault(text) for text in faults]
    source = find_source(read_settings(), env_file=env_file)
    with about(source):
        state = control(source.url, "DELETE") if clear else None
        for one in read:
            state = control(source.url, "POST", one.told())
        state = state or control(source.url)
    print_json(state) if as_json else _show(state["faults"])
    return 0


def _show(faults: list[dict[str, Any]]) -> None:
    from sendoka.local.fault import Fault

    for one in faults:
        hits = one.pop("hits")
        say(f"{Fault.of(**one)}  (met {hits})")
    if not faults:
        say("no faults")
