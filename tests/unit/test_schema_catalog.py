"""Reading a catalog that refuses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sendoka.database import Database, Result
from sendoka.database.transaction import DEFAULT
from sendoka.errors import SchemaError, UndefinedColumn
from sendoka.schema.census import CENSUS, OTHERS
from sendoka.schema.from_catalog import model_from_catalog
from sendoka.schema.kinds import all_kinds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database import Cells, Statement, TransactionOptions


class Refusing(Database):
    """A server of some version whose catalog lacks a column."""

    def __init__(self, version: str) -> None:
        self.version = version

    async def run(self, statement: Statement) -> Result[Cells]:
        return Result((), [["", self.version]], "SELECT", 1)

    async def run_all(
        self, statements: Sequence[Statement], options: TransactionOptions = DEFAULT
    ) -> list[Result[Cells]]:
        raise UndefinedColumn("column a.attcompression does not exist", sqlstate="42703")


async def test_a_server_that_is_too_old_is_told_so() -> None:
    with pytest.raises(SchemaError, match="the server is Postgres 13; Sendoka reads 14 and newer") as raised:
        await model_from_catalog(Refusing("13"))
    assert isinstance(raised.value.__cause__, UndefinedColumn)


async def test_the_databases_own_error_comes_through_from_a_server_that_is_not() -> None:
    with pytest.raises(UndefinedColumn, match="attcompression"):
        await model_from_catalog(Refusing("17"))


def test_no_class_is_claimed_twice_and_each_is_one_that_the_census_counts() -> None:
    claims = [claim for kind in all_kinds() for claim in kind.claims]
    assert len(set(claims)) == len(claims)
    assert {claim.partition(":")[0] for claim in claims} <= {*CENSUS, *(each[0] for each in OTHERS)}
    for each, select in CENSUS.items():
        assert set(re.findall(r"select (?:distinct )?'([a-z-]+):?'", select)) <= {each}
