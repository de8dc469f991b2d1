"""A schema written as Python, the way a person would write it in `schema/`: what `sendoka pull` makes of a database."""

from sendoka.schema.to_python.files import INIT, Source, source_of

__all__ = ["INIT", "Source", "source_of"]
