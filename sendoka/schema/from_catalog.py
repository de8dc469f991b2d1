"""A schema as a database has it: one question, whatever the size."""

from __future__ import annotations

import hashlib
import json
import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio

from sendoka.database.home import Ours
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import CatalogMoved, DatabaseError, ProgrammingError, SchemaError
from sendoka.schema import census
from sendoka.schema.ground import GROUND
from sendoka.schema.kinds import all_kinds
from sendoka.schema.model import Member, Model
from sendoka.schema.stored import loaded_all
from sendoka.schema.ties import ties_from, ties_query
from sendoka.schema.uncollected import uncollected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database.seam import Database
    from sendoka.database.statement import Cells, Result
    from sendoka.schema.kind import Kind

__all__ = ["Catalog", "catalog_digest", "catalog_moved", "model_from_catalog", "read_catalog"]

_DENIED = "42501"

OLDEST = 14
"""The oldest major version of Postgres that is read."""

# Postgres spells a definition from the catalog as it is now, not as the transaction saw it at its beginning: what was
# dropped meanwhile is an error in these words, or a text that is null.
_GONE = re.compile(r"could not open relation with OID|cache lookup failed for|with OID \d+ does not exist")
_NO_TEXT = re.compile(r'[^\\]":\{\}')
_MOST_READS = 6
_WAIT = 0.05
"""Seconds before a catalog that moved is read again; each wait is about twice the one before."""

# Nothing is found by search path, so every name and every expression comes back qualified. Compiling a question that is
# asked once takes seconds, where a large catalog makes it look costly.
_SETTINGS = (
    "select set_config('search_path', '', true), current_setting('server_version_num')::int / 10000, "
    "set_config('jit', 'off', true), set_config('work_mem', '32MB', true)"
)

# An object as a line. Without nulls it is half as long, and an expression without any text is {}.
_OBJECT = "json_strip_nulls(row_to_json(o))"

_OPTIONS = TransactionOptions(isolation_level="RepeatableRead", read_only=True)


@dataclass(frozen=True, slots=True)
class Catalog:
    """What a database has: its schema, a digest of all that was read of it, and the server's major version.

    The digest is what `catalog_digest` gives in the same database as long as nothing that is managed changes.
    """

    model: Model
    digest: str
    version: int


async def model_from_catalog(database: Database, kinds: Sequence[Kind[Any]] | None = None) -> Model:
    """Return the schema of a database, its expressions in Postgres' own spelling.

    It is read by `kinds`, all of them unless you say otherwise; what none manages is named in `Model.unmanaged`. The
    namespace `sendoka`, Postgres' own and what belongs to an extension are not looked into. Raises SchemaError for a
    server that is too old, CatalogMoved where the schema did not stand still, and what the database raises.
    """
    return (await read_catalog(database, kinds)).model


async def read_catalog(database: Database, kinds: Sequence[Kind[Any]] | None = None) -> Catalog:
    """Return the schema of a database with its digest. Reads, and raises, what `model_from_catalog` does."""
    kinds = all_kinds() if kinds is None else kinds
    for attempt in range(_MOST_READS):
        if attempt:
            await anyio.sleep(_WAIT * 2**attempt * random.uniform(0.5, 1))  # noqa: S311 - no secret
        answer = await _answer(database, kinds)
        if answer is not None:
            with uncollected():
                return _read(kinds, *answer)
    raise CatalogMoved(
        f"the schema was changed while it was read, {_MOST_READS} times in a row",
        todo="try again once what changes it is through: a migration, or a job that makes and drops tables",
    )


def _passing_on(kinds: Sequence[Kind[Any]]) -> list[Kind[Any]]:
    """Return the kinds whose objects a partitioned table passes on to its partitions, under names of their own."""
    return [kind for kind in kinds if kind.inherited]


