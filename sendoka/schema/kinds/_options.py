"""Storage parameters, `name=value`: how a change of some is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["changed_options", "listed_options", "options_in_catalog"]


def options_in_catalog(relation: str) -> str:
    """Return the SQL of a relation's parameters, those of its TOAST table among them; `relation` is its pg_class."""
    return f"""coalesce((select json_agg(o order by o) from (
                    select unnest({relation}.reloptions) union all
                    select 'toast.' || unnest(w.reloptions) from pg_class w
                     where w.oid = {relation}.reltoastrelid) r(o)), '[]')"""


def listed_options(options: Mapping[str, object]) -> tuple[str, ...]:
    """Return options given by name as the model has them: `name=value`, in order, lower case."""
    return tuple(sorted(f"{name}={str(value).lower()}".replace(" ", "") for name, value in options.items()))


def changed_options(alter: str, old: tuple[str, ...], new: tuple[str, ...]) -> list[str]:
    """Return the statements, begun by `alter`, that lead from some storage parameters to others."""
    kept = {option.partition("=")[0] for option in new}
    gone = [name for name in (option.partition("=")[0] for option in old) if name not in kept]
    texts = [f"{alter} RESET ({', '.join(gone)})"] if gone else []
    return [*texts, f"{alter} SET ({', '.join(new)})"] if new else texts
