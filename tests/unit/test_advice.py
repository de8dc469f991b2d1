"""What an error says to do about a slip in the call: only where text and parameters show that it was one."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from sendoka.database.statement import Statement
from sendoka.errors import DatabaseError, ProgrammingError
from sendoka.http.encode import encode_all
from sendoka.http.reply import Reply, read_batch, read_single

if TYPE_CHECKING:
    from collections.abc import Sequence


def raised(statements: Sequence[Statement], message: str, code: str, **fields: str) -> DatabaseError:
    """Return the error that is made of Postgres' words about the statements."""
    body = json.dumps({"message": message, "code": code, "severity": "ERROR", **fields}).encode()
    reply = Reply(400, body)
    with pytest.raises(DatabaseError) as caught:
        read_single(reply, statements[0]) if len(statements) == 1 else read_batch(reply, statements)
    return caught.value


BIND = 'bind message supplies {} parameters, but prepared statement "" requires {}'


@pytest.mark.parametrize(
    ("text", "given", "said"),
    [
        ("select $1", 0, "the statement has $1 alone, and no parameters were given"),
        ("select $1, $2, $1", 1, "the statement has $1 to $2, and 1 parameter was given"),
        ("select '$1' -- $2", 2, "the statement has no $1, and 2 parameters were given"),
    ],
)
def test_a_wrong_number_of_parameters_is_counted(text: str, given: int, said: str) -> None:
    error = raised([Statement(text, ("x",) * given)], BIND.format(given, 9), "08P01", routine="exec_bind_message")
    assert type(error) is ProgrammingError
    assert f"hint: {said}" in str(error)


def test_a_query_that_neon_cancelled_has_nothing_to_do_with_parameters() -> None:
    error = raised([Statement("select pg_sleep($1)", ("9",))], "Query cancelled", "08P01")
    assert type(error) is not ProgrammingError
    assert "parameter" not in str(error)


def test_of_a_list_the_statement_is_named_whose_parameters_do_not_fit() -> None:
    fine, wrong = Statement("select $1", ("1",)), Statement("select $1, $2", ("1",))
    error = raised([fine, wrong, fine], BIND.format(1, 2), "08P01")
    assert error.statement == wrong.text
    assert "has $1 to $2, and 1 parameter was given" in str(error)


def test_a_statement_without_parameters_says_where_a_value_goes() -> None:
    made = Statement("create table t (a text default $1)", ("x",))
    error = raised([Statement("select 1"), made, Statement("explain select $1", ("x",))], BIND.format(1, 0), "08P01")
    assert error.statement == made.text
    assert "CREATE takes no parameters; a value goes into its text by literal()" in str(error)


@pytest.mark.parametrize(
    ("text", "place", "code"),
    [
        ("select a from t where b = %s", "%s", "42601"),
        ("select a from t where b = %(b)s", "%(b)s", "42601"),
        ("select a from t where b in (:b, :c)", ":b", "42601"),
        ("select a from t limit ?", "", "42601"),
        ("select a from t where b = ? and c = 1", "and", "42601"),
        ("insert into t values (?, ?)", ", ?", "42601"),
        ("select a from t where b=?1", "=?1", "42883"),
        ("select (? + 1)", "? +", "42883"),
        ("select a from t where b=%s", "s", "42703"),
        ("select a from t where b = @b", "b", "42703"),
    ],
)
def test_a_placeholder_of_another_driver_is_recognised(text: str, place: str, code: str) -> None:
    at = text.rindex(place) if place else len(text)
    error = raised([Statement(text, ("x",))], "no", code, position=str(at + 1), hint="add a cast")
    assert "hint: placeholders are $1, $2, …, and the values follow the text" in str(error)
    assert error.hint == "add a cast"


@pytest.mark.parametrize(
    ("text", "place", "code"),
    [
        ("select a frm t", "frm", "42601"),
        ("select a % from t", "from", "42601"),
        ("select 'why?' from from", "from", "42601"),
        ("select a -- why?\nfrm t", "frm", "42601"),
        ("select a::int from: t", ": t", "42601"),
        ("select b ? 'x' from t", "?", "42883"),
        ("select a % s from t", "s from", "42703"),
        ("select %some from t", "some", "42703"),
        ('select a from "t"', '"t"', "42P01"),
        ("select a from app.t", "app.t", "42P01"),
        ('select a from "app"."t"', '"app"', "42P01"),
    ],
)
def test_what_is_no_such_slip_is_left_to_postgres(text: str, place: str, code: str) -> None:
    error = raised([Statement(text)], "no", code, position=str(text.rindex(place) + 1))
    assert "hint" not in str(error)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("select a from $1", r"a name goes in by ident\(\)"),
        ("insert into $1 values (1)", r"a name goes in by ident\(\)"),
        ("select a from t where a in $1", r"`= any\(\$1\)`"),
        ("select interval $1", "write \\$1::interval"),
    ],
)
def test_a_parameter_that_cannot_stand_there_says_what_can(text: str, said: str) -> None:
    position = str(text.index("$") + 1)
    error = raised([Statement(text, ("x",))], 'syntax error at or near "$1"', "42601", position=position)
    assert re.search("hint: .*" + said, str(error))