async def _answer(database: Database, kinds: Sequence[Kind[Any]]) -> list[Result[Cells]] | None:
    """Return the settings, and the answer to `_question`. None where the catalog moved."""
    try:
        results = await database.run_all([Ours(_SETTINGS), Ours(_question(kinds))], _OPTIONS)
    except ProgrammingError as error:
        if catalog_moved(error):
            return None
        if error.sqlstate == _DENIED:
            error.todo = "this role may read only a part of the database: give one that may read all of pg_catalog"
            raise
        # An old catalog lacks columns that are asked for; say why instead of which.
        _check_version(await database.run(Ours(_SETTINGS)), error)
        raise
    except DatabaseError as error:
        if catalog_moved(error):
            return None
        raise
    return None if any(_NO_TEXT.search(cell or "") for cell in results[1].rows[0]) else results


def catalog_moved(error: DatabaseError) -> bool:
    """Tell whether a catalog could not be read because something was dropped meanwhile."""
    return _GONE.search(error.message) is not None


def _read(kinds: Sequence[Kind[Any]], settings: Result[Cells], answer: Result[Cells]) -> Catalog:
    *answers, unmanaged, ties = map(_lines, answer.rows[0])
    read = answers[: len(kinds)]
    objects = (each for kind, lines in zip(kinds, read, strict=True) for each in loaded_all(kind, lines, "the catalog"))
    heirs = zip(_passing_on(kinds), answers[len(kinds) :], strict=True)
    passed = (each for kind, lines in heirs for each in loaded_all(kind, lines, "the catalog"))
    inherited = (each for each in passed if isinstance(each, Member))
    model = Model.of(objects, sorted(map(json.loads, unmanaged)), ties=ties_from(ties), inherited=inherited)
    whole = "\n".join(sorted(line for lines in read for line in lines))
    return Catalog(model, hashlib.sha256(whole.encode()).hexdigest(), int(settings.rows[0][1] or 0))


def catalog_digest() -> str:
    """Return an expression of SQL that is the digest of a database's schema, where the search_path is empty."""
    read = ", ".join(_joined(_OBJECT, f"({kind.catalog})") for kind in all_kinds())
    in_order = "string_agg(line, E'\\n' order by line collate \"C\")"
    digest = f"encode(sha256(convert_to(coalesce({in_order}, ''), 'UTF8')), 'hex')"
    lines = f"unnest(array[{read}]) as kind (cell), string_to_table(cell, E'\\n') as line"
    return f"({_ground(all_kinds())} select {digest} from {lines})"  # noqa: S608 - our constants


def _question(kinds: Sequence[Kind[Any]]) -> str:
    """Return what is asked: a row of a cell for each kind, for what each passes on, for what is not managed, for ties.

    A cell is a text of JSON, an object a line; NULL where there is none. Postgres needs much longer for many questions
    than for one: most of it is planning, and what they stand on is planned and read once.
    """
    claims = {claim for kind in kinds for claim in kind.claims}
    # What nobody claims, and what the claimed has beside its properties.
    uncovered = dict.fromkeys(kind.unmanaged for kind in kinds if kind.unmanaged)
    asked = [
        *((kind.catalog, _OBJECT) for kind in kinds),
        *((kind.inherited, _OBJECT) for kind in _passing_on(kinds)),
        (" union all ".join([census.unclaimed(claims), *uncovered]), "to_json(o.text)"),
        (ties_query(claims), "o.text"),
    ]
    # What has a name is copied less often while it is planned than what stands inside an expression.
    named = [f"asked_{number} as materialized ({select})" for number, (select, _) in enumerate(asked)]
    cells = [_joined(line, f"asked_{number}") for number, (_, line) in enumerate(asked)]
    return f"{_ground(kinds)}, {', '.join(named)} select {', '.join(cells)}"


def _ground(kinds: Sequence[Kind[Any]]) -> str:
    return ", ".join(dict.fromkeys([GROUND, census.GROUND, *(kind.ground for kind in kinds if kind.ground)]))


def _joined(line: str, rows: str) -> str:
    return f"(select string_agg({line}::text, E'\\n') from {rows} o)"  # noqa: S608 - our constants


def _lines(cell: str | None) -> list[str]:
    return [] if cell is None else cell.split("\n")


def _check_version(result: Result[Cells], cause: ProgrammingError) -> None:
    version = int(result.rows[0][1] or 0)
    if version < OLDEST:
        raise SchemaError(f"the server is Postgres {version}; Sendoka reads {OLDEST} and newer") from cause
