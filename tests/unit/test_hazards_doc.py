"""docs/hazards.md is what the code says, and knows every hazard that a reviewed plan has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.hazards import PAGE, names, page
from sendoka.schema.hazards import known, located
from sendoka.schema.step import Hazard, Lock

CASES = Path(__file__).parent.parent / "cases"


def test_the_page_is_the_one_that_the_code_makes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make docs"


def test_every_hazard_of_a_reviewed_plan_is_on_the_page() -> None:
    plans = (path.read_text(encoding="utf-8") for path in CASES.glob("*/*/plan.sql"))
    met = {name for text in plans for name in re.findall(r"^-- (?:asks|hazard): ([a-z-]+):", text, re.MULTILINE)}
    assert len(met) > 20
    assert met <= set(names())


def test_a_name_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(LookupError, match="the hazard make-tea is in no list"):
        known("make-tea")


def test_a_lock_says_what_it_blocks() -> None:
    places = (("public", "t"),)
    blocked = {
        name: each.lock and (each.lock.mode, each.lock.blocks, each.lock.rows)
        for name in ("not-null", "add-foreign-key", "add-index", "validate", "drop-rule", "drop-enum")
        for each in [located(Hazard(name, "t", ""), places)]
    }
    assert blocked == {
        "not-null": ("ACCESS EXCLUSIVE", "reads and writes", "read"),
        "add-foreign-key": ("SHARE ROW EXCLUSIVE", "writes", "read"),
        "add-index": ("SHARE", "writes", "read"),
        "validate": ("SHARE UPDATE EXCLUSIVE", "", "read"),
        "drop-rule": ("ACCESS EXCLUSIVE", "reads and writes", ""),
        "drop-enum": None,
    }
    assert located(Hazard("rewrite", "t", ""), ()).lock is None
    own = Hazard("rewrite", "t", "", lock=Lock("SHARE", places))
    assert located(own, places) == own
