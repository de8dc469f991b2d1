"""Template strings of PEP 750 are composed as fragments are: by a stand-in, and for real where Python has them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import fragment, ident, join
from sendoka.http.compose import compose
from sendoka.http.templates import is_template

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Interpolation:
    """As `string.templatelib.Interpolation`."""

    value: object
    expression: str = "value"
    conversion: str | None = None
    format_spec: str = ""


class StandIn:
    """As `string.templatelib.Template`: iterating leaves empty texts out."""

    def __init__(self, *parts: str | Interpolation) -> None:
        strings = [""]
        for part in parts:
            if isinstance(part, str):
                strings[-1] += part
            else:
                strings.append("")
        self.strings = tuple(strings)
        self.interpolations = tuple(part for part in parts if isinstance(part, Interpolation))

    def __iter__(self) -> Iterator[str | Interpolation]:
        for at, text in enumerate(self.strings):
            if text:
                yield text
            if at < len(self.interpolations):
                yield self.interpolations[at]


def value(given: object, **facts: Any) -> Interpolation:
    return Interpolation(given, **facts)


@pytest.mark.parametrize(
    ("template", "text", "params"),
    [
        (StandIn("select 1"), "select 1", ()),
        (StandIn("select ", value(7)), "select $1", (7,)),
        (StandIn(value(1), ", ", value(2)), "$1, $2", (1, 2)),
        (StandIn("a = ", value(None), " and b = ", value([1])), "a = $1 and b = $2", (None, [1])),
        (StandIn("from ", value(ident("orgs")), " where id = ", value(5)), 'from "orgs" where id = $1', (5,)),
        (StandIn("where ", value(StandIn("a = ", value(1))), " and b = ", value(2)), "where a = $1 and b = $2", (1, 2)),
        (
            StandIn("where ", value(join(" and ", [fragment("a = {}", 1), StandIn("b = ", value(2))]))),
            "where a = $1 and b = $2",
            (1, 2),
        ),
        (fragment("where {}", StandIn("a = ", value(1))), "where a = $1", (1,)),
        (StandIn("select '{}'"), "select '{}'", ()),
    ],
)
def test_a_template_is_composed(template: Any, text: str, params: tuple[object, ...]) -> None:
    assert compose(template, ()) == (text, params)


@pytest.mark.parametrize(
    ("template", "error", "says"),
    [
        (
            StandIn("a = ", value("x", expression="name", conversion="r")),
            ValueError,
            "{name!r}: a value goes to Postgres",
        ),
        (StandIn("a = ", value("x", expression="n", format_spec=">5")), ValueError, "{n:>5}: a value goes to Postgres"),
        (
            StandIn("from ", value("x", expression="t", format_spec="i")),
            ValueError,
            r"{t:i}: .*a name is written by ident\(\)",
        ),
        (StandIn("like '%", value("x"), "%'"), ValueError, "inside quotes"),
        (StandIn("a = $1 and b = ", value("x")), ValueError, "a [$]1 of its own"),
        (StandIn("(", value([ident("x")], expression="columns"), ")"), TypeError, "{columns} is a list of fragments"),
    ],
)
def test_what_is_wrong_in_a_template_is_said(template: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        compose(template, ())


def test_a_template_takes_no_parameters_beside_it() -> None:
    with pytest.raises(TypeError, match="give none behind it"):
        compose(StandIn("select ", value(1)), (1,))


@pytest.mark.parametrize("other", ["text", None, 5, [], fragment("x"), __import__("string").Template("$x")])
def test_other_things_are_no_templates(other: object) -> None:
    assert not is_template(other)


REAL = """
name, org, table = "x' or 1=1 --", "org_1", "orgs"
mine = t"org_id = {org}"
cases = [
    (t"select {name}", ("select $1", (name,))),
    (t"select * from {ident(table)} where {mine} and name = {name}",
     ('select * from "orgs" where org_id = $1 and name = $2', (org, name))),
    (t"select '{{}}', {name}", ("select '{}', $1", (name,))),
    (t"{name}{org}", ("$1$2", (name, org))),
    (t"select {join(', ', [1, 2])}", ("select $1, $2", (1, 2))),
]
refused = [(t"select {name!r}", "{name!r}"), (t"select {name:>5}", "{name:>5}"), (t"select {name=}", "{name!r}")]
"""


@pytest.mark.skipif(sys.version_info < (3, 14), reason="Python has template strings from 3.14 on")
def test_the_template_strings_of_python_itself_are_composed() -> None:
    scope: dict[str, Any] = {"ident": ident, "join": join}
    exec(REAL, scope)  # noqa: S102 - older Pythons cannot read this source
    for template, composed in scope["cases"]:
        assert compose(template, ()) == composed
    for template, shown in scope["refused"]:
        with pytest.raises(ValueError, match="a value goes to Postgres as it is") as caught:
            compose(template, ())
        assert str(caught.value).startswith(shown)
