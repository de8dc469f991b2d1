"""`generate` and its questions: asked at a terminal, answered by flags or a file, listed everywhere else."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendoka.cli._group import run
from sendoka.migrations.folder import read_folder
from tests.fixtures.generated import generate

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 60
# A terminal sends Ctrl-C to those whose terminal it is: the new process takes it for its own.
PROGRAM = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from sendoka.cli._group import run
sys.exit(run(sys.argv[1:]))
"""


class Folder:
    """A project with one migration, in which two columns went and two came."""

    def __init__(self, root: Path) -> None:
        self.schema, self.migrations = root / "schema", root / "migrations"
        self.schema.mkdir()
        (root / "pyproject.toml").write_text("[tool.sendoka]\n")
        (self.schema / "__init__.py").write_text("from sqlalchemy import *\nmetadata = MetaData()\n")
        self.table("Column('body', Text)", "Column('legacy', Integer)")
        generate(self.schema, self.migrations, name="first")
        self.table("Column('text', Text)", "Column('title', Text, nullable=False)")

    def table(self, *columns: str) -> None:
        """Write the table with these columns."""
        head = "from sqlalchemy import *\nfrom . import metadata\n"
        (self.schema / "t.py").write_text(f"{head}t = Table('t', metadata, {', '.join(columns)})\n")

    def answers(self) -> list[tuple[str, str]]:
        """Return the answers in the newest migration."""
        return list(read_folder(self.migrations)[-1].answers)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    made = Folder(tmp_path)
    monkeypatch.chdir(tmp_path)
    return made


class Terminal:
    """`sendoka …` on a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self.ours, theirs = pty.openpty()
        self.shown = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "120"},
        )
        os.close(theirs)

    def until(self, text: str) -> str:
        """Read until `text` is shown; return all that came since the last time."""
        seen = ""
        while text not in seen:
            more = self._read()
            assert more, f"{text!r} was not shown: {seen!r}"
            seen += more
        return seen

    def _read(self) -> str:
        assert self._shows(PATIENCE), "nothing more is shown, and it goes on"
        try:
            return re.sub(r"\x1b\[[\d;]*m|\r", "", os.read(self.ours, 4096).decode())
        except OSError:  # the end, on Linux
            return ""

    def _shows(self, seconds: float) -> bool:
        return bool(select.select([self.ours], [], [], seconds)[0])

    def type(self, text: str) -> None:
        """Press these keys."""
        os.write(self.ours, text.encode())

    def leave(self, key: str) -> None:
        """Press a key until it is heard: one that comes before the prompt reads is lost, but for its echo."""
        for _ in range(30):
            self.type(key)
            while "interrupted" not in self.shown and self._shows(1.0):
                more = self._read()
                self.shown += more
                if not more:
                    return
            if "interrupted" in self.shown:
                return

    def end(self) -> tuple[str, int]:
        """Return what is shown to the end, and the exit status."""
        rest = "".join(iter(self._read, ""))
        return self.shown + rest, self.process.wait(PATIENCE)


@pytest.fixture
def terminal(folder: Folder) -> Iterator[Terminal]:
    found = Terminal("generate", "--name", "second")
    yield found
    if found.process.poll() is None:
        found.process.kill()
        found.process.wait(PATIENCE)
    os.close(found.ours)


def test_a_person_is_asked_one_thing_after_the_other(folder: Folder, terminal: Terminal) -> None:
    first = terminal.until("2 more to come): ").splitlines()
    assert "The column t.body is dropped with all its values." in first
    assert first[-4:-1] == [
        "  1  it is renamed: t.body is called t.text now    --rename t.body=t.text",
        "  2  it is renamed: t.body is called t.title now   --rename t.body=t.title",
        "  3  yes, drop-column t.body                       --allow drop-column:t.body",
    ]
    terminal.type("9\n")
    assert "9 is not in the range" in terminal.until("more to come): ")
    terminal.type("1\n")
    second = terminal.until("): ")
    assert "The column t.legacy is dropped with all its values; rows that t may have get no value for title" in second
    assert "t.body" not in second
    (number,) = (line.split()[0] for line in second.splitlines() if "yes, drop-column t.legacy; yes, not-null" in line)
    terminal.type(f"{number}\n")
    said, status = terminal.end()
    assert status == 0, said
    assert "commit: migrations/0001_second.sql" in said
    assert folder.answers() == [
        ("renamed", "column t.body -> t.text"),
        ("allowed", "drop-column t.legacy"),
        ("allowed", "not-null t.title"),
    ]


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_who_leaves_has_written_nothing(folder: Folder, terminal: Terminal, key: str) -> None:
    terminal.until("): ")
    terminal.leave(key)
    said, status = terminal.end()
    assert status == 130
    assert "interrupted" in said
    assert len(read_folder(folder.migrations)) == 1


def test_json_asks_nothing_on_a_terminal_either(folder: Folder) -> None:
    asked = Terminal("generate", "--json")
    said, status = asked.end()
    os.close(asked.ours)
    assert status == 4
    assert json.loads(said)["error"]["questions"][0]["answers"][0] == ["--rename", "t.body=t.text"]


def test_without_a_terminal_the_flags_are_listed(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["generate"]) == 4
    assert "--rename t.body=t.text, or " in capsys.readouterr().err
    assert len(read_folder(folder.migrations)) == 1


def test_flags_and_a_file_answer_together(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    Path("answers.toml").write_text(
        'create = ["t.title"]\nallow = ["drop-column:t.legacy", "not-null:t.title"]\n', encoding="utf-8"
    )
    assert run(["generate", "--answers", "answers.toml", "--rename", "t.body=t.text"]) == 0
    assert folder.answers() == [
        ("renamed", "column t.body -> t.text"),
        ("created", "column t.title"),
        ("allowed", "drop-column t.legacy"),
        ("allowed", "not-null t.title"),
    ]
    assert "-- created: column t.title" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rename", "t.body=t.nothing"], "--rename t.body=t.nothing fits nothing"),
        (["--create", "t.body"], "--create t.body fits nothing: nothing new is called so"),
        (["--allow", "drop-table:t"], "--allow drop-table:t fits nothing in this plan"),
        (["--answers", "missing.toml"], "the answers cannot be read"),
        (["--custom", "--create", "t.title"], "--custom does not go with --create: it plans nothing"),
    ],
)
def test_a_wrong_answer_is_refused(
    folder: Folder, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert run(["generate", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert len(read_folder(folder.migrations)) == 1


def test_a_mark_in_the_schema_answers_and_check_knows_it(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.table("Column('text', Text, info={'renamed_from': 'body'})", "Column('legacy', Integer)")
    assert run(["check"]) == 1
    assert "column t.body is called t.text now" in capsys.readouterr().out
    assert run(["generate"]) == 0
    assert folder.answers() == [("renamed", "column t.body -> t.text")]
    assert run(["generate"]) == 0
    assert run(["check"]) == 0
