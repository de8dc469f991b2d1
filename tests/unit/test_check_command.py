"""`sendoka check`: what a person, a program and GitHub are told, and the exit status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendoka.cli._annotations import annotated
from sendoka.cli.check import _show, _status
from sendoka.errors import AnswerMissing, ConnectFailed, MigrationError, SettingsError
from sendoka.lint import Finding
from sendoka.migrations.checked import Checked

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.errors import SendokaError
    from tests.fixtures.checked import CheckedProject

CLEAN = """\
folder       clean     1 migration
schema       clean     1 table
ungenerated  clean     the schema, compared with meta/0000_apples.json
rules        left out  pyproject.toml has no [tool.sendoka.rules]
backfills    clean     none required by migrations
history      left out  not asked for: --history
drift        left out  not asked for: --drift
replay       left out  not asked for: --replay
since        left out  not asked for: --since REF
nothing found
"""


def test_what_was_not_looked_at_is_said(checked: CheckedProject) -> None:
    assert checked("check") == CLEAN


def test_a_program_is_told_the_same(checked: CheckedProject) -> None:
    report = checked.check()
    assert report["findings"] == []
    assert [(each["name"], each["verdict"]) for each in report["checks"]] == [
        (line.split()[0], line[13:21].strip()) for line in CLEAN.splitlines()[:-1]
    ]


def test_a_finding_is_one_line_and_counted(checked: CheckedProject) -> None:
    checked.table("pears")
    said = checked("check", status=1)
    assert said.startswith("schema/pears.py:4: pears: table pears is new [ungenerated]; run `sendoka generate`\n")
    assert "\nungenerated  1 found   the schema, compared with meta/0000_apples.json\n" in said
    assert said.endswith("\n1 found\n")


def test_a_check_that_cannot_be_made_is_not_counted_as_passed(checked: CheckedProject) -> None:
    said = checked("check", "--history", "--drift", status=2)
    assert "history      not made  DATABASE_URL is not set\n" in said
    assert "error: history and drift could not be made: DATABASE_URL is not set\n" in said
    assert "sendoka dev" in said
    assert "nothing found; could not be made: history, drift\n" in said


def test_a_package_that_is_missing_leaves_only_that_question_open(
    checked: CheckedProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start(self: object) -> None:
        raise ModuleNotFoundError("No module named 'psycopg'", name="psycopg")

    monkeypatch.setattr("sendoka.scratch.Scratch._start", start)
    said = checked("check", "--replay", status=2)
    assert "folder       clean" in said
    assert "error: replay could not be made: this needs psycopg, which is not installed" in said
    assert 'pip install "sendoka[dev]"' in said


def test_the_traceback_of_a_schema_is_shown_once(checked: CheckedProject) -> None:
    (checked.root / "schema" / "pears.py").write_text("1 / 0\n")
    said = checked("check", "--replay", status=2)
    assert said.count("Traceback (most recent call last)") == 1
    assert "error: schema could not be made" in said
    assert "ungenerated  left out  the schema cannot be loaded\n" in said


def test_a_folder_elsewhere_keeps_its_path(checked: CheckedProject) -> None:
    (checked.root / "pyproject.toml").write_text('[tool.sendoka]\nmigrations = "db/sql"\nschema = "db/tables"\n')
    (checked.root / "db").mkdir()
    (checked.root / "migrations").rename(checked.root / "db" / "sql")
    (checked.root / "schema").rename(checked.root / "db" / "tables")
    (checked.root / "db" / "tables" / "apples.py").unlink()
    (finding,) = checked.check(status=1)["findings"]
    assert (finding["place"], finding["file"]) == ("apples", None)
    (checked.root / "db" / "sql" / "meta" / "0000_apples.json").unlink()
    (finding,) = checked.check(status=1)["findings"]
    assert finding["file"] == "db/sql/meta/0000_apples.json"


WRONG = [
    (["--json", "--format", "github"], "choose one"),
    (["--scratch", "postgresql://u@h/d"], "--replay and --drift"),
    (["--format", "gitlab"], "github"),
    (["--since"], "requires an argument"),
]


@pytest.mark.parametrize(("options", "says"), WRONG)
def test_options_that_do_not_go_together(checked: CheckedProject, options: list[str], says: str) -> None:
    assert says in checked("check", *options, status=2)


FINDING = Finding("since/changed", "migrations/0000_a.sql", "what", "do", "migrations/0000_a.sql")

STATUSES: list[tuple[list[Checked], int]] = [
    ([], 0),
    ([Checked.of("folder", []), Checked.left_out("drift", "why")], 0),
    ([Checked.of("folder", [FINDING])], 1),
    ([Checked.failed("schema", SettingsError("no"))], 2),
    ([Checked.of("folder", [FINDING]), Checked.failed("schema", SettingsError("no"))], 2),
    ([Checked.failed("history", ConnectFailed("no")), Checked.failed("schema", SettingsError("no"))], 3),
    ([Checked.failed("history", MigrationError("tables of a newer Sendoka"))], 2),
]


@pytest.mark.parametrize(("checks", "status"), STATUSES)
def test_what_could_not_be_made_outweighs_what_was_found(checks: list[Checked], status: int) -> None:
    assert _status(checks) == status


# ------------------------------------------------------------------ GitHub

ANNOTATIONS: list[tuple[Finding, str]] = [
    (FINDING, "::error file=migrations/0000_a.sql,title=since/changed::what%0Ado"),
    (
        Finding("replay/failed", "m/a.sql", "50% of\r\nit: a, b", "do", "m/a.sql", 7),
        "::error file=m/a.sql,line=7,title=replay/failed::50%25 of%0D%0Ait: a, b%0Ado",
    ),
    (
        Finding("rule/x", "apples", "what", "do", "a:b,c%d.py", 1),
        "::error file=a%3Ab%2Cc%25d.py,line=1,title=rule/x::apples: what%0Ado",
    ),
    (Finding("drift/extra", "apples", "what", "do"), "::error title=drift/extra::apples: what%0Ado"),
    (Finding("drift/extra", "x\n::set-env::", "w", "d"), "::error title=drift/extra::x%0A::set-env::: w%0Ad"),
]


@pytest.mark.parametrize(("finding", "line"), ANNOTATIONS)
def test_an_annotation_is_one_line_that_github_reads_back(finding: Finding, line: str, tmp_path: Path) -> None:
    assert list(annotated([Checked.of("x", [finding])], tmp_path)) == [line]


@pytest.mark.parametrize("error", [SettingsError("a, b", todo="c:d"), AnswerMissing("a, b", todo="c:d")])
def test_what_could_not_be_made_is_annotated_too(error: SendokaError, tmp_path: Path) -> None:
    (line,) = annotated([Checked.failed("drift", error)], tmp_path)
    assert line == "::error title=drift could not be made::a, b%0Ac:d"


def test_paths_begin_at_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    root = tmp_path / "repo" / "apps" / "mill"
    root.mkdir(parents=True)
    (tmp_path / "repo" / ".git").write_text("gitdir: elsewhere\n")
    (line,) = annotated([Checked.of("since", [FINDING])], root)
    assert line.startswith("::error file=apps/mill/migrations/0000_a.sql,")
    (tmp_path / "repo" / ".git").unlink()
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "repo" / "apps"))
    (line,) = annotated([Checked.of("since", [FINDING])], root)
    assert line.startswith("::error file=mill/migrations/0000_a.sql,")


@pytest.mark.parametrize(
    ("options", "actions", "wanted"),
    [
        ([], None, False),
        ([], "true", True),
        (["--format", "github"], None, True),
        (["--format", "text"], "true", False),
        (["--json"], "true", False),
    ],
)
def test_annotations_come_where_github_runs_it_beside_the_lines(
    checked: CheckedProject, monkeypatch: pytest.MonkeyPatch, options: list[str], actions: str | None, wanted: bool
) -> None:
    if actions is not None:
        monkeypatch.setenv("GITHUB_ACTIONS", actions)
    checked.table("pears")
    said = checked("check", *options, status=1)
    annotation = "\n::error file=schema/pears.py,line=4,title=ungenerated::pears: table pears is new%0Arun `"
    assert (annotation in said) == wanted
    assert "pears: table pears is new" in said or "--json" in options


def test_a_line_for_a_person_is_no_command_for_github(capsys: pytest.CaptureFixture[str]) -> None:
    """What a file or a database says may hold line ends, and GitHub obeys lines that begin with colons."""
    _show([Checked.of("drift", [Finding("drift/extra", "x\n::stop-commands::x", "\r::a::\x1b[2J", "b")], "c\n::d::")])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert not any(line.startswith("::") or "\x1b" in line for line in lines)
