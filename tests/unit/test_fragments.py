"""Pieces of SQL become one text whose placeholders count from left to right, or an error that says what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sendoka import fragment, ident, join, literal
from sendoka.http.compose import compose
from sendoka.http.fragments import Fragment, render
from sendoka.http.scan import tokens

if TYPE_CHECKING:
    from collections.abc import Callable


def test_text_is_returned_as_it_is() -> None:
    text, params = "select '{x}', $1", (1, [2])
    assert compose(text, params)[0] is text
    assert compose(text, params)[1] is params


def test_a_text_of_a_kind_of_its_own_is_text() -> None:
    class Text(str):
        __slots__ = ()

    assert compose(Text("select $1"), (1,)) == ("select $1", (1,))


@pytest.mark.parametrize(
    ("composed", "text", "params"),
    [
        (fragment("select 1"), "select 1", ()),
        (fragment("select {}", 7), "select $1", (7,)),
        (fragment("select {}, {b}, {}", 1, 3, b=2), "select $1, $2, $3", (1, 2, 3)),
        (fragment("select {a}, {a}", a=1), "select $1, $2", (1, 1)),
        (fragment("select '{{}}', {}", 1), "select '{}', $1", (1,)),
        (fragment("select * from {}", ident("orgs")), 'select * from "orgs"', ()),
        (
            fragment("from {} where {} = {}", ident("app", "orgs"), ident("id"), 5),
            'from "app"."orgs" where "id" = $1',
            (5,),
        ),
        (fragment("a {} c", fragment("b {} d", fragment("{}", 1))), "a b $1 d c", (1,)),
        (
            fragment("{x} and {y}", x=fragment("a = {}", 1), y=fragment("b in ({}, {})", 2, 3)),
            "a = $1 and b in ($2, $3)",
            (1, 2, 3),
        ),
        (fragment("in ({})", join(", ", [1, None, "x"])), "in ($1, $2, $3)", (1, None, "x")),
        (fragment("{}", join(", ", (ident(name) for name in "ab"))), '"a", "b"', ()),
        (fragment("any({})", [1, 2]), "any($1)", ([1, 2],)),
        (fragment("default {}", literal("it's")), "default 'it''s'", ()),
        (fragment("'$1' || {} || $$ $2 $$ -- $3", "x"), "'$1' || $1 || $$ $2 $$ -- $3", ("x",)),
        (fragment('select {} as "$5"', 1), 'select $1 as "$5"', (1,)),
    ],
    ids=repr,
)
def test_pieces_become_one_statement(composed: Fragment, text: str, params: tuple[object, ...]) -> None:
    assert compose(composed, ()) == (text, params)


def test_a_fragment_can_be_used_again_and_never_changes() -> None:
    mine = fragment("org_id = {}", "org_1")
    first = fragment("select * from a where {} and x = {}", mine, 1)
    second = fragment("select * from b where y = {} and {}", 2, mine)
    assert render(first) == ("select * from a where org_id = $1 and x = $2", ("org_1", 1))
    assert render(second) == ("select * from b where y = $1 and org_id = $2", (2, "org_1"))
    assert render(mine) == render(mine) == ("org_id = $1", ("org_1",))
    with pytest.raises(AttributeError):
        mine.strings = ()  # type: ignore[misc]


def test_what_is_made_of_a_list_does_not_follow_it() -> None:
    items: list[object] = [1, 2]
    joined = join(", ", items)
    items.append(3)
    assert render(joined) == ("$1, $2", (1, 2))


def test_many_values_are_numbered_up_to_the_last() -> None:
    rows = join(", ", [fragment("({}, {})", n, -n) for n in range(500)])
    text, params = render(fragment("insert into t values {}", rows))
    assert text.endswith("($999, $1000)")
    assert params[-2:] == (499, -499)


def test_values_are_not_shown() -> None:
    assert repr(fragment("password = {}", "hunter2")) == "<fragment 'password = {}'>"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "'x'"),
        ("a\\b", "E'a\\\\b'"),
        (5, "5"),
        (-5, " -5"),
        (True, "true"),
        (None, "null"),
        (1.5, "'1.5'"),
        (["a"], "'{\"a\"}'"),
    ],
)
def test_a_literal_is_written_as_postgres_reads_it(value: object, text: str) -> None:
    assert render(literal(value)) == (text, ())


def test_a_negative_number_begins_no_comment() -> None:
    text, _ = render(fragment("select 1-{} -- and more", literal(-5)))
    assert [token.text for token in tokens(text) if token.kind == "comment"] == ["-- and more"]


WRONG: list[tuple[str, Callable[[], Any], type[Exception], str]] = [
    (
        "a $1 of its own",
        lambda: compose(fragment("a = $1 and b = {}", 1), ()),
        ValueError,
        "a [$]1 of its own.*a = [$]1",
    ),
    ("only a $1", lambda: compose(fragment("a = $1"), ()), ValueError, "write the value in braces"),
    ("in quotes", lambda: compose(fragment("like '%{}%'", "x"), ()), ValueError, "inside quotes.*like '%[$]1%'"),
    ("in a name", lambda: compose(fragment('select 1 as "{}"', "x"), ()), ValueError, "inside quotes"),
    ("in dollar quotes", lambda: compose(fragment("do $$ {} $$", "x"), ()), ValueError, "inside quotes"),
    ("in a comment", lambda: compose(fragment("-- {}", "x"), ()), ValueError, "in a comment"),
    ("right at a word", lambda: compose(fragment("t{}", 1), ()), ValueError, "right at a word"),
    ("right before a digit", lambda: compose(fragment("limit {}0", 1), ()), ValueError, "right at a word"),
    ("parameters beside", lambda: compose(fragment("a = {}", 1), (1,)), TypeError, "give none behind it"),
    ("too few", lambda: fragment("{} {}", 1), TypeError, "more {} than values"),
    ("too many", lambda: fragment("{}", 1, 2), TypeError, "no braces in the text for 1 of the values"),
    ("a name that is missing", lambda: fragment("{org}"), TypeError, "no value for {org}"),
    ("a name too many", lambda: fragment("{a}", a=1, b=2), TypeError, "no braces in the text for b="),
    ("JSON", lambda: fragment("""'{"a": 1}'"""), ValueError, "a brace of the SQL itself is written twice"),
    ("a number", lambda: fragment("{0}", 1), ValueError, r"\{0}: braces hold a name or nothing"),
    ("an attribute", lambda: fragment("{a.b}", a=1), ValueError, "braces hold a name or nothing"),
    ("an index", lambda: fragment("{a[0]}", a=[1]), ValueError, "braces hold a name or nothing"),
    ("a conversion", lambda: fragment("{a!r}", a=1), ValueError, "{a!r}: a value goes to Postgres as it is"),
    ("a format", lambda: fragment("{a:>5}", a=1), ValueError, "{a:>5}: a value goes to Postgres as it is"),
    ("an open brace", lambda: fragment("{"), ValueError, "written twice"),
    ("a closing brace", lambda: fragment("}"), ValueError, "written twice"),
    ("no text", lambda: fragment(b"x"), TypeError, "text is a str, not bytes"),  # type: ignore[arg-type]
    (
        "a list of fragments",
        lambda: fragment("{a}", a=[ident("x")]),
        TypeError,
        r"{a} is a list of fragments; write join\(",
    ),
    ("no name", ident, TypeError, "at least one name"),
    ("an empty name", lambda: ident(""), ValueError, "cannot be the name"),
    ("a name with NUL", lambda: ident("a\0"), ValueError, "cannot be the name"),
    ("a name that is none", lambda: ident(5), TypeError, "a name is text, not int"),  # type: ignore[arg-type]
    ("nothing to join", lambda: join(" and ", []), ValueError, "say what no items mean"),
    ("a text to join", lambda: join(", ", "abc"), TypeError, "not one text"),
    ("a literal of no type", lambda: literal(object()), TypeError, "object cannot be sent"),
    ("a literal with NUL", lambda: literal("\0"), ValueError, "NUL"),
    ("no statement", lambda: compose(None, ()), TypeError, "not NoneType"),
    ("bytes", lambda: compose(b"select 1", ()), TypeError, "not bytes"),
    ("a list", lambda: compose(["select 1"], ()), TypeError, "not list"),
]


@pytest.mark.parametrize(("make", "error", "says"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_wrong_is_said(make: Callable[[], Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: fragment("select {}{}", literal("hunter2"), literal("b")),
        lambda: fragment("select {}'b'", literal("hunter2")),
        lambda: fragment("select {}", join("", [literal("hunter2"), literal("b")])),
        lambda: fragment("select * from {}{}", ident("hunter2"), ident("b")),
        lambda: fragment("select 'a {} b'", literal("hunter2")),
        lambda: fragment("select '{}'", literal("hunter2\\")),
        lambda: fragment("select {}, '{}'", literal("a"), literal("hunter2")),
        lambda: fragment("select '{}'", fragment("a {}", literal("hunter2"))),
        lambda: fragment("select {}, 'a {}'", 1, literal("hunter2")),
        lambda: fragment('select * from "{}"', ident("hunter2")),
        lambda: fragment("select '{}'::regclass", ident("hunter2")),
        lambda: fragment("select 1 -- {}", literal("hunter2")),
        lambda: fragment("select /* {} */ 1", ident("hunter2")),
        lambda: fragment("do $$ begin perform {}; end $$", literal("hunter2 $$")),
        lambda: fragment("do $a$ begin perform {}; end $a$", fragment("f({})", literal("$a$ hunter2"))),
    ],
)
def test_quotes_that_would_not_be_read_as_those_of_a_piece_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"bring quotes of their own") as caught:
        make()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (fragment("select {} || {}, {}{}", literal("a"), literal("b"), literal("c"), fragment("::text")), "'a' || 'b'"),
        (fragment("select {}{}", ident("a"), literal("b")), "\"a\"'b'"),
        (fragment("select '{{''}}' || {}", literal("")), "'{''}' || ''"),
        (fragment("create table t_{} ()", literal(2024)), "t_2024"),
        (fragment("select 'a' /* b */ -- c\n, {}", literal("d")), "-- c\n, 'd'"),
        (fragment("do $$ begin perform {}, {}; end $$", literal("a $b$"), ident("c")), "'a $b$', \"c\""),
        (fragment("select 'it''s {}'", fragment("fine")), "'it''s fine'"),
    ],
)
def test_what_only_stands_near_is_put_together(made: Fragment, text: str) -> None:
    assert text in render(made)[0]
