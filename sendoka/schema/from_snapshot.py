"""A schema as the file beside a migration has it: versioned JSON, one object a line, in an order that never varies."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from sendoka.errors import SchemaError
from sendoka.schema.kinds import all_kinds, kind_of, kinds_by_name
from sendoka.schema.model import Model
from sendoka.schema.stored import dumped, loaded_all
from sendoka.schema.uncollected import uncollected

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sendoka.schema.model import Object

__all__ = ["FORMAT", "model_from_snapshot", "read_snapshot", "snapshot_of"]

FORMAT = 1
"""The version of the snapshot's format. A higher one was written by a newer Sendoka."""

_BROKEN = "take the file from version control, or delete the migration with it and generate again"


def snapshot_of(model: Model) -> str:
    """Return the text of the snapshot: equal models have equal texts, whatever order their tables were read in.

    Parts of a kind that keeps its order, as columns do, stay in it; everything else goes by name.
    """
    places = {key: place for place, key in enumerate(model.objects)}
    lines = [dumped(each) for each in sorted(model, key=lambda each: _order(each, places[each.id]))]
    body = ",\n".join("    " + line for line in lines)
    objects = f"[\n{body}\n  ]" if lines else "[]"
    heard = _heard(model)
    speaks = f'\n  "speaks_of": {json.dumps(heard)},' if heard else ""
    digest = _digest([*heard, *lines])
    return f'{{\n  "snapshot": {FORMAT},\n  "sha256": "{digest}",{speaks}\n  "objects": {objects}\n}}\n'


def _heard(model: Model) -> list[str]:
    """Return the kinds that the schema could have been silent about, and is not. A snapshot without the list is."""
    return sorted(kind.name for kind in all_kinds() if kind.may_be_silent and kind.name not in model.silent)


def _order(each: Object, place: int) -> tuple[Any, ...]:
    kind = kind_of(each)
    owner = kind.owned_by(each)
    if owner is None:
        return (each.namespace, each.name if kind.has_parts else "", kind.rank, 0, each.name, each.id)
    return (*owner, kind.rank, place if kind.keeps_order else 0, each.name, each.id)


def _digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def read_snapshot(path: Path) -> Model:
    """Return the model in a snapshot's file. Raises SchemaError, naming the file, as `model_from_snapshot` does."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError("the snapshot cannot be read", where=str(path), todo=_BROKEN) from error
    return model_from_snapshot(text, path.name)


def model_from_snapshot(text: str, where: str) -> Model:
    """Return the model that `text` holds; `where` is the file's name, for the error.

    Raises SchemaError for a text that is not whole, that was edited, or that a newer Sendoka wrote.
    """
    with uncollected():
        heard, lines = _untouched(text) or _parsed(text, where)
        silent = (kind.name for kind in all_kinds() if kind.may_be_silent and kind.name not in heard)
        return Model.of(_objects(lines, where), silent=silent)


Line = tuple[object, str]
"""The name of an object's kind, and the rest of the object as JSON."""

Content = tuple[list[str], list[Line]]
"""What a snapshot speaks of, and its objects."""

_OBJECTS = '\n  "objects": [\n'
_TAIL = "\n  ]\n}\n"
_KIND = re.compile(r'\{"kind": "(?P<name>[a-z-]+)"(?:, )?')


def _untouched(text: str) -> Content | None:
    """Return the content of a text that is as it was written, which is most of them; None for any other.

    Its objects stand in the lines that its digest is of: they need not be parsed to see that they are whole.
    """
    head, found, body = text.partition(_OBJECTS)
    if not found or not body.endswith(_TAIL):
        return None
    try:
        document = json.loads(f'{head} "objects": []}}')
    except ValueError:
        return None
    lines = [line[4:] for line in body.removesuffix(_TAIL).split(",\n")]
    heard = document.get("speaks_of", [])
    if not isinstance(heard, list) or not all(isinstance(each, str) for each in heard):
        return None
    if document.get("snapshot") != FORMAT or _digest([*heard, *lines]) != document.get("sha256"):
        return None
    read = [(kind["name"], "{" + line[kind.end() :]) for line in lines if (kind := _KIND.match(line)) is not None]
    return (heard, read) if len(read) == len(lines) else None


def _parsed(text: str, where: str) -> Content:
    """Return the content of any text that says the same. Raises SchemaError as `model_from_snapshot` does."""
    document = _document(text, where)
    objects, heard = document["objects"], document.get("speaks_of", [])
    heard = [str(each) for each in (heard if isinstance(heard, list) else [heard])]
    if _digest([*heard, *(json.dumps(each, ensure_ascii=False) for each in objects)]) != document.get("sha256"):
        raise SchemaError("the snapshot was edited: its content is not what its sha256 says", where=where, todo=_BROKEN)
    named = [(each.pop("kind", None) if isinstance(each, dict) else None, each) for each in objects]
    return heard, [(name, json.dumps(rest)) for name, rest in named]


def _document(text: str, where: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        torn = re.search("^<<<<<<< ", text, re.MULTILINE)
        what = "holds a merge conflict of Git" if torn else f"is not whole JSON: {error}"
        raise SchemaError(f"the snapshot {what}", where=where, todo=_BROKEN) from error
    version = document.get("snapshot") if isinstance(document, dict) else None
    if type(version) is not int or version < 1 or not isinstance(document.get("objects"), list):
        raise SchemaError("this is no snapshot of Sendoka", where=where, todo=_BROKEN)
    if version > FORMAT:
        raise SchemaError(
            f"the snapshot has format {version}, and this Sendoka knows {FORMAT}",
            where=where,
            todo="install the newest Sendoka",
        )
    return dict(document)


def _objects(lines: Sequence[Line], where: str) -> Iterator[Object]:
    """Yield the objects of the lines, in order; those of one kind are read together."""
    texts: dict[str, list[str]] = {}
    for name, rest in lines:
        if not isinstance(name, str) or name not in kinds_by_name():
            raise SchemaError(f"the snapshot has a kind of object unknown here: {name!r}", where=where, todo=_BROKEN)
        texts.setdefault(name, []).append(rest)
    read = {name: iter(loaded_all(kinds_by_name()[name], some, where)) for name, some in texts.items()}
    return (next(read[str(name)]) for name, _ in lines)
