"""Findings as the lines that GitHub Actions shows beside the code they are about."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sendoka.migrations.checked import Checked

__all__ = ["annotated", "is_wanted"]


def is_wanted(form: str | None) -> bool:
    """Tell whether annotations are to be printed: asked for, or not said and run by GitHub Actions."""
    return form == "github" or (form is None and os.environ.get("GITHUB_ACTIONS") == "true")


def annotated(checks: Sequence[Checked], root: Path) -> Iterator[str]:
    """Yield a line for each finding and for each check that could not be made; `root` is the project's folder."""
    inside = _inside(root)
    for check in checks:
        for each in check.findings:
            place = [] if each.file is None else [("file", f"{inside}{each.file}")]
            line = [] if each.line is None else [("line", str(each.line))]
            what = each.what if each.place == each.file else f"{each.place}: {each.what}"
            yield _error([*place, *line, ("title", each.id)], f"{what}\n{each.instead}")
        if check.error is not None:
            yield _error([("title", f"{check.name} could not be made")], str(check.error))


def _inside(root: Path) -> str:
    """Return what stands before a path of the project: GitHub counts from the repository's folder."""
    given = os.environ.get("GITHUB_WORKSPACE")
    root = root.resolve()
    for top in (root, *root.parents):
        if (top / ".git").exists() or (given and os.path.realpath(given) == str(top)):
            inside = root.relative_to(top).as_posix()
            return "" if inside == "." else f"{inside}/"
    return ""


def _error(properties: Sequence[tuple[str, str]], message: str) -> str:
    told = ",".join(f"{name}={_property(value)}" for name, value in properties)
    return f"::error {told}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
