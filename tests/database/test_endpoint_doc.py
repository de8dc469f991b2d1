"""The endpoint's document, done as it says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.test_readme import commands, execute
from tests.documents import ROOT, blocks_of

if TYPE_CHECKING:
    from tests.documents import Block
    from tests.fixtures.project import Project

TEXT = (ROOT / "docs/endpoint.md").read_text(encoding="utf-8")


def test_the_commands_do_what_they_say(project: Project) -> None:
    said = ""
    for line in commands(blocks_of("docs/endpoint.md", language="sh")):
        if line.startswith("sendoka dev"):
            project.stop()
            project.url = project.dev(line)
        else:
            said = project.run(line)
    assert said == "random,seed=7,rate=0.2  (met 0)\n"


@pytest.mark.parametrize("block", blocks_of("docs/endpoint.md", language="python"), ids=str)
def test_the_code_does_what_it_says(block: Block) -> None:
    execute(block.code)


def test_every_option_of_dev_is_explained(project: Project) -> None:
    said = project.run("sendoka dev --help")
    options = set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", said, re.MULTILINE)) - {"--json", "--help"}
    assert options == set(re.findall(r"`(--[\w-]+)`", TEXT.partition("The PostgreSQL is")[0]))
