"""An edit of a migration file: whether it changes what the file does, or only how it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.errors import InvalidMigration
from sendoka.http.scan import tokens
from sendoka.migrations.files import checksum, parse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendoka.migrations.files import Migration

__all__ = ["differing", "version_of"]


def version_of(migration: Migration, digest: str, versions: Iterable[bytes]) -> Migration | None:
    """Return the one of several versions of a file whose text has this digest, None where none of them has it."""
    for content in versions:
        text = content.decode("utf-8", "replace")
        if checksum(text) == digest:
            try:
                return parse(migration.name, text)
            except InvalidMigration:
                return None
    return None


def differing(old: Migration, new: Migration) -> str | None:
    """Return in what two versions of a file differ beside comments and white space, None where they do not."""
    if old._replace(text="", checksum="") != new._replace(text="", checksum=""):
        return "its header says something else"
    before, after = ([_pieces(each) for each in version.statements] for version in (old, new))
    if len(before) != len(after):
        return f"it holds {len(after)} statements, and held {len(before)}"
    at = next((at for at, pair in enumerate(zip(before, after, strict=True), 1) if pair[0] != pair[1]), None)
    return None if at is None else f"its statement {at} is another one"


def _pieces(statement: str) -> list[str]:
    """Return what a statement consists of, without comments and white space.

    Signs that stand together are one piece: they may be one operator.
    """
    found, at = [], 0
    for token in tokens(statement):
        found += statement[at : token.start].split()
        if token.kind != "comment":
            found.append(token.text)
        at = token.end
    return [*found, *statement[at:].split()]
