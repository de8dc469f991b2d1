"""The rows of a page as the user's model has them: what it refuses is of its row alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_origin

from sendoka.http.into import misfit, shaper

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["check_model", "misfit_of", "modelled"]


def check_model(model: Any) -> None:
    """Raise TypeError for what can make nothing of a row: neither a model that `into()` takes nor a function."""
    if _is_class(model) or not callable(model):
        shaper(model)


def modelled(model: Any, rows: dict[Any, Any], errors: dict[Any, Exception]) -> dict[Any, Any]:
    """Return the rows as `model` has them, by key; what is raised for a row goes to `errors` by its key."""
    build = _builder(model)
    try:
        return dict(zip(rows, build(list(rows.values())), strict=True))
    except Exception:  # noqa: BLE001 - whatever a model raises; the rows tell, one by one, which of them it is of
        return _one_by_one(build, rows, errors)


def _one_by_one(
    build: Callable[[Sequence[Any]], list[Any]], rows: dict[Any, Any], errors: dict[Any, Exception]
) -> dict[Any, Any]:
    made = {}
    for key, row in rows.items():
        try:
            (made[key],) = build([row])
        except Exception as error:  # noqa: BLE001 - it is kept, as the error of this row
            errors[key] = error
    return made


def misfit_of(model: Any, columns: Sequence[str]) -> str:
    """Return why rows of these columns can never be made into `model`; empty where they can."""
    return misfit(model, columns) if _is_class(model) else ""


def _is_class(model: Any) -> bool:
    return isinstance(get_origin(model) or model, type)


def _builder(model: Any) -> Callable[[Sequence[Any]], list[Any]]:
    if _is_class(model):
        build: Callable[[Sequence[Any]], list[Any]] = shaper(model)
        return build
    return lambda rows: [model(row) for row in rows]
