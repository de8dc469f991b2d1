"""The Makefile and its set-up, on machines that are not like this one: made of a PATH with invented Pythons."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.documents import ROOT

if TYPE_CHECKING:
    from pathlib import Path

# What a POSIX machine has; no python, no node.
TOOLS = ("sh", "awk", "cat", "cp", "dirname", "find", "ls", "make", "mkdir", "pwd", "rm", "sed", "test", "touch")

# An invented Python: `{version}` answers the question that .ci/setup asks, makes a .venv that notes its calls of pip.
PYTHON = """#!/bin/sh
echo "$0 $*" >>"$CALLS"
case "$*" in
"-c "*) echo "{answer}" ;;
"-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
"--version") echo "Python {name}" ;;
esac
exit {status}
"""


class Machine:
    """A copy of the Makefile and its set-up, and a PATH of its own."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "the clone"
        self.calls = folder / "calls"
        self.bin = folder / "bin"
        self.bin.mkdir()
        for tool in TOOLS:
            found = shutil.which(tool)
            if found:
                (self.bin / tool).symlink_to(found)
        for name in ("Makefile", ".ci/setup", "pyproject.toml", "tests/requirements.txt"):
            (self.project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.project / name)
        self.calls.touch()

    def python(self, name: str, answer: str, status: int = 0) -> None:
        file = self.bin / name
        file.write_text(PYTHON.format(answer=answer, name=name, status=status), encoding="utf-8")
        file.chmod(0o755)

    def make(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.bin), "CALLS": str(self.calls), "HOME": str(self.project), **environ}
        return subprocess.run(
            ["make", *arguments], cwd=self.project, env=environment, capture_output=True, text=True, check=False
        )

    def pip_calls(self) -> list[str]:
        return [line for line in self.calls.read_text(encoding="utf-8").splitlines() if " -m pip install " in line]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_make_alone_lists_every_task_with_a_line(machine: Machine) -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony is not None
    listed = [line.split()[1] for line in machine.make().stdout.splitlines()]
    assert listed == phony[1].split()


def test_a_task_takes_as_long_as_the_readme_says(machine: Machine) -> None:
    listed = machine.make().stdout
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    for task, words in (("demo", "in half a minute"), ("test", "in about eight minutes")):
        (line,) = [line for line in listed.splitlines() if line.startswith(f"make {task} ")]
        assert line.endswith(words)
        assert words in text


def test_a_check_holds_the_application_to_its_own_rules() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = text.partition("\ncheck: ")[2].partition("\n\n")[0]
    assert "\t@$(SENDOKA) check --replay" in recipe.splitlines()


def test_the_newest_python_is_taken(machine: Machine) -> None:
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        machine.python(name, "usable")
    done = machine.make("setup")
    assert done.returncode == 0, done.stderr
    assert "Python python3.13" in done.stderr
    assert "/bin/python3.13 -m venv .venv" in machine.calls.read_text(encoding="utf-8")


def test_a_python_whose_name_exists_and_which_does_not_run_is_passed_over(machine: Machine) -> None:
    machine.python("python3.14", "", status=127)
    machine.python("python3.13", "")
    machine.python("python3.12", "usable")
    assert "Python python3.12" in machine.make("setup").stderr


def test_a_python_that_is_asked_for_is_taken(machine: Machine) -> None:
    machine.python("python3.13", "usable")
    machine.python("python3.12", "usable")
    assert "Python python3.12" in machine.make("setup", "PYTHON=python3.12").stderr


def test_no_python_is_one_line_that_says_so(machine: Machine) -> None:
    machine.python("python3", "")
    done = machine.make("setup")
    assert done.returncode != 0
    assert done.stderr.splitlines()[0] == (
        "Python 3.11 or newer is needed, and none of python3.14 … python3.11, python3 is one"
    )
    assert not (machine.project / ".venv").exists()


def test_a_python_that_is_asked_for_and_too_old_is_named(machine: Machine) -> None:
    machine.python("python2", "")
    machine.python("python3.13", "usable")
    done = machine.make("setup", "PYTHON=python2")
    assert done.stderr.splitlines()[0] == "Python 3.11 or newer is needed, and PYTHON=python2 is none"


def test_a_python_without_venv_is_one_line_that_names_the_package(machine: Machine) -> None:
    machine.python("python3", "no-venv 3.12")
    done = machine.make("setup")
    assert done.returncode != 0
    assert done.stderr.splitlines()[0].endswith("apt-get install python3.12-venv")


