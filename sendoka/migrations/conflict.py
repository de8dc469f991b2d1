"""What Git leaves in a file that two branches made: both texts, between marks that no SQL has."""

from __future__ import annotations

import re

__all__ = ["conflict_line"]

_OURS = "<<<<<<< "
_CONFLICT = re.compile(r"^<<<<<<< .*\n(?:.*\n)*?=======\n(?:.*\n)*?>>>>>>> ", re.MULTILINE)


def conflict_line(text: str) -> int | None:
    """Return the line, from 1, of the first conflict of a merge; None where there is none outside of literals."""
    if _OURS not in text:
        return None  # as in nearly all, and without reading any further
    from sendoka.http.scan import tokens

    for found in _CONFLICT.finditer(text):
        if not any(token.start < found.start() < token.end for token in tokens(text)):
            return text.count("\n", 0, found.start()) + 1
    return None
