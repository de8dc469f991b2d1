"""`DESC NULLS LAST` in an index serves no `ORDER BY … DESC`, for that means NULLS FIRST."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.lint.rule import Options, Rule
from sendoka.schema.kinds.index import Index

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.schema.model import Model

__all__ = ["rule"]


def _check(model: Model, options: Options) -> Iterator[tuple[str, str, str]]:
    for index in model.all(Index):
        if any(key.descending and key.nulls == "last" for key in index.keys):
            what = "DESC NULLS LAST serves no ORDER BY … DESC"
            yield index.id.address, what, "leave the order ascending: an index is read backwards as well"


rule = Rule(
    name="no-nulls-last",
    summary="No index key is DESC NULLS LAST.",
    check=_check,
    bad='primary_key("wid"), created_at(), Index("widgets_new_idx", text("created_at desc nulls last"))',
    good='primary_key("wid"), created_at(), Index("widgets_new_idx", "created_at")',
)
