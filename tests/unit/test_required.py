"""The backfills that files require, without a database."""

from __future__ import annotations

import pytest

from sendoka.migrations.files import Migration, parse, render
from sendoka.migrations.history import apply_statements
from sendoka.migrations.undefined import undefined_backfills


def file(*requires: str) -> Migration:
    return parse("0001_x", render("0001_x", None, ["select 1"], [], requires=requires))


def test_the_question_stands_behind_the_row_and_before_the_first_statement() -> None:
    texts = [each.text for each in apply_statements(file("one", "two"), "token", "", "0")]
    assert [text.partition(" ")[0] for text in texts] == ["select", "insert", "do", "do", "select", "set", "with"]
    assert "name = 'one'" in texts[2]
    assert "name = 'two'" in texts[3]
    assert len(apply_statements(file(), "token", "", "0")) == 5


@pytest.mark.parametrize(
    ("requires", "found"),
    [
        ((), []),
        (("fill_in",), []),
        (("fill_inn",), ["did you mean fill_in? Where the file was applied"]),
        (("fill_in", "other", "more"), ["write one called other", "write one called more"]),
    ],
)
def test_a_backfill_that_no_script_defines_is_found(requires: tuple[str, ...], found: list[str]) -> None:
    checked = undefined_backfills([file(*requires)], "db/migrations", {"fill_in": ["2026_01_01_fill_in"]})
    assert len(checked.findings) == len(found)
    for finding, words in zip(checked.findings, found, strict=True):
        assert words in finding.instead
        assert (finding.id, finding.file) == ("backfills/undefined", "db/migrations/0001_x.sql")
        assert finding.line == 3 + requires.index(str(finding.what).split()[4].strip(","))
