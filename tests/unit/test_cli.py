"""The frame of the command line: finding a command, telling what went wrong, the exit status."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from sendoka import __version__, errors
from sendoka.cli._group import Commands, command_of, run, sendoka, summary
from sendoka.cli._options import env_file_option, json_option
from sendoka.cli._report import as_data, report
from sendoka.discover import DiscoveryError, module_of

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

CONTEXT = click.Context(sendoka)
COMMANDS = sendoka.list_commands(CONTEXT)


def children_of(command: click.Command | None) -> list[click.Command]:
    """Return the commands of a group, none for what is no group."""
    if not isinstance(command, click.Group):
        return []
    found = [command.get_command(CONTEXT, name) for name in command.list_commands(CONTEXT)]
    return [child for child in found if child]


class TestEveryCommand:
    @pytest.mark.parametrize("name", COMMANDS)
    def test_is_one_click_command(self, name: str) -> None:
        command = sendoka.get_command(CONTEXT, name)
        assert isinstance(command, click.Command)
        assert command.help

    @pytest.mark.parametrize("name", COMMANDS)
    def test_says_in_one_sentence_what_it_does(self, name: str) -> None:
        line = summary(name)
        assert line.endswith(".")
        assert line[:1].isupper()
        assert len(line) <= 72, f"{len(line)} characters: {line}"

    @pytest.mark.parametrize("name", COMMANDS)
    def test_lists_what_its_subcommands_do_in_whole_sentences(self, name: str) -> None:
        command = sendoka.get_command(CONTEXT, name)
        for child in children_of(command):
            line = child.get_short_help_str(limit=69)
            assert not line.endswith("..."), f"{name} {child.name} is cut: {line}"

    @pytest.mark.parametrize("name", COMMANDS)
    def test_explains_each_of_its_options(self, name: str) -> None:
        command = sendoka.get_command(CONTEXT, name)
        assert command is not None
        for child in children_of(command) or [command]:
            for parameter in child.params:
                if isinstance(parameter, click.Option):
                    assert parameter.help, f"{name} {parameter.opts[0]} says nothing"

    @pytest.mark.parametrize("name", COMMANDS)
    def test_answers_help(self, name: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert run([name, "--help"]) == 0
        assert f"sendoka {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [["init"], ["pull", "--to"], ["status", "--env-file"], ["generate", "--answers"], ["push", "--answers"]],
    ids=" ".join,
)
def test_a_connection_string_is_no_path_and_is_not_shown(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run([*arguments, "postgresql://u:secret@h/x"]) == 2
    err = capsys.readouterr().err
    assert "this is a connection string, and no file or folder" in err
    assert "secret" not in err
    assert not list(tmp_path.iterdir())


class TestTheFront:
    def test_lists_every_command_with_a_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run([]) == 0
        out = capsys.readouterr().out
        for name in COMMANDS:
            assert f"  {name} " in out

    def test_knows_its_version(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["--version"]) == 0
        assert capsys.readouterr().out.startswith(f"sendoka {__version__} (Python 3.")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["ini"], "error: no command 'ini'; did you mean 'init'?"),
            (["zzzzzz"], "error: no command 'zzzzzz'\n"),
            (["--bogus"], "--bogus"),
            (["init", "--bogus"], "try: sendoka init --help"),
            (["init", "--port", "x"], "Invalid value for '--port': 'x' is not a valid whole number."),
            (["migrate", "--deadline", "x"], "Invalid value for '--deadline': 'x' is not a valid number."),
            (["migrate", "--deadline", "nan"], "Invalid value for '--deadline': 'nan' is not a valid number."),
            (["migrate", "--lock-budget", "inf"], "Invalid value for '--lock-budget': 'inf' is not a valid number."),
            (
                ["init", __file__],
                "is a file; give a folder, which is made where it is missing\ntry: sendoka init",
            ),
            (["status", "--env-file"], "Option '--env-file' requires an argument.\ntry: sendoka status --help"),
            (["backfill", "run", "x", "--again=1"], "take a value.\ntry: sendoka backfill run --help"),
            (["--env-file", "x", "status"], "--env-file goes behind the command: sendoka COMMAND --env-file FILE"),
            (["--env-file=x", "status"], "--env-file goes behind the command: sendoka COMMAND --env-file FILE"),
            (["ledger", "--env-file", "x", "show", "k"], "command: sendoka ledger COMMAND --env-file FILE"),
        ],
    )
    def test_meets_a_slip_with_the_way_out(
        self, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(arguments) == 2
        captured = capsys.readouterr()
        assert message in captured.err
        assert captured.out == ""

    @pytest.mark.parametrize("word", ["rollback", "down", "undo", "downgrade"])
    def test_says_why_there_is_no_way_back_and_what_to_do(self, word: str, capsys: pytest.CaptureFixture[str]) -> None:
        for arguments in ([word], [word, "0003", "--steps", "1", "-y"], [word, "--env-file=x"]):
            assert run(arguments) == 2
            captured = capsys.readouterr()
            assert f"error: there is no {word}: history goes forward only" in captured.err
            assert "sendoka generate --revert NAME" in captured.err
            assert captured.out == ""
        assert run([word, "--json"]) == 2
        assert "--revert" in json.loads(capsys.readouterr().out)["error"]["todo"]
        assert run([word, "--help"]) == 0
        assert "code of both versions runs" in capsys.readouterr().out
        assert run(["--help"]) == 0
        assert f"  {word}" not in capsys.readouterr().out
        assert word not in COMMANDS

    def test_answers_json_where_it_says_that_json_goes_behind_the_command(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(["--json", "status"]) == 2
        told = json.loads(capsys.readouterr().out)["error"]
        assert told["message"] == "--json goes behind the command: sendoka COMMAND --json"

    def test_runs_as_a_module(self) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "sendoka", "--version"], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("sendoka ")

    def test_says_what_to_install_where_click_is_missing(self) -> None:
        code = "import sys; sys.modules['click'] = None; from sendoka.cli import main; main()"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr == 'error: the command line is not installed\npip install "sendoka[dev]"\n'

    def test_prints_question_marks_where_the_terminal_has_no_dashes(self) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "sendoka", "größe"],
            capture_output=True,
            check=False,
            env={"PYTHONIOENCODING": "ascii:strict", "PYTHONUTF8": "0"},
        )
        assert done.returncode == 2
        assert b"no command" in done.stderr
        assert b"Traceback" not in done.stderr


def group_of(*raised: BaseException) -> Commands:
    """Return a group with one command `fail` that raises."""
    group = Commands("sendoka")

    @click.command
    @json_option
    @env_file_option
    def fail(as_json: bool, env_file: Path | None) -> int:
        raise raised[0]

    group.get_command = lambda ctx, cmd_name: fail  # type: ignore[method-assign]  # stands for a file of the folder
    group.list_commands = lambda ctx: ["fail"]  # type: ignore[method-assign]  # stands for a file of the folder
    return group


def fail(error: BaseException, *arguments: str) -> int:
    try:
        group_of(error).main(["fail", *arguments], standalone_mode=False)
    except BaseException as raised:  # noqa: BLE001 - what run() does
        return report(raised, ["fail", *arguments])
    raise AssertionError("nothing was raised")


class TestAFailure:
    def test_a_file_system_that_is_read_only(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert fail(OSError(errno.EROFS, "Read-only file system", "migrations/meta")) == 2
        said = capsys.readouterr().err
        assert "migrations/meta: Read-only file system" in said
        assert "in a checkout that may be written to" in said

    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (errors.SettingsError("no", where="here", todo="do this"), 2),
            (errors.AnswerMissing("no", where="here", todo="do this"), 4),
            (errors.ConnectFailed("no", where="here", todo="do this"), 3),
            (errors.MigrationError("no", where="here", todo="do this"), 1),
        ],
    )
    def test_of_ours_is_three_lines_and_its_exit_code(
        self, error: errors.SendokaError, status: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert fail(error) == status
        captured = capsys.readouterr()
        assert captured.err == "error: no\nhere\ndo this\n"
        assert captured.out == ""

    def test_of_ours_is_one_json_object_where_json_was_asked_for(self, capsys: pytest.CaptureFixture[str]) -> None:
        error = errors.MigrationFailed(
            "no", migration="0001_calm_heron", statement=2, position=8, sqlstate="42703", where="here"
        )
        assert fail(error, "--json") == 3
        captured = capsys.readouterr()
        assert captured.err == ""
        assert json.loads(captured.out) == {
            "error": {
                "type": "MigrationFailed",
                "message": "no",
                "where": "here",
                "outcome": "failed",
                "sqlstate": "42703",
                "migration": "0001_calm_heron",
                "file": "0001_calm_heron.sql",
                "statement": 2,
                "position": 8,
                "exit_code": 3,
            }
        }

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
    def test_by_interruption_is_130(self, error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
        assert fail(error) == 130
        assert capsys.readouterr().err.strip() == "interrupted"

    @pytest.mark.parametrize(
        ("error", "text"),
        [
            (DiscoveryError("orgs.py defines no table"), "error: orgs.py defines no table\n"),
            (FileNotFoundError(2, "No such file or directory", "schema"), "error: schema: No such file or directory\n"),
            (
                ModuleNotFoundError("No module named 'psycopg'", name="psycopg"),
                'error: this needs psycopg, which is not installed\npip install "sendoka[dev]"\n',
            ),
            (click.BadParameter("must be positive", param_hint="--batch"), "error: Invalid value for --batch: must"),
            (click.ClickException("no"), "error: no\n"),
        ],
    )
    def test_of_a_known_kind_is_a_message_and_status_2(
        self, error: Exception, text: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert fail(error) == 2
        assert capsys.readouterr().err.startswith(text)

    def test_of_a_known_kind_is_json_too(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert fail(DiscoveryError("no table"), "--json") == 2
        assert json.loads(capsys.readouterr().out)["error"]["message"] == "no table"

    @pytest.mark.parametrize("error", [RuntimeError("a bug"), ModuleNotFoundError("theirs", name="acme")])
    def test_that_nobody_foresaw_keeps_its_traceback(self, error: Exception) -> None:
        with pytest.raises(type(error)):
            fail(error)

    def test_of_the_database_tells_a_program_the_outcome_and_the_code(self) -> None:
        data = as_data(errors.UniqueViolation("no", sqlstate="23505", constraint="orgs_pkey"))
        assert (data["outcome"], data["sqlstate"], data["constraint"]) == ("failed", "23505", "orgs_pkey")

    def test_is_plain_text_where_nobody_sees_colours(self, capsys: pytest.CaptureFixture[str]) -> None:
        fail(errors.SettingsError("no"))
        assert "\033" not in capsys.readouterr().err


class TestAFileOfTheFolder:
    def load(self, folder: Path, source: str) -> ModuleType:
        (folder / "ping.py").write_text(f'"""Ping."""\nimport click\n{source}', encoding="utf-8")
        return module_of(folder, "ping")

    def test_gives_its_command_the_docstring_as_help(self, tmp_path: Path) -> None:
        module = self.load(tmp_path, "@click.command\ndef ping(): pass\n")
        assert command_of(module).help == "Ping."

    def test_may_define_a_group_with_subcommands(self, tmp_path: Path) -> None:
        module = self.load(tmp_path, "@click.group\ndef ping(): pass\n@ping.command()\ndef once(): pass\n")
        assert command_of(module) is module.ping

    @pytest.mark.parametrize(("source", "number"), [("", 0), ("a = click.Command('a')\nb = click.Command('b')\n", 2)])
    def test_with_none_or_two_commands_says_so(self, tmp_path: Path, source: str, number: int) -> None:
        with pytest.raises(DiscoveryError, match=f"defines {number} commands"):
            command_of(self.load(tmp_path, source))


SIGNAL_ON_EVERY_LINE = """
import signal, sys
from sendoka.cli.dev import _Stop
stop = _Stop()
def trace(frame, event, argument):
    signal.raise_signal(signal.SIGINT)
    return trace
sys.settrace(trace)
asked = stop.wait(5)
sys.settrace(None)
print(asked)
"""


def test_signals_that_meet_the_wait_of_dev_do_not_lock_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SIGNAL_ON_EVERY_LINE], capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_what_was_only_recorded_is_on_its_way_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    from sendoka.cli import migrate
    from sendoka.migrations.event import Event

    progress = migrate._Progress(quiet=True)
    progress.tell(Event("applying", "0001_owl"))
    assert progress.open == "0001_owl"
    progress.tell(Event("recorded", "0001_owl", why="its done-when was true already"))
    assert migrate._interrupted(progress) == 130
    assert "interrupted: no migration was on its way" in capsys.readouterr().err
