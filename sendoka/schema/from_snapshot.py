"""A schema as the file beside a migration has it: versioned JSON, one object a line, in an order that never varies."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from sendoka.errors import SchemaError
from sendoka.schema.kinds import all_kinds, kind_of, kinds_by_name
from sendoka.schema.model import Model
from sendoka.schema.stored import dumped, loaded

if TYPE_CHECKING:
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
    document = _document(text, where)
    objects, heard = document["objects"], document.get("speaks_of", [])
    heard = heard if isinstance(heard, list) else [heard]
    lines = [*map(str, heard), *(json.dumps(each, ensure_ascii=False) for each in objects)]
    if _digest(lines) != document.get("sha256"):
        raise SchemaError("the snapshot was edited: its content is not what its sha256 says", where=where, todo=_BROKEN)
    silent = (kind.name for kind in all_kinds() if kind.may_be_silent and kind.name not in heard)
    return Model.of((_object(each, where) for each in objects), silent=silent)


def _document(text: str, where: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise SchemaError(f"the snapshot is not whole JSON: {error}", where=where, todo=_BROKEN) from error
    version = document.get("snapshot") if isinstance(document, dict) else None
    if type(version) is not int or not isinstance(document.get("objects"), list):
        raise SchemaError("this is no snapshot of Sendoka", where=where, todo=_BROKEN)
    if version > FORMAT:
        raise SchemaError(
            f"the snapshot has format {version}, and this Sendoka knows {FORMAT}",
            where=where,
            todo="install the newest Sendoka",
        )
    return dict(document)


def _object(values: Any, where: str) -> Object:
    name = values.get("kind") if isinstance(values, dict) else None
    kind = kinds_by_name().get(name) if isinstance(name, str) else None
    if kind is None:
        raise SchemaError(f"the snapshot has a kind of object unknown here: {name!r}", where=where, todo=_BROKEN)
    rest = {key: value for key, value in values.items() if key != "kind"}
    return loaded(kind, json.dumps(rest), where)
