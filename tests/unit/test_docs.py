"""No example in the documents goes unrun: every block of code is claimed by a test, or excused with a reason.

A module claims blocks by asking for them, with `blocks_of("README.md", …)`. Here the claims are checked; running the
blocks is theirs.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from sendoka.lint.run import all_rules
from tests.documents import ROOT, Block, documents, read_blocks

if TYPE_CHECKING:
    from pathlib import Path

# A document and the language of its blocks -> the test module that runs all of them.
CLAIMS = {
    ("README.md", "python"): "acceptance/test_readme.py",
    ("README.md", "sh"): "acceptance/test_readme.py",
    ("docs/backfills.md", "python"): "acceptance/test_backfills_doc.py",
    ("docs/backfills.md", "sh"): "acceptance/test_backfills_doc.py",
    ("docs/backfills.md", "yaml"): "acceptance/test_backfills_doc.py",
    ("docs/checking.md", "sh"): "acceptance/test_checking_doc.py",
    ("docs/checking.md", "yaml"): "acceptance/test_checking_doc.py",
    ("docs/branches.md", "python"): "acceptance/test_branches_doc.py",
    ("docs/branches.md", "sh"): "acceptance/test_branches_doc.py",
    ("docs/client.md", "python"): "acceptance/test_client_doc.py",
    ("docs/coming-from-drizzle.md", "python"): "database/test_drizzle_histories.py",
    ("docs/coming-from-drizzle.md", "sh"): "acceptance/test_coming_from_drizzle.py",
    ("docs/coming-from-drizzle.md", "ts"): "database/test_drizzle_histories.py",
    ("docs/deployment.md", "make"): "acceptance/test_deployment.py",
    ("docs/deployment.md", "python"): "acceptance/test_deployment.py",
    ("docs/deployment.md", "sh"): "acceptance/test_deployment.py",
    ("docs/deployment.md", "yaml"): "acceptance/test_deployment.py",
    ("docs/endpoint.md", "js"): "database/test_endpoint_peers.py",
    ("docs/endpoint.md", "python"): "database/test_endpoint_doc.py",
    ("docs/endpoint.md", "sh"): "database/test_endpoint_doc.py",
    ("docs/history.md", "sh"): "acceptance/test_history_doc.py",
    ("docs/observing.md", "python"): "acceptance/test_observing_doc.py",
    ("docs/schema.md", "python"): "acceptance/test_schema_doc.py",
    ("docs/schema.md", "sh"): "acceptance/test_schema_doc.py",
    ("docs/testing.md", "python"): "acceptance/test_testing_doc.py",
    ("docs/guide.md", "python"): "acceptance/test_guide.py",
    ("docs/guide.md", "sh"): "acceptance/test_guide.py",
}

# What is not run, and why.
EXCUSES = {
    "text": "a picture, or output that is compared where it is made",
    "": "a picture, or output that is compared where it is made",
    "json": "an answer, shown",
    "sql": "a migration's text, shown; the format has tests of its own",
    "toml": "settings, shown; their reading has tests of its own",
}

BLOCKS = [block for document in documents() for block in read_blocks(document)]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_every_block_of_code_is_run_by_a_test_or_excused(block: Block) -> None:
    if block.language in EXCUSES:
        return
    claim = CLAIMS.get((block.document, block.language))
    assert claim is not None, f"{block}: no test claims it; add one to CLAIMS, or a reason to EXCUSES"
    module = ROOT / "tests" / claim
    assert module.is_file(), f"{block}: {claim} does not exist"
    assert f'blocks_of("{block.document}"' in module.read_text(encoding="utf-8"), f"{claim} does not read {block}"


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "python"], ids=str)
def test_every_python_block_compiles(block: Block) -> None:
    compile(block.code, str(block), "exec", flags=0x2000)  # ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


def rules_as_text() -> str:
    """Return the table of the rules, as the guide has to show it."""
    lines = ["| rule | wants | options, and what they are unless you say |", "| --- | --- | --- |"]
    for rule in all_rules():
        options = ", ".join(f"`{name} = {json.dumps(list(value))}`" for name, value in rule.options.items())
        lines.append(f"| `{rule.name}` | {rule.summary} | {options or '–'} |")
    return "\n".join(lines) + "\n"


def test_the_guide_shows_the_rules_that_there_are() -> None:
    text = (ROOT / "docs/guide.md").read_text(encoding="utf-8")
    shown = text.partition("<!-- rules -->\n")[2].partition("<!-- /rules -->")[0]
    assert shown == rules_as_text(), "put between the marks:\n" + rules_as_text()


LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")


@pytest.mark.parametrize("document", documents())
def test_every_link_to_a_file_leads_somewhere(document: str) -> None:
    text = re.sub(r"```.*?```", "", (ROOT / document).read_text(encoding="utf-8"), flags=re.DOTALL)
    for match in LINK.finditer(text):
        target = match["target"].partition("#")[0]
        if target and "://" not in target and not target.startswith("mailto:"):
            assert (ROOT / document).parent.joinpath(target).exists(), f"{document} links to {target}"


def test_a_block_is_read_with_its_language_its_line_and_its_code(tmp_path: Path) -> None:
    file = tmp_path / "x.md"
    file.write_text("# T\n\n```python title\na = 1\n```\n\n- item\n\n  ```sh\n  make\n  ```\n", encoding="utf-8")
    assert read_blocks(str(file)) == [Block(str(file), 3, "python", "a = 1\n"), Block(str(file), 9, "sh", "make\n")]


def test_a_block_that_is_never_closed_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "x.md"
    file.write_text("```python\na = 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 1 is never closed"):
        read_blocks(str(file))
