"""`rebase`: after a merge, what one branch added follows what the other one did."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.errors import AnswerMissing, ForkedHistory, MissingMigration
from sendoka.migrations.called import called
from sendoka.migrations.files import parse
from sendoka.migrations.names import file_name
from sendoka.migrations.remade import remade
from sendoka.migrations.snapshots import newest_model, snapshot_path
from sendoka.schema.from_snapshot import read_snapshot, snapshot_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from sendoka.migrations.files import Migration
    from sendoka.migrations.tree import Tree
    from sendoka.schema.model import Model
    from sendoka.schema.threeway import Replayed

__all__ = ["Move", "Rebase", "rebase", "write"]

_HEAD = re.compile(r"(\ufeff?)[^\r\n]*(\r\n|\n|\r)[^\r\n]*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Move:
    """A file under its new name: `text` is what is written, `snapshot` the schema after it, where it has one."""

    old: Migration
    new: Migration
    text: str
    snapshot: str | None


@dataclass(frozen=True, slots=True)
class Rebase:
    """What a rebase does, not done yet.

    `kept` is the chain that stays, oldest first, and `moves` follow its last. `leftovers` are files that a rebase which
    was cut off had written under their new name already, with that: they only go. `notes` are for a person.
    """

    kept: tuple[Migration, ...]
    moves: tuple[Move, ...]
    leftovers: tuple[tuple[Migration, Migration], ...] = ()
    notes: tuple[str, ...] = ()


def rebase(folder: Path, tree: Tree, fixed: Mapping[str, str], keep: str | None = None) -> Rebase | None:
    """Return how the chain becomes one again; None where it is one, and nothing written.

    `fixed` are the files that stay, by name, with the reason: `on origin/main`. `keep` is a file that stays as well.
    Raises AnswerMissing where neither tells which side stays, ForkedHistory where files of both must, or where both
    sides changed the same, and MissingMigration for a snapshot that is not there.
    """
    if not tree.forks:
        return None
    kept = _kept(tree, fixed, None if keep is None else called(tree.files, keep, "--keep"))
    return _Rebasing(folder, tree, kept, fixed).done()


def write(found: Rebase, folder: Path) -> tuple[list[Path], list[Path]]:
    """Write the new files, then remove the old ones; return both. Raises OSError where it cannot.

    A file is whole or not there. What a crash leaves has two children of one parent, as before: `check` finds it, and
    the next rebase goes on from there.
    """
    snapshots = [(move.new.name, move.snapshot) for move in found.moves if move.snapshot is not None]
    added = [_put(snapshot_path(folder, name), text) for name, text in snapshots]
    added += [_put(folder / f"{move.new.name}.sql", move.text) for move in found.moves]
    removed = []
    for old in reversed([*(old for old, _ in found.leftovers), *(move.old for move in found.moves)]):
        for path in (snapshot_path(folder, old.name), folder / f"{old.name}.sql"):
            if path.is_file():
                path.unlink()
                removed.append(path)
    return added, removed


def _put(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(text.encode())
    return beside.replace(path)


# ------------------------------------------------------------------ which side stays


def _kept(tree: Tree, fixed: Mapping[str, str], keep: Migration | None) -> list[Migration]:
    """Return the chain that stays: what must, and what follows it alone."""
    chain = _fixed_chain(tree, fixed)
    wanted = set() if keep is None else {each.name for each in tree.path(keep)}
    while children := tree.children(chain[-1] if chain else None):
        chosen = [each for each in children if len(children) == 1 or each.name in wanted]
        if not chosen:
            raise _asks(tree, children)
        chain += chosen
    if keep is not None and keep not in chain:
        other = next(each for each in reversed(chain) if each.name in fixed)
        raise ForkedHistory(
            f"{keep.name}.sql cannot stay where it is: {other.name}.sql is {fixed[other.name]}",
            todo="leave --keep out: the file that is applied or merged stays, and the other one follows it",
        )
    return chain


def _fixed_chain(tree: Tree, fixed: Mapping[str, str]) -> list[Migration]:
    chain = tree.deepest(fixed)
    names = {each.name for each in chain}
    for each in tree.files:
        if each.name in fixed and each.name not in names:
            one, other = chain[-1].name, each.name
            raise ForkedHistory(
                f"neither side can be moved: {one}.sql is {fixed[one]}, and {other}.sql is {fixed[other]}",
                where="nothing was written",
                todo="an applied file is never moved. Where that database is one for development, make it anew, or "
                "leave it out with --offline; else the main branch must take over what is applied",
            )
    return chain


def _asks(tree: Tree, children: Sequence[Migration]) -> AnswerMissing:
    names = [each.name for each in children]
    lines = " or ".join(f"--keep {name}" for name in names)
    return AnswerMissing(
        f"nothing tells which of {' and '.join(f'{name}.sql' for name in names)} was there first: nothing was written",
        where="none of them is on the main branch that Git knows, nor in the database that was asked",
        todo=f"say which one stays: {lines}; or which branch has it: --onto REF",
        questions=(
            {
                "question": "which one stays, and the others follow it",
                "answers": [["--keep", each.name] for each in children],
            },
        ),
    )


# ------------------------------------------------------------------ what follows it


class _Rebasing:
    """The moves so far: the newest file, the schema after it, and the names that are taken."""

    def __init__(self, folder: Path, tree: Tree, kept: list[Migration], fixed: Mapping[str, str]) -> None:
        self.folder, self.tree, self.kept, self.fixed = folder, tree, kept, fixed
        self.stays = {each.name for each in kept}
        self.newest = kept[-1]
        self.model = newest_model(folder, kept)
        self.taken = {each.name for each in tree.files}
        self.moves: list[Move] = []
        self.leftovers: list[tuple[Migration, Migration]] = []
        self.notes: list[str] = []

    def done(self) -> Rebase:
        for old in self._moved():
            twin = self._written(old)
            if twin is None:
                self._move(old)
            else:
                self.leftovers.append((old, twin))
        return Rebase(tuple(self.kept), tuple(self.moves), tuple(self.leftovers), tuple(self.notes))

    def _moved(self) -> Iterator[Migration]:
        for each in (None, *self.kept):
            for child in self.tree.children(each):
                if child.name not in self.stays:
                    yield from self.tree.below(child)

    def _written(self, old: Migration) -> Migration | None:
        """Return what a rebase that was cut off has made of a file; what is merged or applied is never that."""
        for each in self.kept:
            if each.name not in self.fixed and each.number > old.number and _body(each) == _body(old):
                return each
        return None

    def _move(self, old: Migration) -> None:
        if old.replaces is not None or old.adopts is not None:
            raise ForkedHistory(
                f"{old.name}.sql stands for others, and can follow none: {self.newest.name}.sql would come before it",
                todo=f"where it is the one to stay, say so: --keep {old.name}",
            )
        root = self.kept[0]
        if root.replaces is not None and old.number <= root.number:
            raise ForkedHistory(
                f"{old.name}.sql is beside {root.name}.sql, which stands for all up to its number",
                todo=f"delete {old.name}.sql and its snapshot: what it does is in {root.name}.sql",
            )
        twin = next((each for each in self.kept if each.name in self.fixed and _body(each) == _body(old)), None)
        if twin is not None:
            raise ForkedHistory(
                f"{old.name}.sql does what {twin.name}.sql does already, which is {self.fixed[twin.name]}",
                where="behind it, its statements would run twice; nothing was written",
                todo=f"delete {old.name}.sql and its snapshot; where it is to run twice, give it a name of its own, in "
                "its first line too",
            )
        snapshot = self._snapshot(old)
        name = self._name(old, snapshot)
        text = _retitled(self.tree.texts[old.name], name, self.newest)
        self.newest = parse(name, text)
        self.taken.add(name)
        self.moves.append(Move(old, self.newest, text, snapshot))

    def _name(self, old: Migration, snapshot: str | None) -> str:
        """Return the next name with the file's words; a number is passed over where the name is another file's."""
        words, number = old.name.partition("_")[2], self.newest.number + 1
        while file_name(number, words) in self.taken or self._is_anothers(file_name(number, words), snapshot):
            number += 1
        return file_name(number, words)

    def _is_anothers(self, name: str, snapshot: str | None) -> bool:
        path = snapshot_path(self.folder, name)
        return path.is_file() and path.read_text(encoding="utf-8") != snapshot

    def _snapshot(self, old: Migration) -> str | None:
        """Return the snapshot after the file in its new place; None for the first of several generated at once."""
        path = snapshot_path(self.folder, old.name)
        if not path.is_file():
            if not self.tree.children(old):
                raise _no_snapshot(path, old)
            return None
        before, group = self._before(old)
        found = remade(group, before, read_snapshot(path), self.model)
        if found.conflicts or found.others:
            raise self._parted(old, group, found)
        if not found.changes and any(each.statements for each in group):
            self.notes.append(
                f"{old.name}.sql holds SQL of its own, which stays as it is: read it again beside what was merged"
            )
        self.model = found.model
        return snapshot_of(found.model)

    def _before(self, old: Migration) -> tuple[Model, list[Migration]]:
        """Return the schema before a file and those that were generated with it, and these files."""
        group, parent = [old], self.tree.parents[old.name]
        while parent is not None:
            path = snapshot_path(self.folder, parent.name)
            if path.is_file():
                return read_snapshot(path), group
            if parent.name in self.stays:
                raise _no_snapshot(path, parent)
            group, parent = [parent, *group], self.tree.parents[parent.name]
        return newest_model(self.folder, ()), group

    def _parted(self, old: Migration, group: Sequence[Migration], found: Replayed) -> ForkedHistory:
        names = [f"{each.name}.sql" for each in group]
        files = ", ".join([*names, snapshot_path(self.folder, old.name).name])
        return ForkedHistory(
            f"{', '.join(names)} cannot follow {self.newest.name}.sql: both sides changed the same",
            where="\n".join(found.conflicts or found.others),
            todo=f"delete {files} where no database ran them, bring schema/ to what it shall be, and run "
            "`sendoka generate`",
        )


def _no_snapshot(path: Path, migration: Migration) -> MissingMigration:
    return MissingMigration(
        f"{path.parent.name}/{path.name} is missing: the schema after {migration.name}.sql is not known",
        where=str(path),
        todo="restore it from version control; for a file written by hand, copy the snapshot before it",
    )


def _body(migration: Migration) -> tuple[str, str]:
    """Return what of a file a move leaves: its words, and its text below the first two lines."""
    return migration.name.partition("_")[2], migration.text.split("\n", 2)[2]


def _retitled(text: str, name: str, parent: Migration) -> str:
    """Return the text of a file with another name and parent, byte for byte the same below."""
    known = parent.as_parent
    return _HEAD.sub(
        rf"\g<1>-- sendoka: {name}\g<2>-- parent: {known.name} sha256:{known.checksum}\g<3>", text, count=1
    )