def test_an_older_python_with_venv_is_better_than_a_newer_one_without(machine: Machine) -> None:
    machine.python("python3.13", "no-venv 3.13")
    machine.python("python3.11", "usable")
    assert "Python python3.11" in machine.make("setup").stderr


class TestSetUpOnce:
    @pytest.fixture(autouse=True)
    def once(self, machine: Machine) -> None:
        machine.python("python3.11", "usable")
        assert machine.make("setup").returncode == 0
        assert len(machine.pip_calls()) == 1

    def test_does_not_call_pip_again(self, machine: Machine) -> None:
        done = machine.make("setup")
        assert (done.returncode, done.stderr, len(machine.pip_calls())) == (0, "", 1)

    @pytest.mark.parametrize("name", ["pyproject.toml", "tests/requirements.txt"])
    def test_calls_pip_again_when_what_is_needed_changed(self, machine: Machine, name: str) -> None:
        later = (machine.project / ".venv/.installed").stat().st_mtime + 10
        os.utime(machine.project / name, (later, later))
        machine.make("setup")
        assert len(machine.pip_calls()) == 2

    def test_starts_anew_where_the_folder_was_moved(self, machine: Machine) -> None:
        moved = machine.project.with_name("moved")
        machine.project.rename(moved)
        machine.project = moved
        assert machine.make("setup").returncode == 0
        assert len(machine.pip_calls()) == 2

    def test_starts_anew_where_its_python_is_gone(self, machine: Machine) -> None:
        (machine.project / ".venv/bin/python").unlink()
        assert machine.make("setup").returncode == 0
        assert len(machine.pip_calls()) == 2

    def test_tries_again_after_an_installation_that_failed(self, machine: Machine) -> None:
        os.utime(machine.project / "pyproject.toml", (2**31, 2**31))
        broken = (machine.project / ".venv/bin/python").read_text(encoding="utf-8")
        (machine.project / ".venv/bin/python").write_text(
            broken.replace("case", 'case "$*" in *"pip install"*) exit 1 ;; esac\ncase', 1), encoding="utf-8"
        )
        assert machine.make("setup").returncode != 0
        assert not (machine.project / ".venv/.installed").exists()

    @pytest.mark.parametrize("given", [{}, {"NO_PROXY": "example.org"}, {"no_proxy": "example.org"}])
    def test_keeps_loopback_off_the_proxy(self, machine: Machine, given: dict[str, str]) -> None:
        (machine.project / ".ci/setup").write_text('#!/bin/sh\necho "$NO_PROXY $no_proxy"\n', encoding="utf-8")
        expected = ",".join(["localhost,127.0.0.1,::1", *given.values()])
        assert machine.make("setup", **given).stdout.split() == [expected, expected]

    def test_leaves_a_proxy_for_nothing_as_it_is(self, machine: Machine) -> None:
        (machine.project / ".ci/setup").write_text('#!/bin/sh\necho "$NO_PROXY $no_proxy"\n', encoding="utf-8")
        assert machine.make("setup", NO_PROXY="*").stdout.split() == ["*", "*"]

    def test_a_backfill_without_a_name_says_which_there_are(self, machine: Machine) -> None:
        (machine.project / "backfill").mkdir()
        (machine.project / "backfill/2026_04_22_message_tenants.py").touch()
        done = machine.make("backfill")
        assert done.returncode != 0
        assert "which one? make backfill NAME=…, one of: 2026_04_22_message_tenants.py" in done.stderr


def test_the_makefile_needs_nothing_newer_than_gnu_make_3_81() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    newer = (".ONESHELL", "!=", "$(file ", "undefine", "::=", ".SHELLSTATUS", "--output-sync", "$(let ", "private ")
    assert [word for word in newer if word in text] == []


@pytest.mark.parametrize("name", [".ci/run", ".ci/setup"])
def test_the_scripts_are_executable_and_posix(name: str) -> None:
    file = ROOT / name
    assert os.access(file, os.X_OK)
    assert file.read_text(encoding="utf-8").startswith("#!/bin/sh\n")
    assert subprocess.run(["sh", "-n", str(file)], check=False).returncode == 0
    assert not re.search(r"\[\[|\blocal \b|function |==", file.read_text(encoding="utf-8"))


def test_continuous_integration_runs_what_a_person_runs() -> None:
    text = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    assert re.findall(r"- run: (.*)", text) == ["make demo", ".ci/run"]
    assert 'python: ["3.11", "3.x"]' in text
