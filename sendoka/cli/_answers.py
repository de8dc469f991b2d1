"""Answers of a person: as options, from a file, and asked at a terminal."""

from __future__ import annotations

import functools
import shlex
import sys
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sendoka.cli._options import Place, say
from sendoka.errors import AnswerMissing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sendoka.schema.answers import Answers

__all__ = ["answer_options", "ask", "is_attended", "until_answered"]

T = TypeVar("T")

_OPTIONS = (
    click.option("--rename", "renames", multiple=True, metavar="OLD=NEW", help="What went and came is one thing."),
    click.option("--create", "creates", multiple=True, metavar="NAME", help="It is new, and no rename of anything."),
    click.option("--allow", multiple=True, metavar="HAZARD", help="Allow a step that may lose data, by its name."),
    click.option(
        "--answers",
        "file",
        metavar="FILE",
        type=Place(),
        help="Read more answers from a TOML file: lists called rename, create and allow.",
    ),
)


def answer_options(command: Callable[..., T]) -> Callable[..., T]:
    """Add `--rename`, `--create`, `--allow` and `--answers`; the command gets them as one, `answers: Answers`.

    Raises SettingsError, when it is called, for a file that is not as it must be.
    """

    @functools.wraps(command)
    def called(
        *args: Any,
        renames: tuple[str, ...],
        creates: tuple[str, ...],
        allow: tuple[str, ...],
        file: Path | None,
        **options: Any,
    ) -> T:
        from sendoka.schema.answers import Answers, read_answers

        answers = Answers(renames, creates, allow) + (Answers() if file is None else read_answers(file))
        return command(*args, answers=answers, **options)

    for option in reversed(_OPTIONS):
        called = option(called)
    return called


def until_answered(attempt: Callable[[Answers], T], answers: Answers, *, as_json: bool = False) -> T:
    """Return what `attempt` returns, once a person has answered all that it asks; each answer may bring new questions.

    `attempt` is given the answers so far and raises AnswerMissing for what it lacks. That error is raised again where
    nobody sits at a terminal, or with `as_json`. Raises click.Abort, exit status 130, where the person leaves.
    """
    while True:
        try:
            return attempt(answers)
        except AnswerMissing as error:
            if as_json or not error.questions or not is_attended():
                raise
            answers += ask(error)


def is_attended() -> bool:
    """Tell whether a person sees the questions, which go to stderr, and can type."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(error: AnswerMissing) -> Answers:
    """Ask the first of the error's questions on the terminal, and return its answer.

    The others are asked once the answer is known: it may settle them. Raises click.Abort where the person leaves.
    """
    from sendoka.schema.answers import Answers

    question = error.questions[0]
    left = len(error.questions) - 1
    say("", err=True)
    say(_sentence(question["question"]), err=True)
    width = max(len(_choice(flags)) for flags in question["answers"])
    for number, flags in enumerate(question["answers"], 1):
        say(f"  {number}  {_choice(flags):{width}}   {click.style(shlex.join(flags), dim=True)}", err=True)
    more = f", {left} more to come" if left else ""
    chosen = click.prompt(
        f"Which one (Ctrl-C writes nothing{more})", type=click.IntRange(1, len(question["answers"])), err=True
    )
    return Answers.of_flags(question["answers"][chosen - 1])


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _choice(flags: list[str]) -> str:
    """Return what the arguments of an answer say in words."""
    words = []
    for flag, value in zip(flags[::2], flags[1::2], strict=True):
        words.append(_RENAMED.format(*value.split("=", 1)) if flag == "--rename" and value.count("=") == 1 else value)
        if flag == "--allow":
            words[-1] = f"yes, {value.replace(':', ' ', 1)}"
    return "; ".join(words)


_RENAMED = "it is renamed: {} is called {} now"
