"""Template strings (PEP 750), by their public protocol: `sql(t"select * from orgs where id = {org_id}")`.

They are known by their shape, so that this works where Python has them and where a package brings them, and so that
nothing of Python 3.14 is imported elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

from sendoka.http.fragments import PLAIN, Fragment, concatenate, piece

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Template", "from_template", "is_template"]


class Template(Protocol):
    """What `string.templatelib.Template` is: iterating gives its texts and its interpolations, in order."""

    @property
    def strings(self) -> tuple[str, ...]:
        """The texts between the braces."""

    @property
    def interpolations(self) -> tuple[Any, ...]:
        """What stands in braces: objects with `value`, `expression`, `conversion` and `format_spec`."""

    def __iter__(self) -> Iterator[Any]: ...


def is_template(value: object) -> TypeGuard[Template]:
    """Tell whether `value` is a template string."""
    return hasattr(value, "interpolations") and hasattr(value, "strings")


def from_template(template: Template) -> Fragment:
    """Return the template as a fragment: templates and fragments in braces are put in their places, values are kept.

    Raises ValueError for a conversion or a format in braces, by the name of what stands there.
    """
    return concatenate(Fragment((part,)) if isinstance(part, str) else _interpolated(part) for part in template)


def _interpolated(part: Any) -> Fragment:
    shown = "{" + part.expression + (f"!{part.conversion}" if part.conversion else "")
    shown += (f":{part.format_spec}" if part.format_spec else "") + "}"
    if part.conversion or part.format_spec:
        raise ValueError(f"{shown}: {PLAIN}")
    return piece(part.value, shown)
