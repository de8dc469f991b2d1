"""What may be declared as a backfill, and what is refused at once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import Backfill, Batch, backfill
from sendoka.backfills.declare import Undecorated, checksum_of
from sendoka.errors import InvalidBackfill

if TYPE_CHECKING:
    from pathlib import Path

GOOD_SQL = "update messages m set tenant_id = 'x' from page p where m.id = p.id"

in_sql = backfill(table="messages", where="tenant_id is null", sql=GOOD_SQL + " ;\n")


@backfill(table="app.messages", where="tenant_id is null", key=["created_at", "id"], columns=["org_id"])
async def in_python(sql: Any, batch: Batch) -> object:
    return None


def test_the_sql_form_is_called_as_its_variable_and_loses_its_end() -> None:
    assert isinstance(in_sql, Backfill)
    assert (in_sql.name, in_sql.sql, in_sql.step) == ("in_sql", GOOD_SQL, None)


def test_the_python_form_is_called_as_its_step() -> None:
    assert isinstance(in_python, Backfill)
    assert (in_python.name, in_python.sql, in_python.key) == ("in_python", None, ("created_at", "id"))


def test_a_name_may_be_given() -> None:
    assert backfill(table="t", where="a is null", sql=GOOD_SQL, name="other").name == "other"


def test_a_backfill_that_is_held_by_no_variable_has_no_name() -> None:
    lost = backfill(table="t", where="a is null", sql=GOOD_SQL)
    with pytest.raises(InvalidBackfill, match="has no name"):
        _ = lost.name


def test_one_key_column_may_be_written_as_text() -> None:
    assert backfill(table="t", where="a is null", sql=GOOD_SQL, key="id").key == ("id",)


@pytest.mark.parametrize(
    "sql",
    [
        "insert into copies (id) select id from page",
        "delete from messages using page where messages.id = page.id",
        "UPDATE messages m SET body = 'returning; $1 (' FROM Page p WHERE m.id = p.id -- returning",
        'update messages m set "returning" = 1 from "page" p where m.id = p.id',
        "/* /* begin */ ; */ update messages m set a = $q$;returning$q$ from page p where m.id = p.id",
        r"update messages m set a = E'it\'s; returning' from page p where m.id = p.id",
        "update messages m set a = b'1', c = U&'d\\0061' from page p where m.id = p.id",
    ],
)
def test_one_statement_that_reads_page_is_accepted(sql: str) -> None:
    assert backfill(table="messages", where="a is null", sql=sql).sql == sql


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("", "starts with nothing"),
        (" -- only a comment", "starts with nothing"),
        ("select * from page", "starts with SELECT"),
        ("with x as (select 1) update t set a = 1 from page", "starts with WITH"),
        ("merge into t using page p on t.id = p.id when matched then delete", "starts with MERGE"),
        ("truncate messages", "starts with TRUNCATE"),
        ("commit", "is COMMIT"),
        ("/* now */ begin; update t set a = 1 from page", "is BEGIN"),
        ("update t set a = 1 from page p where t.id = p.id; delete from t", "more than one statement"),
        ("update t set a = 1 from page p where t.id = p.id returning t.id", "RETURNING"),
        ("update t set a = 1 from page p where t.id = p.id RETURNING *", "RETURNING"),
        ("update messages set tenant_id = 'x'", "does not read `page`"),
        ("update t set a = 'page' -- page", "does not read `page`"),
        ('update t set a = 1 from "Page" p where t.id = p.id', "does not read `page`"),
        ("update t set a = $1 from page p where t.id = p.id", "has a parameter"),
        ("update t set a = (1 from page p where t.id = p.id", "parentheses"),
        ("update t set a = 1) from page p where (t.id = p.id", "parentheses"),
        ("update t set a = 'open from page p where t.id = p.id", "a quote that it does not close"),
    ],
)
def test_a_text_that_cannot_be_a_batch_is_refused(sql: str, says: str) -> None:
    with pytest.raises(InvalidBackfill, match=says):
        backfill(table="messages", where="a is null", sql=sql)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"table": ""}, "name of a table"),
        ({"table": "a.b.c"}, "name of a table"),
        ({"table": ".b"}, "name of a table"),
        ({"table": 3}, "name of a table"),
        ({"where": ""}, "where= is empty"),
        ({"where": "-- nothing"}, "where= is empty"),
        ({"where": "a is null; drop table t"}, "more than one statement"),
        ({"where": "a is null) or (true"}, "parentheses"),
        ({"where": "a = $1"}, "has a parameter"),
        ({"where": "a = 'x"}, "quote"),
        ({"where": None}, "nothing says when it is done"),
        ({"verify": "count(*)"}, "returns one number"),
        ({"verify": "delete from t"}, "returns one number"),
        ({"verify": "select 1; select 2"}, "more than one statement"),
        ({"key": ["id", "id"]}, "twice"),
        ({"key": [""]}, "names of columns"),
        ({"columns": [1]}, "names of columns"),
        ({"columns": "id"}, "list of names"),
    ],
)
def test_a_wrong_option_is_refused(options: dict[str, Any], says: str) -> None:
    good: dict[str, Any] = {"table": "messages", "where": "a is null", "sql": GOOD_SQL}
    with pytest.raises(InvalidBackfill, match=says):
        backfill(**(good | options))


def test_both_sql_and_a_step_are_refused() -> None:
    async def step(sql: Any, batch: Batch) -> None: ...

    with pytest.raises(InvalidBackfill, match="both sql= and a step"):
        in_sql(step)


def test_neither_sql_nor_a_step_is_no_backfill() -> None:
    assert isinstance(backfill(table="t", where="a is null"), Undecorated)


def not_async(sql: Any, batch: Batch) -> None: ...


async def one_argument(sql: Any) -> None: ...


async def three_arguments(sql: Any, batch: Batch, more: int) -> None: ...


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ("update t set a = 1", "either sql= or a step"),
        (not_async, "async function"),
        (one_argument, "two arguments"),
        (three_arguments, "two arguments"),
    ],
)
def test_a_step_of_the_wrong_shape_is_refused(step: Any, says: str) -> None:
    with pytest.raises(InvalidBackfill, match=says):
        backfill(table="t", where="a is null")(step)


def test_the_checksum_is_that_of_the_script_whatever_its_line_endings(tmp_path: Path) -> None:
    unix, windows = tmp_path / "a.py", tmp_path / "b.py"
    unix.write_bytes("x = 1\ny = 'é'\n".encode())
    windows.write_bytes(b"\xef\xbb\xbf" + "x = 1\r\ny = 'é'\r\n".encode())
    assert checksum_of(unix) == checksum_of(windows) == hashlib.sha256(unix.read_bytes()).hexdigest()


def test_a_backfill_of_a_module_has_the_checksum_of_its_file() -> None:
    from pathlib import Path

    assert in_sql.checksum() == in_python.checksum() == checksum_of(Path(__file__))
