"""A text that no traceback may show: what a connection string is, from the moment it is handed over."""

from __future__ import annotations

__all__ = ["Secret", "hide"]


class Secret:
    """A text whose repr says nothing, for reports of errors that print the local variables of every frame."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return "<secret>"


def hide(text: str | Secret) -> Secret:
    """Return `text` as a Secret. Whoever calls it deletes its own variable next."""
    return text if isinstance(text, Secret) else Secret(text)
