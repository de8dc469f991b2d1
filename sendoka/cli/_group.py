"""The command `sendoka` itself: finds the command that was asked for, and reports what it raises."""

from __future__ import annotations

import ast
import difflib
import importlib
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sendoka import __version__
from sendoka.cli._backwards import BACKWARDS, backwards
from sendoka.cli._report import report
from sendoka.discover import DiscoveryError, module_names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

__all__ = ["Commands", "command_of", "run", "sendoka", "summary"]

FOLDER = Path(__file__).parent

SHARED = {"--json": "--json", "--env-file": "--env-file FILE"}
"""Options that belong to commands, and are looked for before them."""


class Commands(click.Group):
    """A group whose commands are the modules of a package; one is imported when it is chosen, none for `--help`."""

    def __init__(self, *arguments: Any, package: str = "sendoka.cli", **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.package = package
        self.folder = FOLDER.joinpath(*package.split(".")[2:])

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, without importing one."""
        packages = [init.parent.name for init in self.folder.glob("[!_]*/__init__.py")]
        return [name.replace("_", "-") for name in sorted([*module_names(self.folder), *packages])]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of `cmd_name` and return its command, or None where there is no such module.

        What other tools call their way back is answered too, and listed nowhere.
        """
        if cmd_name in BACKWARDS and self.folder == FOLDER:
            return backwards
        if cmd_name not in self.list_commands(ctx):
            return None
        return command_of(importlib.import_module(f"{self.package}.{cmd_name.replace('-', '_')}"))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read what stands before the command, or raise a UsageError that says where a shared option goes."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if error.option_name not in SHARED:
                raise
            path = ctx.command_path
            raise click.UsageError(
                f"{error.option_name} goes behind the command: {path} COMMAND {SHARED[error.option_name]}", ctx=ctx
            ) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a UsageError that does not know its command learns it, so that its help is named."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            command = self.get_command(ctx, ctx.invoked_subcommand or "")
            if error.ctx is None and command is not None:
                error.ctx = click.Context(command, info_name=ctx.invoked_subcommand, parent=ctx)
            raise

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of `args`, or raise a UsageError with the nearest name."""
        names = self.list_commands(ctx)
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], names, n=1)
            raise click.UsageError(
                f"no command {args[0]!r}" + (f"; did you mean {near[0]!r}?" if near else ""), ctx=ctx
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one line a command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary(name, self.folder)) for name in self.list_commands(ctx)])


def summary(name: str, folder: Path = FOLDER) -> str:
    """Return a command's one line: the first of its module's docstring, read without importing it."""
    stem = name.replace("-", "_")
    package = folder / stem / "__init__.py"
    source = (package if package.exists() else folder / f"{stem}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def command_of(module: ModuleType) -> click.Command:
    """Return the one command that `module` defines, a group's own subcommands apart. Raises DiscoveryError."""
    found = {id(value): value for value in vars(module).values() if isinstance(value, click.Command)}
    inner = {
        id(child) for value in found.values() if isinstance(value, click.Group) for child in value.commands.values()
    }
    outer = [value for key, value in found.items() if key not in inner]
    if len(outer) != 1:
        raise DiscoveryError(f"{module.__name__} defines {len(outer)} commands; every file of sendoka/cli defines one")
    outer[0].help = outer[0].help or module.__doc__
    return outer[0]


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="DATABASE_URL says which database: the environment, else .env.local, else .env.",
)
@click.version_option(__version__, message=f"sendoka %(version)s (Python {sys.version.partition(' ')[0]})")
@click.pass_context
def sendoka(ctx: click.Context) -> None:
    """Schema, migrations and backfills for Neon's serverless Postgres, over HTTPS."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit status. What a command raises is reported, not shown as a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without our dashes shows question marks
    try:
        status = sendoka.main(list(arguments), prog_name="sendoka", standalone_mode=False)
    except BaseException as error:  # noqa: BLE001 - report() raises again what it does not know
        return report(error, arguments)
    return status if isinstance(status, int) else 0
