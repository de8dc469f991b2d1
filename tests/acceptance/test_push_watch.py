"""`sendoka push --watch`, in a process of its own, beside files that change."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.shaping import COLUMN, MORE, START, columns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psycopg

    from tests.fixtures.shaping import Shaping

    Direct = psycopg.Connection[Any]


class Watching:
    """`sendoka push --watch` in a process of its own, and what it prints, stdout and stderr as one."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sendoka", "push", "--watch"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def until(self, word: str) -> str:
        """Return what is printed up to the next line that holds `word`."""
        assert self.process.stdout is not None
        lines: list[str] = []
        for line in self.process.stdout:
            lines.append(line)
            if word in line:
                return "".join(lines)
        raise AssertionError(f"no {word!r} in: {''.join(lines)}")

    def stop(self) -> int:
        """Press Ctrl-C, and return the exit status."""
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=60)
        return self.process.returncode


@pytest.fixture
def watching(shaping: Shaping) -> Iterator[Watching]:
    watching = Watching(shaping.folder)
    clock = threading.Timer(120, watching.process.kill)
    clock.start()
    yield watching
    clock.cancel()
    watching.process.kill()
    watching.process.communicate()


def test_every_change_of_a_file_is_pushed(shaping: Shaping, watching: Watching, direct: Direct) -> None:
    first = watching.until("watching; Ctrl-C ends it")
    assert "+ table notes\npushed: 1 statement in " in first
    shaping.edit(COLUMN, MORE)
    assert "  + column body text\n" in watching.until("pushed: 2 statements in ")
    assert columns(direct) == ["id", "state", "body"]
    watching.until("watching")
    # What cannot be imported is told, and mended by the next change; the two versions are of one second and one size.
    shaping.edit("metadata,", "metadatb,")
    assert "NameError: name 'metadatb' is not defined" in watching.until("watching")
    shaping.edit("metadatb,", "metadata,")
    assert "nothing to push" in watching.until("watching")
    # A question too: it is listed with its flags, and nothing is done.
    shaping.edit('"body"', '"text"')
    said = watching.until("watching")
    assert "answer with: --rename notes.body=notes.text" in said
    assert "give the answer to a `sendoka push` of its own" in said
    shaping.edit('"text"', '"body"')
    watching.until("nothing to push")
    # A new file of the folder counts.
    (shaping.file.parent / "more.py").write_text(START.replace("notes", "more"))
    assert "+ table more\npushed: 1 statement in " in watching.until("pushed")
    watching.until("watching")
    assert watching.stop() == 130


def test_a_database_that_may_not_be_pushed_to_is_not_watched_for(unmarked: Shaping) -> None:
    watching = Watching(unmarked.folder)
    assert "error: this database is not marked dev" in watching.until("sendoka mark dev")
    assert watching.process.wait(60) == 2
    watching.process.communicate()
