"""Every hazard that has a name of its own: what it is, which lock it takes, and what happens to the rows meanwhile.

The locks were measured on a table in use. They are those of tables that were there before: what a plan makes itself is
nobody's yet, and has no hazards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sendoka.schema.kinds import kinds_by_name
from sendoka.schema.model import Member
from sendoka.schema.step import Lock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sendoka.schema.step import Hazard, Place

__all__ = ["EXCLUSIVE", "HAZARDS", "Known", "known", "located"]

EXCLUSIVE = "ACCESS EXCLUSIVE"
_NO_WRITES = "SHARE"
_NO_WRITES_ON_BOTH = "SHARE ROW EXCLUSIVE"
_HARMLESS = "SHARE UPDATE EXCLUSIVE"


@dataclass(frozen=True, slots=True)
class Known:
    """What all hazards of one name share. `lock` is a mode of Postgres, empty where no table is locked.

    `rows` is what happens to the rows under it: they are `read`, `written`, or, where it is empty, not touched.
    `instead` says what to do on a table that is large or in use.
    """

    does: str
    lock: str = ""
    rows: str = ""
    instead: str = ""


HAZARDS: Mapping[str, Known] = {
    "add-check": Known(
        "a check is added to a table that may hold rows; it fails on a row that breaks it",
        EXCLUSIVE,
        "read",
        "NOT VALID now, VALIDATE in the next file: `--online`",
    ),
    "add-enum-value": Known(
        "an enum gets a value; Postgres can never remove one in place, and code that does not know it may meet it",
        instead="a file of its own, before what uses it: so it is written",
    ),
    "add-exclusion": Known(
        "an exclusion constraint is added to a table that may hold rows; it fails on two rows that meet",
        EXCLUSIVE,
        "read",
        "there is no other way to add it: make a new table with it, and let a backfill fill that",
    ),
    "add-foreign-key": Known(
        "a foreign key is added to a table that may hold rows; it fails on a row that points at nothing",
        _NO_WRITES_ON_BOTH,
        "read",
        "NOT VALID now, VALIDATE in the next file: `--online`",
    ),
    "add-index": Known(
        "an index is built on a table that may hold rows",
        _NO_WRITES,
        "read",
        "CREATE INDEX CONCURRENTLY in a file without a transaction: `--online`",
    ),
    "add-primary-key": Known(
        "a primary key is added to a table that may hold rows; it fails on equal values and on none",
        EXCLUSIVE,
        "read",
        "the index concurrently, then the constraint USING INDEX: `--online`",
    ),
    "add-unique": Known(
        "a unique constraint is added to a table that may hold rows; it fails on equal values",
        EXCLUSIVE,
        "read",
        "the index concurrently, then the constraint USING INDEX: `--online`",
    ),
    "attach": Known(
        "a table becomes a partition or a child of another one, or a partition one for another bound",
        EXCLUSIVE,
        "read",
        "a check of the new bound, validated before, spares the reading",
    ),
    "change-type": Known(
        "a type becomes another one, and values may be cut, rounded, read differently or refused",
        EXCLUSIVE,
        "written",
        "a new column, a backfill that fills it, and the names swapped",
    ),
    "constrain-domain": Known(
        "a domain gets a condition; it fails on a value that does not fit",
        _NO_WRITES,
        "read",
        "NOT VALID now, VALIDATE in the next file",
    ),
    "detach": Known(
        "a table lets go of the one that it is a partition or a child of: queries of that one see its rows no more",
        EXCLUSIVE,
        "",
        "DETACH PARTITION … CONCURRENTLY, by a connection of your own",
    ),
    "drop-composite-type": Known("a composite type is dropped; no column has it any more"),
    "drop-domain": Known("a domain is dropped; no column has it any more"),
    "drop-enum": Known("an enum is dropped; no column has it any more"),
    "drop-statistics": Known("a statistics object is dropped, and plans may change", _HARMLESS),
    "drop-attribute": Known("an attribute of a composite type is dropped with all its values"),
    "drop-column": Known(
        "a column is dropped with all its values, unless it is a rename",
        EXCLUSIVE,
        "",
        "`--rename` where it has another name now; else a release that no longer reads it comes first",
    ),
    "drop-enum-value": Known(
        "an enum loses a value: the type is made anew, and its columns move over; it fails if a row holds the value",
        EXCLUSIVE,
        "written",
        "leave the value, and give rows another one",
    ),
    "drop-foreign-key": Known(
        "a foreign key is dropped: the table that it points at is locked as well",
        EXCLUSIVE,
        "",
        "it takes a moment, and waits for every reader of both tables: choose a quiet one",
    ),
    "drop-index": Known(
        "an index is dropped, and queries that used it read the whole table",
        EXCLUSIVE,
        "",
        "look whether it is used, then DROP INDEX CONCURRENTLY",
    ),
    "drop-table": Known(
        "a table is dropped with all its rows, unless it is a rename",
        EXCLUSIVE,
        "",
        "`--rename` where it has another name now; else give it another name first, and drop it when nobody missed it",
    ),
    "made-anew": Known("something is dropped and made again: privileges that were granted on it are gone"),
    "not-null": Known(
        "a column of a table that may hold rows must have a value; it fails on a row without one",
        EXCLUSIVE,
        "read",
        "a backfill first; then a check NOT VALID, VALIDATE, and SET NOT NULL, which reads nothing any more",
    ),
    "rename-column": Known(
        "a column gets another name; code that says the old one fails at once",
        EXCLUSIVE,
        "",
        "a new column, code that writes both, a backfill, and the old one dropped later",
    ),
    "rename-index": Known("an index gets another name; nobody waits for that"),
    "rename-table": Known(
        "a table gets another name; code that says the old one fails at once",
        EXCLUSIVE,
        "",
        "a view of the old name in the same transaction, dropped later",
    ),
    "revoke": Known("a privilege is taken away; what needs it fails from then on"),
    "rewrite": Known(
        "every row is written again: another type, a volatile default, a stored generated column, identity, LOGGED",
        EXCLUSIVE,
        "written",
        "a column without it, and a backfill that fills it",
    ),
    "validate": Known(
        "a constraint that counted for new rows alone comes to count for all; it fails on a row that breaks it",
        _HARMLESS,
        "read",
    ),
}
"""What the names mean. A name is never given another meaning: allowances in the headers of migrations hold them."""


def known(name: str) -> Known:
    """Return what all hazards of a name share; `drop-…` and `rename-…` of any kind have theirs."""
    found = HAZARDS.get(name)
    if found is not None:
        return found
    does, _, called = name.partition("-")
    kind = kinds_by_name().get(called)
    if does not in _DONE or (kind is None and called != "enum-value"):
        raise LookupError(f"the hazard {name} is in no list")
    noun = _NOUNS.get(called, called.replace("-", " "))
    on_a_table = kind is not None and (issubclass(kind.holds, Member) or kind.holds.is_relation)
    return Known(f"{'an' if noun[0] in 'aei' else 'a'} {noun} {_DONE[does]}", EXCLUSIVE if on_a_table else "")


_DONE = {
    "drop": "is dropped",
    "move": "gets another namespace; what says the old one fails at once",
    "rename": "gets another name; what says the old one fails at once",
}
_NOUNS = {"unique": "unique constraint", "exclusion": "exclusion constraint"}


def located(hazard: Hazard, places: tuple[Place, ...]) -> Hazard:
    """Return a hazard with the lock that it takes on the tables at `places`."""
    facts = known(hazard.name)
    if hazard.lock is not None or not facts.lock or not places:
        return hazard
    return replace(hazard, lock=Lock(facts.lock, places, facts.rows))
