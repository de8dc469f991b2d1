"""The client's reference, done as it says: its code against a real endpoint, its tables against the code."""

from __future__ import annotations

import builtins
import inspect
import re
from typing import TYPE_CHECKING

import pytest

from sendoka import Retry, errors, neon
from tests.acceptance.test_readme import apply_migrations, execute
from tests.documents import ROOT, blocks_of

if TYPE_CHECKING:
    from tests.documents import Block

TEXT = (ROOT / "docs/client.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("block", blocks_of("docs/client.md", language="python"), ids=str)
def test_the_code_does_what_it_says(block: Block, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    apply_migrations(database_url)
    monkeypatch.setenv("DATABASE_URL", database_url)
    execute(block.code)


def test_every_option_of_the_client_has_a_line() -> None:
    parameters = inspect.signature(neon).parameters
    table = TEXT.partition("| option |")[2].partition("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert [name for cell in cells for name in re.findall(r"`(\w+)`", cell)] == list(parameters)
    for name in ("timeout", "connect_timeout"):
        assert f"| `{name}` | {parameters[name].default:.0f} |" in TEXT
    retry = Retry()
    assert f"`Retry(attempts={retry.attempts}, first={retry.first}, longest={retry.longest})`" in TEXT


def test_every_error_that_is_named_exists() -> None:
    named = re.findall(
        r"`([A-Z]\w+(?:Error|Violation|Failed|Timeout|Lost|Failure|Detected|Available|Table|Column))`", TEXT
    )
    assert [name for name in named if not hasattr(builtins, name) and not hasattr(errors, name)] == []
