"""JSON many at once: with orjson and without it the very same values come, and the collector is left as it was."""

from __future__ import annotations

import gc
import json
import math
import threading
from typing import Any

import pytest

from sendoka.database.statement import Field, Result, Statement
from sendoka.errors import DecodeError, ProtocolError
from sendoka.http import fast
from sendoka.http.decode import decode_rows
from sendoka.http.reply import Reply, read_single


@pytest.fixture(params=["with orjson", "without"])
def installed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Have orjson asked for any size, or not at all."""
    monkeypatch.setattr(fast, "_WORTH", 0)
    if request.param == "without":
        monkeypatch.setattr(fast, "_orjson", lambda: None)
    return bool(request.param == "with orjson")


DOCUMENTS = [
    "null",
    "-0",
    "-0.0",
    "1.0",
    "1e5",
    "9007199254740993",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775809",
    "1" + "0" * 400,
    "1" + "0" * 5000,
    "0.1000000000000000055511151231257827",
    "1e400",
    "-1e400",
    "1e-400",
    "123456789012345678.25",
    '"12345678901234567890"',
    '{"a": 1, "b": 2, "a": 3}',
    '"\\ud83c\\udf89 \\u0000 é"',
    '"\\ud800"',
    "[" * 200 + "]" * 200,
    ' { "a" : [ ] } ',
]


def exact(value: Any) -> Any:
    """Return something equal only to what is the same in value and type, all the way down."""
    if isinstance(value, dict):
        return [(key, exact(item)) for key, item in value.items()]
    if isinstance(value, list):
        return [exact(item) for item in value]
    return type(value), value, math.copysign(1, value) if isinstance(value, float) else None


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("oid", [114, 3802])
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda text: text[:30])
def test_a_document_holds_the_same_whoever_reads_it(document: str, oid: int) -> None:
    others = ['{"x": 1}', "2", None]
    rows = decode_rows(Result((Field("v", oid),), [[document], *([text] for text in others)], "SELECT", 4))
    expected = json.loads(document) if len(document) < 4300 else 10**5000
    assert exact([row[0] for row in rows]) == exact([expected, {"x": 1}, 2, None])


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("document", ["", "{", "1,2", "1]", "[1", "NaN-", "'a'", "nul", "[" * 100_000])
def test_what_is_no_document_is_an_error_whoever_reads_it(document: str) -> None:
    with pytest.raises(DecodeError):
        decode_rows(Result((Field("v", 3802),), [["1"], [document]], "SELECT", 2))


FIELDS = '"fields":[{"name":"a","dataTypeID":25}],"command":"SELECT","rowCount":1'


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("cell", ["é\\n\\u0000", "\\ud800", "\ufeff", "12345678901234567890"])
def test_an_answer_is_the_same_whoever_reads_it(cell: str) -> None:
    result = read_single(Reply(200, f'{{{FIELDS},"rows":[["{cell}"]]}}'.encode()), Statement("select"))
    assert result.rows == [[json.loads(f'"{cell}"')]]
    assert result.row_count == 1


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_an_answer_in_another_encoding_of_unicode_is_read(encoding: str) -> None:
    body = f'{{{FIELDS},"rows":[["é"]]}}'.encode(encoding)
    assert read_single(Reply(200, body), Statement("select")).rows == [["é"]]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"fields":', b"\xff\xfe\xff", b"[" * 100_000, b'{"a":1}x'])
def test_an_answer_that_is_no_json_says_so_whoever_reads_it(body: bytes) -> None:
    with pytest.raises(ProtocolError, match="not JSON"):
        read_single(Reply(200, body), Statement("select"))


ROWS = [
    ([["1"], []], "do not fit"),
    ([["1"], ["1", "2"]], "do not fit"),
    ([["1"], {"a": "1"}], "do not fit"),
    ([["1"], None], "do not fit"),
    ("rows", "do not fit"),
    ([[1]], "typed JSON"),
]


@pytest.mark.parametrize(("rows", "says"), ROWS)
def test_rows_of_another_shape_are_refused(rows: Any, says: str) -> None:
    body = f'{{{FIELDS},"rows":{json.dumps(rows)}}}'.encode()
    with pytest.raises(ProtocolError, match=says):
        read_single(Reply(200, body), Statement("select"))


def test_orjson_is_not_asked_for_what_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def ask(body: bytes) -> Any:
        asked.append(body)
        return json.loads(body)

    monkeypatch.setattr(fast, "_orjson", lambda: ask)
    monkeypatch.setattr(fast._Bodies, "read", 0)
    assert fast.loads(b"[1]") == [1]
    assert fast.loads_all(["1", "2"]) == [1, 2]
    assert not asked
    large = ["1" * 10] * 10_000
    assert fast.loads_all(large) == [1_111_111_111] * 10_000
    assert fast.loads(b"[" + b" " * 70_000 + b"1]") == [1]
    assert len(asked) == 2


def test_orjson_is_asked_for_all_bodies_once_many_were_read(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []
    monkeypatch.setattr(fast, "_orjson", lambda: asked.append)
    monkeypatch.setattr(fast._Bodies, "read", 0)
    body = b"[" + b" " * 10_000 + b"1]"
    for _ in range(200):
        fast.loads(body)
    assert 90 < len(asked) < 100


class TestTheCollector:
    def test_is_paused_for_many_values_and_goes_on(self) -> None:
        with fast.uncollected(1_000_000):
            assert not gc.isenabled()
        assert gc.isenabled()

    def test_is_let_be_for_few(self) -> None:
        with fast.uncollected(10):
            assert gc.isenabled()

    def test_goes_on_after_an_error(self) -> None:
        with pytest.raises(KeyError), fast.uncollected(1_000_000):
            raise KeyError
        assert gc.isenabled()

    def test_that_is_off_stays_off(self) -> None:
        gc.disable()
        try:
            with fast.uncollected(1_000_000):
                assert not gc.isenabled()
            assert not gc.isenabled()
        finally:
            gc.enable()

    def test_is_on_in_the_end_whatever_threads_did(self) -> None:
        wrong: list[bool] = []

        def work() -> None:
            for _ in range(300):
                with fast.uncollected(1_000_000):
                    pass

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wrong.append(not gc.isenabled())
        gc.enable()
        assert wrong == [False]
