"""What an error says to do about a slip in the call: only where text and parameters show that it was one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from sendoka.database.statement import Statement
from sendoka.errors import DatabaseError, ProgrammingError
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


def test_of_a_list_the_statement_is_named_whose_parameters_do_not_fit() -> None:
    fine, wrong = Statement("select $1", ("1",)), Statement("select $1, $2", ("1",))
    error = raised([fine, wrong, fine], BIND.format(1, 2), "08P01")
    assert error.statement == wrong.text
    assert "has $1 to $2, and 1 parameter was given" in str(error)
