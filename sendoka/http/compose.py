"""What `sql(…)` takes besides text: fragments, template strings and SQLAlchemy's statements, as text and parameters."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, LiteralString, Protocol, TypeAlias

    from sendoka.http.fragments import Fragment
    from sendoka.http.templates import Template

    class Compilable(Protocol):
        """A statement of SQLAlchemy, by its shape: a checker that finds no SQLAlchemy would let anything pass."""

        def compile(self, *arguments: Any, **options: Any) -> Any:
            """Return the statement as text and parameters."""

    Composable: TypeAlias = LiteralString | Fragment | Template | Compilable

__all__ = ["compose"]


def compose(text: object, params: tuple[object, ...]) -> tuple[str, tuple[object, ...]]:
    """Return the text with `$1, $2, …` and the parameters of a statement, whatever way it is written.

    Text is returned as it is, with `params`. A fragment or template has its values in it and takes none besides. A
    SQLAlchemy statement takes at most one dict, the values of its `bindparam`s. Raises TypeError or ValueError.
    """
    if type(text) is str:  # nearly always, and nothing is imported for it
        return text, params
    from sendoka.http.fragments import Fragment, render
    from sendoka.http.templates import from_template, is_template

    if isinstance(text, Fragment) or is_template(text):
        if params:
            raise TypeError("the values of a fragment or template stand in its braces; give none behind it")
        return render(text if isinstance(text, Fragment) else from_template(text))
    if isinstance(text, str):
        return str(text), params
    if "sqlalchemy" in sys.modules:  # else it can be none
        from sendoka.http.core import from_core, is_core

        if is_core(text):
            return from_core(text, params)
    raise TypeError(
        f"a statement is text, a fragment, a template string or a SQLAlchemy statement, not {type(text).__name__}"
    )
