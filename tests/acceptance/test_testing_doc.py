"""How to test your code, done as the document says: its tests run in a project, its tables are what there is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sendoka.testing.mishaps import MISHAPS
from tests.documents import ROOT, blocks_of

if TYPE_CHECKING:
    from tests.fixtures.project import Project

TEXT = (ROOT / "docs/testing.md").read_text(encoding="utf-8")
FILES = {
    block.code.partition("\n")[0].removeprefix("# "): block.code
    for block in blocks_of("docs/testing.md", language="python")
}
SETTINGS = """[tool.sendoka]
[tool.pytest.ini_options]
asyncio_mode = "{mode}"
asyncio_default_fixture_loop_scope = "function"
"""


def run(project: Project, names: list[str], mode: str) -> str:
    for name in names:
        (project.folder / name).write_text(FILES[name], encoding="utf-8")
    (project.folder / "pyproject.toml").write_text(SETTINGS.format(mode=mode), encoding="utf-8")
    # Those that begin with "test_" are the tests; the others are what they need.
    return project.run(f"python -m pytest -q -W error -p no:cacheprovider -p no:hypothesispytest {' '.join(names)}")


def count_in(names: list[str]) -> int:
    """Count the tests, each case of the one that has some by itself."""
    found = sum(len(re.findall(r"^(?:async )?def test_", FILES[name], re.MULTILINE)) for name in names)
    return found + ("test_signup.py" in names) * 2


def test_every_block_is_a_file_of_its_own() -> None:
    assert len(FILES) == len(blocks_of("docs/testing.md", language="python"))
    assert all(re.fullmatch(r"\w+\.py", name) for name in FILES)


def test_the_tests_pass(project: Project) -> None:
    names = [name for name in FILES if name != "test_marked.py"]
    assert f"{count_in(names)} passed" in run(project, names, "auto")


def test_those_with_marks_pass_in_strict_mode(project: Project) -> None:
    assert "3 passed" in run(project, ["test_marked.py"], "strict")  # one of them on two loops


def mishaps_as_text() -> str:
    """Return the table of what can go wrong, as the document has to show it."""
    lines = ["| name | what happens | outcome | ran |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `{one.name}` | {one.summary} | {one.outcome.replace('_', ' ')} | {'yes' if one.ran else '–'} |"
        for one in MISHAPS.values()
    ]
    return "\n".join(lines) + "\n"


def test_the_document_shows_what_can_go_wrong() -> None:
    shown = TEXT.partition("<!-- mishaps -->\n")[2].partition("<!-- /mishaps -->")[0]
    assert shown == mishaps_as_text(), "put between the marks:\n" + mishaps_as_text()


def test_every_mishap_that_is_named_exists() -> None:
    assert set(re.findall(r'\.meets\("(\w+)"\)', TEXT)) <= set(MISHAPS)


def test_every_fixture_has_a_line() -> None:
    from sendoka.testing import pytest_plugin

    named = set(re.findall(r"^\| `(sendoka_\w+|neon_mock)`", TEXT, re.MULTILINE))
    assert named == {name for name in pytest_plugin.__all__ if not name.startswith("pytest_")}
