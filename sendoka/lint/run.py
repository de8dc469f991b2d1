"""Every rule that is switched on, over one schema."""

from __future__ import annotations

import difflib
from functools import cache
from typing import TYPE_CHECKING, Any

from sendoka.discover import objects_of
from sendoka.errors import SettingsError
from sendoka.lint.rule import Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sendoka.lint.rule import Options
    from sendoka.schema.model import Model

__all__ = ["RULE", "all_rules", "lint"]

RULE = "rule/"
"""What the id of a rule's findings begins with."""

_EXCEPT = "except"


@cache
def all_rules() -> tuple[Rule, ...]:
    """Return every rule, by the name of its file."""
    return tuple(objects_of("sendoka.lint.schema_rules", Rule, noun="rule"))


def lint(model: Model, settings: Mapping[str, Any]) -> list[Finding]:
    """Return what the rules find in a schema, by rule and by place in the schema.

    `settings` is `[tool.sendoka.rules]`: for a rule's name `false` to switch it off, `true`, or a table of its options,
    each a list of names. Raises SettingsError for a rule or an option that does not exist, and for other values.
    """
    _known(settings, [rule.name for rule in all_rules()], "rule", "")
    findings = []
    for rule in all_rules():
        given = settings.get(rule.name, True)
        if given is not False:
            options = _options(rule, given)
            spared = options[_EXCEPT]
            findings += [
                Finding(f"{RULE}{rule.name}", *each)
                for each in rule.check(model, options)
                if _table_of(each[0]) not in spared
            ]
    return findings


def _table_of(address: str) -> str:
    """Return the address of the table: that of a column or an index without its last part."""
    return address.rpartition(".")[0] or address


def _options(rule: Rule, given: Any) -> Options:
    defaults: dict[str, tuple[str, ...]] = {_EXCEPT: (), **rule.options}
    if given is True:
        return defaults
    if not isinstance(given, dict):
        raise SettingsError(f"the rule {rule.name} takes true, false or a table of options, not {given!r}")
    _known(given, defaults, "option", f" of the rule {rule.name}")
    for name, value in given.items():
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise SettingsError(f"the option {name} of the rule {rule.name} must be a list of names, not {value!r}")
    return {**defaults, **{name: tuple(value) for name, value in given.items()}}


def _known(names: Iterable[str], known: Iterable[str], noun: str, owner: str) -> None:
    known = list(known)
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            todo = f"did you mean {near[0]}?" if near else "there are " + ", ".join(known)
            raise SettingsError(f"there is no {noun} {name}{owner}", where="in [tool.sendoka.rules]", todo=todo)
