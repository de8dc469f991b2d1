"""The change of migrations made once more, with the answers that their headers keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.errors import InvalidMigration, SettingsError
from sendoka.schema.threeway import replayed, told_renames, turned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.migrations.files import Migration
    from sendoka.schema.model import Model
    from sendoka.schema.threeway import Replayed

__all__ = ["remade", "told"]


def told(group: Sequence[Migration], *, back: bool = False) -> tuple[str, ...]:
    """Return the renames that the headers of `group` keep, as answers `old=new`; with `back` those that undo them."""
    texts = [value for each in group for key, value in each.answers if key == "renamed"]
    return turned(texts) if back else told_renames(texts)


def remade(group: Sequence[Migration], before: Model, after: Model, onto: Model, *, back: bool = False) -> Replayed:
    """Make the change of `group`, which leads from `before` to `after`, on top of `onto`.

    With `back` it leads the other way than the files do. Raises InvalidMigration where a header tells of a rename that
    the snapshots do not show.
    """
    try:
        return replayed(before, after, onto, told(group, back=back))
    except SettingsError as error:
        names = ", ".join(f"{each.name}.sql" for each in group)
        raise InvalidMigration(
            f"{names} and the snapshots beside it do not tell of the same renames",
            where=error.what,
            todo="restore the files and their snapshots from version control (git checkout)",
        ) from error
