"""A folder whose chain may fork: every file with its parent, whatever numbers they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.errors import ChecksumMismatch, ForkedHistory, MissingMigration
from sendoka.migrations.files import parse
from sendoka.migrations.flaw import Flaw
from sendoka.migrations.folder import OnDisk, content_of
from sendoka.migrations.header import number_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sendoka.errors import MigrationError
    from sendoka.migrations.files import Migration, Parent

__all__ = ["Tree", "read_tree"]


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of a folder by number and name, each of which follows one of them.

    `texts` are as they are on disk, line endings and all, by name; `parents` and `followers` are found by name too, the
    first files under an empty one.
    """

    files: tuple[Migration, ...]
    texts: Mapping[str, str]
    parents: Mapping[str, Migration | None]
    followers: Mapping[str, Sequence[Migration]]

    def children(self, of: Migration | None) -> Sequence[Migration]:
        """Return the files that follow another one; for None, the first ones."""
        return self.followers.get("" if of is None else of.name, ())

    def path(self, to: Migration) -> list[Migration]:
        """Return the chain from the first file to this one."""
        found = [to]
        while (parent := self.parents[found[-1].name]) is not None:
            found.append(parent)
        return found[::-1]

    def below(self, of: Migration) -> Iterator[Migration]:
        """Yield a file and all that follow it, parents first."""
        waiting = [of]
        while waiting:
            yield (each := waiting.pop())
            waiting += reversed(self.children(each))

    def deepest(self, names: Container[str]) -> list[Migration]:
        """Return the longest chain that ends in a file with one of these names."""
        depths: dict[str, int] = {"": 0}
        for root in self.children(None):
            for each in self.below(root):
                parent = self.parents[each.name]
                depths[each.name] = depths["" if parent is None else parent.name] + 1
        found = [each for each in self.files if each.name in names]
        return self.path(max(found, key=lambda each: depths[each.name])) if found else []

    def is_chain(self, names: Container[str]) -> bool:
        """Tell whether no two of these files, of those that are here, are in different branches."""
        chain = {each.name for each in self.deepest(names)}
        return all(each.name in chain for each in self.files if each.name in names)

    @property
    def forks(self) -> bool:
        """Whether any file, or the beginning, is followed by more than one."""
        return any(len(each) > 1 for each in self.followers.values())


def read_tree(folder: Path) -> Tree:
    """Return the files of a folder, each of which follows another one of it.

    Raises InvalidMigration for a file that breaks the format, ForkedHistory for a squash beside what it replaces,
    MissingMigration and ChecksumMismatch for a file whose parent is not there, or is not what it was.
    """
    content = OnDisk(folder)
    texts = {path.stem: _text(path.stem, content) for path in folder.glob("*.sql") if not path.name.startswith(".")}
    parsed = [parse(name, text) for name, text in texts.items()]
    files = tuple(sorted(parsed, key=lambda each: (each.number, each.name)))
    _refuse_replaced(files)
    known = {each.as_parent: each for each in files}
    parents: dict[str, Migration | None] = {}
    followers: dict[str, list[Migration]] = {}
    for each in files:
        parent = None if each.parent is None else known.get(each.parent)
        if parent is None and each.parent is not None:
            raise _parentless(each, each.parent, files)
        parents[each.name] = parent
        followers.setdefault("" if parent is None else parent.name, []).append(each)
    return Tree(files, texts, parents, followers)


def _text(name: str, files: OnDisk) -> str:
    content = content_of(name, files)
    if isinstance(content, Flaw):
        raise content.error
    return content


def _refuse_replaced(files: Sequence[Migration]) -> None:
    """Raise ForkedHistory for a squash beside the last file that it replaces: none of them follows any other."""
    for squash in (each for each in files if each.replaces is not None):
        for last in files:
            if last.replaces is None and last.checksum == squash.checksum:
                raise ForkedHistory(
                    f"{squash.name}.sql stands for all up to {last.name}.sql, which is beside it",
                    where="a squash that was cut off leaves its folder so",
                    todo=f"delete the files up to {last.name}.sql, each with its snapshot; or delete {squash.name}.sql",
                )


def _parentless(migration: Migration, parent: Parent, files: Iterable[Migration]) -> MigrationError:
    number = number_of(parent.name) or 0
    for each in files:
        if each.as_parent.name == parent.name:
            return ChecksumMismatch(
                f"{each.name}.sql was edited after {migration.name}.sql was made on top of it",
                where=f"expected sha256:{parent.checksum[:12]}…, the file has sha256:{each.checksum[:12]}…",
                todo="restore the file (git checkout) and put the change into a new migration",
            )
        if each.replaces is not None and number <= each.number:
            return MissingMigration(
                f"{migration.name}.sql follows {parent.name}, which {each.name}.sql replaces by now",
                todo=f"the schema before it is not known any more: delete {migration.name}.sql and its snapshot, "
                "and `sendoka generate` again",
            )
    return MissingMigration(
        f"{migration.name}.sql follows {parent.name}, which is not in the folder",
        todo=f"restore {parent.name}.sql; a migration is never deleted or renamed",
    )
