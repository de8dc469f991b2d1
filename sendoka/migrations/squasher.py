"""`squash`: many files as one, which stands for them in the chain, proved to do the same before it is written."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.errors import MigrationError, MissingMigration, SettingsError
from sendoka.migrations.called import called
from sendoka.migrations.failure import place
from sendoka.migrations.files import Migration, parse, render
from sendoka.migrations.folder import read_folder
from sendoka.migrations.generator import snapshot_path
from sendoka.migrations.header import Replaced
from sendoka.migrations.names import file_name, two_words
from sendoka.migrations.replay import Empty, rehearse
from sendoka.migrations.seeds import read_seeds
from sendoka.schema.diff import diff
from sendoka.schema.from_catalog import model_from_catalog
from sendoka.schema.model import Model
from sendoka.schema.plan import plan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sendoka.migrations.seeds import Seeds

__all__ = ["Playground", "Squash", "squash", "write_squash"]


Playground = Callable[[], AbstractAsyncContextManager[Empty]]
"""Gives an empty database that is nobody's."""

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Squash:
    """One file for many, not written yet: what it replaces, the files that go, and those that come.

    `seeded` counts the rows it carries, by table; `adopted` is the row of drizzle's that the first file stood for.
    """

    migration: Migration
    replaced: tuple[Migration, ...]
    snapshot: bytes
    seeded: tuple[tuple[str, int], ...]
    adopted: str | None


async def squash(migrations: Path, playground: Playground, *, to: str | None = None, name: str | None = None) -> Squash:
    """Return one file for all up to `to` (a name, a number or words; by default the newest), and write nothing.

    All of them are run in one empty database, and the one in another: schema, rows and sequences must be equal. What
    the files do beside that, to roles or to other databases, is not seen. `name` replaces the two words.

    Raises SettingsError for a file that is not there, MigrationError where there is nothing to squash, where the files
    make what no plan makes again, and where the two are not equal; else what the folder or the exchange raises.
    """
    files = read_folder(migrations)
    replaced = files if to is None else files[: files.index(called(files, to, "--to")) + 1]
    if len(replaced) < 2:
        raise MigrationError(
            "there is nothing to squash: it takes two files at least", todo="name a later one with --to"
        )
    last = replaced[-1]
    snapshot = snapshot_path(migrations, last.name)
    if not snapshot.is_file():
        raise MissingMigration(
            f"{snapshot.parent.name}/{snapshot.name} is missing: the schema after {last.name} is not known",
            todo="squash up to a file that has its snapshot: of several that were generated at once the last has",
        )
    made, seeds = await _after(playground, replaced)
    migration = _drafted(replaced, made, seeds, name)
    again, seeds_again = await _after(playground, [migration])
    _prove(made, again, seeds, seeds_again)
    return Squash(
        migration=migration,
        replaced=tuple(replaced),
        snapshot=snapshot.read_bytes(),
        seeded=tuple((".".join(table), len(rows)) for table, _, rows in seeds.rows),
        adopted=replaced[0].adopts.name if replaced[0].adopts else None,
    )


async def _after(playground: Playground, files: Sequence[Migration]) -> tuple[Model, Seeds]:
    """Return the schema and the rows that files make in an empty database."""
    async with playground() as empty:
        for file in files:
            failed = await rehearse(empty, file)
            if failed is not None:
                raise MigrationError(
                    f"{file.name}.sql cannot be run from nothing: {failed.said}",
                    where=place(file.statements, failed.number),
                    todo="`sendoka check --replay` runs them all; squash up to the file before it, with --to",
                )
        made = await model_from_catalog(empty.sql)
        return made, await read_seeds(empty.sql, made)


def _drafted(replaced: Sequence[Migration], made: Model, seeds: Seeds, name: str | None) -> Migration:
    last = replaced[-1]
    steps = plan(diff(Model(), made))
    if len(steps.transactions) > 1:
        raise MigrationError(
            "the schema takes several transactions to make, and a squashed file is one",
            todo="squash up to an earlier file, with --to",
        )
    statements = [f"{step.text};" for step in steps.steps] + seeds.statements()
    first = replaced[0].replaces.first if replaced[0].replaces else replaced[0].name
    replaces = Replaced(first, last.as_parent.name, last.checksum)
    words = name if name is not None else two_words("\n".join([last.checksum, *statements]))
    full = file_name(last.number, words)
    if any(full == file.name for file in replaced):
        raise SettingsError(f"{full} is the name of a file that goes", todo="choose other words: --name WORDS")
    migration = parse(full, render(full, None, statements, (), replaces=replaces))
    if migration.statements != statements:
        raise MigrationError(
            "a text of the schema holds a line that reads as a breakpoint, which a file cannot keep",
            todo="squash up to the file before the one that made it, with --to",
        )
    return migration


def _prove(made: Model, again: Model, seeds: Seeds, seeds_again: Seeds) -> None:
    """Raise MigrationError unless both ways made the same, the rows and what is not managed included."""
    changes = diff(made, again)
    differing = [str(each.id) for each in (*changes.dropped, *changes.created)]
    differing += [str(each.new.id) for each in changes.altered]
    differing += [str(each.new) for each in changes.renamed]
    differing += sorted(set(made.unmanaged) ^ set(again.unmanaged))
    if seeds.rows != seeds_again.rows:
        differing.append("rows")
    if seeds.views != seeds_again.views:
        differing.append("rows of materialized views")
    if seeds.counters != seeds_again.counters:
        differing.append("where sequences stand")
    if differing:
        more = f" and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
        raise MigrationError(
            f"one file cannot do what the many do; it differs in {', '.join(differing[:_SHOWN])}{more}",
            where="nothing was written",
            todo="squash up to the file before the one that makes it, with --to",
        )


def write_squash(found: Squash, migrations: Path) -> tuple[Path, ...]:
    """Put the one file in the place of the many, and return what was written. Raises OSError where it cannot.

    The new file comes under its own name once the old ones are gone; what a crash in between leaves is not a whole
    folder, `check` says so, and version control has all of it.
    """
    path = migrations / f"{found.migration.name}.sql"
    snapshot = snapshot_path(migrations, found.migration.name)
    waiting = path.with_suffix(".sql.new")
    snapshot.write_bytes(found.snapshot)
    waiting.write_text(found.migration.text, encoding="utf-8", newline="\n")
    for each in found.replaced:
        (migrations / f"{each.name}.sql").unlink()
        snapshot_path(migrations, each.name).unlink(missing_ok=True)
    waiting.rename(path)
    return path, snapshot
