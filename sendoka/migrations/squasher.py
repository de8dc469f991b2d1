"""`squash`: many files as one, which stands for them in the chain, proved to do the same before it is written."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.errors import AnswerMissing, MigrationError, MissingMigration, SettingsError
from sendoka.migrations.called import called
from sendoka.migrations.failure import place
from sendoka.migrations.files import Migration, parse, render
from sendoka.migrations.folder import read_folder
from sendoka.migrations.header import Replaced
from sendoka.migrations.names import file_name, two_words
from sendoka.migrations.replay import Empty, rehearse
from sendoka.migrations.seeds import filled_tables, read_seeds
from sendoka.migrations.snapshots import snapshot_path
from sendoka.schema.diff import diff
from sendoka.schema.from_catalog import model_from_catalog
from sendoka.schema.from_snapshot import read_snapshot
from sendoka.schema.model import Model
from sendoka.schema.plan import plan

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from sendoka.migrations.seeds import Seeds

__all__ = ["Playground", "Requirement", "Squash", "squash", "write_squash"]


Playground = Callable[[], AbstractAsyncContextManager[Empty]]
"""Gives an empty database that is nobody's."""

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Requirement:
    """A backfill that a replaced file requires, and the one file cannot: in a new database nobody could have run it.

    `tables` are those in which the files before it have put rows, which it could change; without rows it does nothing.
    """

    migration: str
    backfill: str
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Squash:
    """One file for many, not written yet: what it replaces, the files that go, and those that come.

    `seeded` counts the rows it carries, by table; `adopted` is the row of drizzle's that the first file stood for, and
    `dropped` are the requirements that end with the files.
    """

    migration: Migration
    replaced: tuple[Migration, ...]
    snapshot: bytes
    seeded: tuple[tuple[str, int], ...]
    adopted: str | None
    dropped: tuple[Requirement, ...]


async def squash(
    migrations: Path,
    playground: Playground,
    *,
    to: str | None = None,
    name: str | None = None,
    without: Collection[str] = (),
) -> Squash:
    """Return one file for all up to `to` (a name, a number or words; by default the newest), and write nothing.

    All of them are run in one empty database, and the one in another: schema, rows and sequences must be equal. What
    the files do beside that, to roles or to other databases, is not seen. `name` replaces the two words; `without`
    names required backfills that may be left out, though they find rows that the files put in.

    Raises SettingsError for a file or a backfill that is not there, SchemaError for a snapshot that is not whole,
    AnswerMissing for a backfill that finds rows, MigrationError where there is nothing to squash, where the files make
    what no plan makes again, and where the two are not equal; else what the folder or the exchange raises.
    """
    files = read_folder(migrations)
    replaced = files if to is None else files[: files.index(called(files, to, "--to")) + 1]
    if len(replaced) < 2:
        raise MigrationError(
            "there is nothing to squash: it takes two files at least",
            todo="name a later one with --to" if len(files) > len(replaced) else "",
        )
    last = replaced[-1]
    snapshot = snapshot_path(migrations, last.name)
    if not snapshot.is_file():
        raise MissingMigration(
            f"{snapshot.parent.name}/{snapshot.name} is missing: the schema after {last.name} is not known",
            todo="squash up to a file that has its snapshot: of several that were generated at once the last has",
        )
    read_snapshot(snapshot)  # it goes on as that of the one file, and must be whole
    _refuse_unknown(without, replaced)
    made, seeds, dropped = await _after(playground, replaced)
    _refuse_unanswered(dropped, without)
    migration = _drafted(replaced, made, seeds, name)
    again, seeds_again, _ = await _after(playground, [migration])
    _prove(made, again, seeds, seeds_again)
    return Squash(
        migration=migration,
        replaced=tuple(replaced),
        snapshot=snapshot.read_bytes(),
        seeded=tuple((".".join(table), len(rows)) for table, _, rows in seeds.rows),
        adopted=replaced[0].adopts.name if replaced[0].adopts else None,
        dropped=tuple(dropped),
    )


def _refuse_unknown(without: Collection[str], replaced: Sequence[Migration]) -> None:
    known = {name for file in replaced for name in file.requires}
    for name in without:
        if name not in known:
            raise SettingsError(
                f"--without-backfill {name}: none of the files that go requires it",
                todo=f"they require {', '.join(sorted(known))}" if known else "leave it out",
            )


def _refuse_unanswered(dropped: Sequence[Requirement], without: Collection[str]) -> None:
    """Raise AnswerMissing for backfills that change rows of a new database, where nobody said that they need not."""
    asked = [each for each in dropped if each.tables and each.backfill not in without]
    if asked:
        names = list(dict.fromkeys(each.backfill for each in asked))
        raise AnswerMissing(
            "one file cannot wait for a backfill, and the files that go require one where there are rows already",
            where="\n".join(
                f"{each.migration}.sql requires {each.backfill}, and the files before it put rows into "
                f"{', '.join(each.tables)}"
                for each in asked
            ),
            todo="where these rows are right in a new database without it, say so: "
            f"{' '.join(f'--without-backfill {name}' for name in names)}; else squash up to an earlier file, with --to",
            questions=tuple(
                {"question": f"may {name} be left out", "answers": [["--without-backfill", name]]} for name in names
            ),
        )


async def _after(playground: Playground, files: Sequence[Migration]) -> tuple[Model, Seeds, list[Requirement]]:
    """Return the schema and the rows that files make in an empty database, and what of backfills they require."""
    required: list[Requirement] = []
    async with playground() as empty:
        for file in files:
            if file.requires:
                filled = await filled_tables(empty.sql, await model_from_catalog(empty.sql))
                tables = tuple(each.id.address for each in filled)
                required += [Requirement(file.name, name, tables) for name in file.requires]
            failed = await rehearse(empty, file)
            if failed is not None:
                raise MigrationError(
                    f"{file.name}.sql cannot be run from nothing: {failed.said}",
                    where=place(file.statements, failed.number),
                    todo="`sendoka check --replay` runs them all; squash up to the file before it, with --to",
                )
        made = await model_from_catalog(empty.sql)
        return made, await read_seeds(empty.sql, made), required


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

    The new file is there whole before an old one goes, so nothing is ever lost. What a crash leaves is a squash beside
    files that it replaces: `check` and `rebase` say that these are to be deleted.
    """
    path = migrations / f"{found.migration.name}.sql"
    snapshot = snapshot_path(migrations, found.migration.name)
    waiting = path.with_suffix(".sql.new")
    snapshot.write_bytes(found.snapshot)
    waiting.write_text(found.migration.text, encoding="utf-8", newline="\n")
    waiting.replace(path)
    for each in found.replaced:
        (migrations / f"{each.name}.sql").unlink()
        snapshot_path(migrations, each.name).unlink(missing_ok=True)
    return path, snapshot
