"""docs/managed.md is what the kinds say of themselves, and all of them do."""

from __future__ import annotations

import inspect

import pytest

from docs.managed import PAGE, page, unclaimed_words
from sendoka.schema.kinds import all_kinds


def test_the_page_is_the_one_that_the_kinds_make() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make docs"


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.name)
def test_every_kind_and_its_objects_say_what_they_are(kind: object) -> None:
    assert inspect.getdoc(kind)
    assert f"\n## {getattr(kind, 'name', '')}\n" in page()


def test_what_no_kind_claims_is_listed() -> None:
    words = unclaimed_words()
    assert {"foreign tables", "range types", "publications", "operators", "casts"} <= set(words)
    assert not {"views", "enums", "functions", "policies", "rules", "extensions"} & set(words)
