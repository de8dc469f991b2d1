"""The local endpoint's reading and writing of the wire, where no database is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from sendoka.errors import NEON_ERROR_KEYS, SettingsError
from sendoka.local.credentials import Login
from sendoka.local.failure import Failure
from sendoka.local.logins import refused_login
from sendoka.local.origin import is_foreign, read_origins
from sendoka.local.parameters import to_text
from sendoka.local.request import read_options, read_payload
from sendoka.local.target import Target, read_target
from sendoka.local.typed import typed_cell


class TestConnectionStrings:
    @pytest.mark.parametrize(
        ("text", "target"),
        [
            ("postgresql://u:p@host/db", Target("u", "p", "db")),
            ("postgres://u:p@127.0.0.1:4444/db?sslmode=require", Target("u", "p", "db")),
            ("postgresql://u:p@[::1]:4444/db", Target("u", "p", "db")),
            ("postgresql://us%40er:p%23%2F%3Fw@host/my%20db/ignored", Target("us@er", "p#/?w", "my db")),
            ("postgresql://u:a+b%zz@host/db", Target("u", "a+b%zz", "db")),
            ("postgresql://u:p@host/", Target("u", "p", "")),
        ],
    )
    def test_name_user_password_and_database(self, text: str, target: Target) -> None:
        assert read_target(text.encode()) == target

    @pytest.mark.parametrize(
        ("header", "message"),
        [
            (None, "invalid header: neon-connection-string"),
            ("postgresql://ü:p@host/db".encode(), "invalid header: neon-connection-string"),
            (b"", "invalid connection string: relative URL without a base"),
            (b"host/db", "invalid connection string: relative URL without a base"),
            (b"postgresql://u:p@host:port/db", "invalid connection string: invalid port number"),
            (b"postgresql://u:p@host:99999/db", "invalid connection string: invalid port number"),
            (b"postgresql://u:p@/db", "invalid connection string: empty host"),
            (b"mysql://u:p@host/db", "incorrect scheme"),
            (b"postgresql://u:p@host", "missing database name"),
            (b"postgresql:db", "missing database name"),
            (b"postgresql://:p@host/db", "missing username"),
            (b"postgresql://host/db", "missing username"),
            (b"postgresql://u@host/db", "missing authentication credentials: required password"),
            (b"postgresql://u:p@[fe80::1]/db", "missing hostname"),
        ],
    )
    def test_that_are_wrong_are_refused_in_neons_words(self, header: bytes | None, message: str) -> None:
        with pytest.raises(Failure) as refused:
            read_target(header)
        assert (refused.value.status, refused.value.message) == (400, message)

    def test_beside_a_token_are_refused_as_at_the_passwords_address(self) -> None:
        with pytest.raises(Failure, match="missing authentication credentials: required password"):
            read_target(b"postgresql://u:p@host/db", authorization=True)
        with pytest.raises(Failure, match="missing username"):
            read_target(b"postgresql://host/db", authorization=True)

    def test_show_no_password_in_a_repr(self) -> None:
        assert "s3cret" not in repr(read_target(b"postgresql://u:s3cret@host/db"))
        assert "s3cret" not in repr(Login.from_url("postgresql://u:s3cret@host/db"))


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "texts", "batch"),
        [
            ({"query": "a"}, ["a"], False),
            ({"query": "a", "params": [], "arrayMode": None, "more": 1}, ["a"], False),
            ({"query": "a", "queries": [{"query": "b"}]}, ["a"], False),
            ({"query": 1, "queries": [{"query": "b"}]}, ["b"], True),
            ({"queries": []}, [], True),
            ({"queries": [{"query": "a"}, {"query": "b", "params": ["1"]}]}, ["a", "b"], True),
        ],
    )
    def test_are_one_statement_or_a_batch(self, body: Any, texts: list[str], batch: bool) -> None:
        payload = read_payload(json.dumps(body).encode())
        assert ([query.text for query in payload.queries], payload.batch) == (texts, batch)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"null",
            b"[]",
            b'"select 1"',
            b'{"foo": 1}',
            b'{"query": 1}',
            b'{"query": "a", "params": null}',
            b'{"query": "a", "params": {}}',
            b'{"query": "a", "arrayMode": 1}',
            b'{"queries": {}}',
            b'{"queries": [{"query": "a"}, {}]}',
            b'{"query": "a", "params": [NaN]}',
            b'{"query": "a", "params": [1e999]}',
            b'{"query": "\\ud800"}',
            b'{"query": "a", "params": ["\\ud800"]}',
            b'{"query": "\xff"}',
            b"[" * 100_000,
        ],
    )
    def test_of_another_shape_are_refused(self, body: bytes) -> None:
        with pytest.raises(Failure, match=r"^could not parse the HTTP request body: ") as refused:
            read_payload(body)
        assert refused.value.status == 400

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ("as it is", "as it is"),
            ("true", "true"),
            ("42", "42"),
            ("18446744073709551615", "18446744073709551615"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("18446744073709551616", "1.8446744073709552e19"),
            ("-0", "-0.0"),
            ("0.0", "0.0"),
            ("1.0", "1.0"),
            ("1.5e3", "1500.0"),
            ("1e15", "1000000000000000.0"),
            ("1e16", "1e16"),
            ("1e21", "1e21"),
            ("1.25e-7", "1.25e-7"),
            ("0.00001", "0.00001"),
            ("-2.5", "-2.5"),
            ('{"b": 1, "a": {"d": null, "c": [1.0]}}', '{"a":{"c":[1.0],"d":null},"b":1}'),
            ('[1, null, [true, "x y"]]', '{1,NULL,{true,"x y"}}'),
            ('["a\\nb", {"k": "v"}]', '{"a\\nb","{\\"k\\":\\"v\\"}"}'),
            ("[]", "{}"),
        ],
    )
    def test_make_text_of_parameters_as_neon_does(self, value: str, text: str) -> None:
        encoded = value if value[0] in '-0123456789tf[{"' and value != "as it is" else json.dumps(value)
        query = read_payload(f'{{"query": "q", "params": [{encoded}]}}'.encode()).queries[0]
        assert query.params == [text.encode()]

    def test_keep_null_apart_from_every_text(self) -> None:
        assert read_payload(b'{"query": "q", "params": [null, "null", ""]}').queries[0].params == [None, b"null", b""]

    def test_print_floats_that_read_back_the_same(self) -> None:
        for number in (5e-324, 1.7976931348623157e308, 0.1, 123456789.125, 1e-5, 9007199254740993.0):
            assert float(to_text(number)) == number


class TestOptions:
    @pytest.mark.parametrize(
        ("headers", "begin"),
        [
            ({}, "START TRANSACTION"),
            ({b"neon-batch-read-only": b"false"}, "START TRANSACTION"),
            ({b"neon-batch-read-only": b"True"}, "START TRANSACTION"),
            ({b"neon-batch-read-only": b"true"}, "START TRANSACTION READ ONLY"),
            ({b"neon-batch-isolation-level": b"RepeatableRead"}, "START TRANSACTION ISOLATION LEVEL REPEATABLE READ"),
            (
                {
                    b"neon-batch-isolation-level": b"Serializable",
                    b"neon-batch-read-only": b"true",
                    b"neon-batch-deferrable": b"true",
                },
                "START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE",
            ),
        ],
    )
    def test_open_a_batch(self, headers: dict[bytes, bytes], begin: str) -> None:
        assert read_options(headers).begin == begin

    @pytest.mark.parametrize("level", [b"serializable", b"READ COMMITTED", b"", b"Snapshot"])
    def test_refuse_a_level_that_is_not_spelt_exactly(self, level: bytes) -> None:
        with pytest.raises(Failure, match="invalid isolation level"):
            read_options({b"neon-batch-isolation-level": level})


class TestTypedCells:
    @pytest.mark.parametrize(
        ("oid", "text", "written"),
        [
            (16, "t", "true"),
            (23, "-7", "-7"),
            (20, "9007199254740993", '"9007199254740993"'),
            (701, "1e+300", "1e300"),
            (701, "100", "100.0"),
            (701, "-Infinity", '"-Infinity"'),
            (3802, '{"a": 1.0}', '{"a": 1.0}'),
            (1007, "{{1,NULL},{3,4}}", "[[1,null],[3,4]]"),
            (1009, '{a,"b \\"c\\" \\\\",NULL,"NULL"}', '["a","b \\"c\\" \\\\",null,"NULL"]'),
            (1007, "[0:1]={1,2}", "[1,2]"),
            (1009, "{}", '[""]'),
            (1000, "{}", "[false]"),
            (1231, "{1.50}", '["1.50"]'),
            (99999, "{x}", '["x"]'),
            (88888, "{x}", '"{x}"'),
        ],
    )
    def test_are_written_by_type(self, oid: int, text: str, written: str) -> None:
        assert typed_cell(oid, {99999: 25})(text) == written

    @pytest.mark.parametrize(("oid", "text"), [(1007, "{}"), (22, "1 2"), (30, "1 2"), (23, "x"), (701, "x")])
    def test_fail_where_neons_converter_fails(self, oid: int, text: str) -> None:
        with pytest.raises(Failure, match="could not parse postgres response") as failed:
            typed_cell(oid, {})(text)
        assert failed.value.status == 500


class TestFailures:
    def test_have_all_keys_in_their_order(self) -> None:
        document = json.loads(Failure('a "quoted" word', status=500).body())
        assert tuple(document) == NEON_ERROR_KEYS
        assert len(NEON_ERROR_KEYS) == 17
        assert document["message"] == 'a "quoted" word'
        assert (document["code"], document["severity"], document["detail"]) == ("", "", None)

    @pytest.mark.parametrize(
        ("said", "status", "code", "message"),
        [
            (
                'FATAL:  password authentication failed for user "u"\n',
                400,
                "",
                "password authentication failed for user 'u'",
            ),
            ('FATAL:  role "u" does not exist\n', 400, "", "password authentication failed for user 'u'"),
            ('FATAL:  database "x" does not exist\n', 400, "3D000", 'database "x" does not exist'),
            ("FATAL:  sorry, too many clients already\n", 500, "53300", "sorry, too many clients already"),
            ("FATAL:  the database system is starting up\n", 500, "57P03", "the database system is starting up"),
            (
                'FATAL:  permission denied for database "x"\nDETAIL:  User does not have CONNECT privilege.\n',
                500,
                "42501",
                'permission denied for database "x"',
            ),
            ("Connection refused\n\tIs the server running?\n", 500, "", "Couldn't connect to compute node"),
            ("timeout expired", 500, "", "Couldn't connect to compute node"),
        ],
    )
    def test_of_a_login_are_told_from_its_words(self, said: str, status: int, code: str, message: str) -> None:
        failure = refused_login(f'connection to server at "127.0.0.1", port 1 failed: {said}', "u")
        assert (failure.status, failure.fields["code"], failure.message) == (status, code, message)


class TestOrigins:
    @pytest.mark.parametrize(
        ("origin", "foreign"),
        [
            (None, False),
            (b"http://localhost:3000", False),
            (b"http://app.localhost", False),
            (b"http://127.0.0.1:5173", False),
            (b"http://[::1]:8080", False),
            (b"https://example.com", True),
            (b"http://localhost.example.com", True),
            (b"http://127.0.0.1.example.com", True),
            (b"http://192.168.1.5", True),
            (b"null", True),
            (b"", True),
            (b"http://[", True),
            (b"\xff", True),
        ],
    )
    def test_are_foreign_unless_they_are_this_machine(self, origin: bytes | None, foreign: bool) -> None:
        assert is_foreign(origin) is foreign

    @pytest.mark.parametrize(
        ("allowed", "origin", "foreign"),
        [
            ("https://app.example.com", b"https://app.example.com", False),
            ("https://App.Example.com/", b"https://app.example.com", False),
            ("https://app.example.com:443", b"https://app.example.com", False),
            ("http://192.168.1.5:8080", b"http://192.168.1.5:8080", False),
            ("http://[fe80::1]:8080", b"http://[fe80::1]:8080", False),
            ("null", b"null", False),
            ("*", b"https://anything.example", False),
            ("*", b"\xff", False),
            ("https://app.example.com", b"http://app.example.com", True),
            ("https://app.example.com", b"https://app.example.com:8443", True),
            ("https://app.example.com", b"https://app.example.com.evil.example", True),
            ("https://app.example.com", b"null", True),
        ],
    )
    def test_that_are_allowed_are_compared_as_browsers_write_them(
        self, allowed: str, origin: bytes, foreign: bool
    ) -> None:
        assert is_foreign(origin, read_origins([allowed])) is foreign

    @pytest.mark.parametrize(
        "wrong",
        ["", "app.example.com", "https://", "https://h/path", "https://h?x", "ftp://h", "https://h:x", "http://["],
    )
    def test_that_no_browser_sends_cannot_be_allowed(self, wrong: str) -> None:
        with pytest.raises(SettingsError, match="is no origin"):
            read_origins([wrong])


def test_an_unreadable_url_of_a_server_is_not_shown() -> None:
    with pytest.raises(SettingsError) as unreadable:
        Login.from_url("nonsense s3cret")
    assert "s3cret" not in str(unreadable.value)


def test_importing_the_package_loads_none_of_what_it_needs() -> None:
    code = "import sys, sendoka.local; print(sorted({'psycopg', 'httptools', 'httpx', 'click'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("missing", ["psycopg", "psycopg.pq"])
def test_a_missing_extra_is_named(missing: str) -> None:
    code = f"""if True:
        import sys
        sys.modules[{missing!r}] = None
        import sendoka.local
        try:
            sendoka.local.Server
        except Exception as error:
            print(type(error).__name__, error)
    """
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.startswith("SettingsError ")
    assert 'pip install "sendoka[local]"' in said
    assert missing in said
