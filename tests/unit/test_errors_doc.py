"""docs/errors.md is what the errors' classes say of themselves, and they say all of it."""

from __future__ import annotations

import inspect
import json
import re

import pytest

from docs.errors import PAGE, page, story
from sendoka import errors
from sendoka.database.statement import Statement
from sendoka.errors import DatabaseError, Outcome, SendokaError, TransportError
from sendoka.http.reply import Reply, read_batch, read_single

CLASSES = [cls for name, cls in vars(errors).items() if inspect.isclass(cls) and issubclass(cls, SendokaError)]


def test_the_page_is_the_one_that_the_classes_make() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make docs"


@pytest.mark.parametrize("cls", CLASSES)
def test_the_page_has_every_error_once(cls: type[SendokaError]) -> None:
    places = re.findall(rf"^(?:##+ {cls.__name__}|\| `{cls.__name__}` \|.*)$", page(), re.MULTILINE)
    assert len(places) == 1


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_says_when_and_what_to_do(cls: type[SendokaError]) -> None:
    when, _, todo = story(cls)
    assert when[0].isupper() or when.startswith("`")
    assert when.endswith(".")
    assert todo.endswith(".")


@pytest.mark.parametrize("cls", [cls for cls in CLASSES if cls is not SendokaError])
def test_no_error_leaves_its_story_to_the_class_above(cls: type[SendokaError]) -> None:
    assert story(cls) != story(next(base for base in cls.__mro__[1:] if issubclass(base, SendokaError)))


def test_a_docstring_of_another_shape_is_no_story() -> None:
    class Silent(SendokaError):
        """It went wrong."""

    with pytest.raises(ValueError, match="docstring of Silent has to end"):
        story(Silent)


@pytest.mark.parametrize("cls", CLASSES)
def test_an_error_of_a_call_names_its_outcomes_and_others_have_none(cls: type[SendokaError]) -> None:
    is_of_a_call = issubclass(cls, DatabaseError | TransportError | errors.OnceKeyReused | errors.MigrationFailed)
    assert bool(cls.outcomes) is is_of_a_call
    assert len(cls.outcomes) == len(set(cls.outcomes))
    if is_of_a_call and cls is not errors.OnceKeyReused:
        # After a send that was lost, the error of a later one says unknown, whatever it is.
        assert Outcome.UNKNOWN in cls.outcomes


def test_the_tree_in_the_package_shows_every_branch() -> None:
    shown = set(re.findall(r"\w+", errors.__doc__ or ""))
    branches = {cls.__name__ for cls in CLASSES if cls.__subclasses__() or SendokaError in cls.__bases__}
    assert branches <= shown
    names = set(re.findall(r"\b[A-Z][a-z]+[A-Z]\w+", errors.__doc__ or ""))
    assert names <= {cls.__name__ for cls in CLASSES}


CODES = sorted({code.ljust(5, "0") for cls in CLASSES if issubclass(cls, DatabaseError) for code in cls.sqlstates})


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("code", CODES)
def test_an_answer_of_postgres_has_an_outcome_that_its_class_names(code: str, batch: bool) -> None:
    """As the server sends it: what it ends the connection with is FATAL, and what it refuses at login is status 500."""
    fatal = code.startswith(("28", "3D", "57P", "25P04", "53300"))
    at_login = code in {"53300", "57P03"}
    body = json.dumps({"message": "no", "code": code, "severity": "FATAL" if fatal else "ERROR"}).encode()
    reply = Reply(500 if at_login else 400, body)
    with pytest.raises(DatabaseError) as caught:
        read_batch(reply, [Statement("x")]) if batch else read_single(reply, Statement("x"))
    assert caught.value.outcome in type(caught.value).outcomes
    assert caught.value.outcome is type(caught.value).outcomes[0] or type(caught.value) is errors.OperationalError