@pytest.mark.parametrize(
    ("text", "params", "code", "said"),
    [
        ("select 1 where 1 in ($1)", [[1, 2]], "22P02", True),
        ("select 1 where a = $1 and d not IN ( $2::date )", [1, ["2026-01-01"]], "22007", True),
        ("select 1 where 1 in ($1)", ["x"], "22P02", False),
        ("select 1 where 1 in ($2)", [[1]], "22P02", False),
        ("select $1::int, 'in ($1)'", [[1]], "22P02", False),
    ],
)
def test_a_list_in_brackets_is_told_how_lists_are_looked_up(
    text: str, params: list[object], code: str, said: bool
) -> None:
    error = raised([Statement(text, encode_all(tuple(params)))], "invalid input syntax", code)
    number = len(params)
    assert (f"hint: a list is one value, an array: write `= any(${number})` in place of" in str(error)) is said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("select 1; select 2", True),
        ("select ';' ; -- no\n/* x */ select 2;", True),
        ("select 1; -- select 2", False),
        ("select ';', 2", False),
    ],
)
def test_several_commands_are_told_that_they_are_a_list(text: str, said: bool) -> None:
    error = raised([Statement(text)], "cannot insert multiple commands into a prepared statement", "42601")
    assert ("hint: a statement is one command; several are one list: await sql.transaction" in str(error)) is said


def test_braces_in_plain_text_are_for_a_fragment() -> None:
    error = raised([Statement("select {a}")], 'syntax error at or near "{"', "42601", position="8")
    assert 'hint: braces are for fragment("… {}", value)' in str(error)


@pytest.mark.parametrize(("text", "code"), [('select * from "app.t"', "42P01"), ('select * from "app.t"', "42703")])
def test_a_name_with_a_dot_in_it_says_how_names_are_given(text: str, code: str) -> None:
    error = raised([Statement(text)], 'relation "app.t" does not exist', code, position="15")
    assert 'hint: that is one name with a dot in it; its parts are given one by one: ident("app", "t")' in str(error)


LIST, TEXT = "a list is sent as a Postgres array; for json write Json([...])", "a text for json has to be JSON itself"


@pytest.mark.parametrize(
    ("params", "context", "said"),
    [
        ([[1, 2]], "JSON data, line 1: {…\nunnamed portal parameter $1 = '...'", LIST),
        ([[[None]]], "JSON data, line 1: {…\nunnamed portal parameter $1", LIST),
        (["x", [1]], "JSON data, line 1: {…\nunnamed portal parameter $1 = '...'", TEXT),
        (["$2", [1]], "JSON data, line 1: $2\nunnamed portal parameter $1", TEXT),
        (['{"a": 1,}'], "JSON data, line 1: {…\nunnamed portal parameter $1", TEXT),
        ([[1]], "JSON data, line 1: {…", LIST),
        (["x"], "JSON data, line 1: y", ""),
        ([], "JSON data, line 1: y", ""),
    ],
)
def test_what_is_no_json_is_told_by_what_was_sent(params: list[object], context: str, said: str) -> None:
    statement = Statement("select 1", encode_all(tuple(params)))
    error = raised([statement], "ungültige Eingabesyntax für Typ json", "22P02", where=context)
    assert error.todo.startswith(said)
    assert bool(error.todo) is bool(said)


SETTING = Statement("select set_config($1, $2, true)", ("statement_timeout", "5s"))


@pytest.mark.parametrize(("code", "named"), [("57014", True), ("55P03", True), ("22023", False)])
def test_what_took_too_long_was_no_setting(code: str, named: bool) -> None:
    error = raised([SETTING, Statement("select pg_sleep(9)")], "canceling statement due to statement timeout", code)
    assert error.statement == ("select pg_sleep(9)" if named else None)


def test_what_two_statements_may_have_met_is_said_of_none() -> None:
    error = raised([SETTING, Statement("select 1"), Statement("select 2")], "canceling statement", "57014")
    assert error.statement is None


def test_an_error_of_the_login_shows_no_statement() -> None:
    body = {"message": 'database "nope" does not exist', "code": "3D000", "severity": "FATAL"}
    with pytest.raises(DatabaseError) as caught:
        read_single(Reply(400, json.dumps(body).encode()), Statement("select 1"))
    assert (caught.value.statement, str(caught.value)) == (None, 'database "nope" does not exist (3D000)')
