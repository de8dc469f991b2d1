"""The command line: one file a command, imported when it is chosen.

A file `sendoka/cli/<name>.py` is the command `sendoka <name>` (an underscore becomes a hyphen); no list is edited.
A folder `sendoka/cli/<name>/` is a group whose files are its commands, found the same way: `sendoka <name> <file>`.

- Its module docstring's first line is the command's line in `sendoka --help`: a sentence of at most 72 characters. It
  is also the first line of the command's own help, unless the function has a docstring.
- It defines one `click.Command` (subcommands of a group that it defines do not count), the one name in its `__all__`.
  The function parses, calls one library function and prints; it **returns the exit status** (None is 0):
  0 done or nothing to do · 1 findings or drift · 2 wrong usage or settings · 3 the database or the network said no ·
  4 an answer is missing · 130 interrupted.
- Whatever the library raises passes through: `sendoka.cli._group` turns every SendokaError into `error: …` on stderr,
  or with `--json` into one object on stdout, and its `exit_code` into the status. No command catches to print.
- At its top it imports click, `sendoka.settings` and the modules of `sendoka.cli` that begin with `_`; rich, pydantic,
  SQLAlchemy and the engines are imported inside the function that needs them.

The shape of a command:

    @click.command
    @env_file_option
    @json_option
    def ping(env_file: Path | None, as_json: bool) -> int:
        source = find_source(read_settings(), env_file=env_file)
        host, answer = run(_ping(source))
        print_json({"host": host, "answer": answer}) if as_json else say(f"{host} answered {answer}")
        return 0

    async def _ping(source: Source) -> tuple[str, int]:
        async with connect(source) as sql:
            return sql.target.database_host, await sql("select 1").value()
"""

from __future__ import annotations

import gc
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line on this process' arguments and exit with its status."""
    try:
        import click  # noqa: F401 - is it installed?
    except ModuleNotFoundError:
        sys.stderr.write('error: the command line is not installed\npip install "sendoka[dev]"\n')
        sys.exit(2)
    from sendoka.cli._group import run

    status = run(sys.argv[1:])
    gc.disable()  # Python would look for garbage once more, in all that a large schema is made of, just to end.
    sys.exit(status)
