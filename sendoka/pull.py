"""The schema of a database as files: what is written, what is left alone, and whether it reads back as it was."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sendoka.discover import forget, module_names
from sendoka.errors import SchemaError, SettingsError
from sendoka.schema.diff import diff
from sendoka.schema.from_python import model_from_folder
from sendoka.schema.to_python import source_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sendoka.schema.model import Model

__all__ = ["Pulled", "pulled", "write"]

_SHOWN = 5
"""How many names an error lists; more are counted."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """The files that a schema makes in `folder`, by name: `new` ones, `changed` ones that are there with another text,
    and `unchanged` ones.

    `others` are files of the folder that are no part of it and are read as well. `notes` say what the files have
    otherwise than the schema, `unmanaged` what of the database they do not hold.
    """

    folder: Path
    files: Mapping[str, str]
    new: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    others: tuple[str, ...]
    notes: tuple[str, ...]
    unmanaged: tuple[str, ...]


def pulled(model: Model, folder: Path) -> Pulled:
    """Return what pulling `model` into `folder` does, without doing it.

    Raises SettingsError where the folder is a file or cannot be read.
    """
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"{folder} is a file", todo="give a folder, which is made where it is missing")
    source = source_of(model)
    there = {name: _text(folder / name) for name in source.files}
    equal = {name for name, text in there.items() if text == source.files[name]}
    modules = {f"{name}.py" for name in module_names(folder)} if folder.is_dir() else set()
    return Pulled(
        folder=folder,
        files=source.files,
        new=tuple(name for name, text in there.items() if text is None),
        changed=tuple(name for name, text in there.items() if text is not None and name not in equal),
        unchanged=tuple(name for name in there if name in equal),
        others=tuple(sorted(modules - set(source.files))),
        notes=(*source.notes, *_differences(model, source.files)),
        unmanaged=model.unmanaged,
    )


def _text(file: Path) -> str | None:
    """Return what a file holds, line breaks as they are; None where there is none."""
    try:
        return file.read_bytes().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from error


def _differences(model: Model, files: Mapping[str, str]) -> list[str]:
    """Return what of a schema is another one once its files are read again: nothing, or it is said by name."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "schema"
        folder.mkdir()
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8", newline="\n")
        try:
            again = model_from_folder(folder)
        except SchemaError as error:
            return [f"the files cannot be read again: {error.what}"]
        finally:
            forget(folder)
    changes = diff(model, again)
    altered = [
        each.new for each in changes.altered if each.changed != {"invalid"}
    ]  # a failed build's is named by itself
    found = sorted({each.id for each in (*changes.dropped, *changes.created, *altered)})
    return [f"{key} reads otherwise than the database has it" for key in found]


def write(found: Pulled, *, force: bool = False) -> None:
    """Write the files. Nothing is overwritten, and nothing put beside files of another schema, unless `force`.

    Raises SettingsError for a folder that holds any, before anything is written, and where a file cannot be written.
    """
    if not force:
        _refuse(found.changed, found.folder, "there already, and not what the database has", "overwrites them")
        _refuse(found.others, found.folder, "of another schema, and would be read with it", "leaves them there")
    try:
        found.folder.mkdir(parents=True, exist_ok=True)
        for name in (*found.new, *found.changed):
            (found.folder / name).write_text(found.files[name], encoding="utf-8", newline="\n")
    except OSError as error:
        raise SettingsError(f"{error.filename} cannot be written: {error.strerror}") from error


def _refuse(names: tuple[str, ...], folder: Path, why: str, forced: str) -> None:
    if names:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        are = "are" if len(names) > 1 else "is"
        raise SettingsError(
            f"{', '.join(names[:_SHOWN])}{more} {are} {why}",
            where=f"in {folder}; nothing was written",
            todo=f"give an empty folder with --to, or --force, which {forced}",
        )
