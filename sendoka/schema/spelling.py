"""When two pieces of a schema mean the same, though they need not be spelled the same.

An expression has the text somebody declared and, once a Postgres has seen it, the canonical one. Equal in either is
equal, and no database is asked. Where all texts differ, `differences` says so, and `respelled` names the expressions,
so that whoever has a database may ask it.
"""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from sendoka.schema.model import PUBLIC, Expression, Id, Model
from sendoka.schema.typenames import user_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.schema.model import Object

__all__ = ["IDENTITY", "differences", "mentions", "remember", "respelled", "same", "sequences_in"]

IDENTITY = frozenset({"namespace", "table", "name"})
"""The fields that say which object it is, and not what it is like."""


def same(old: Any, new: Any) -> bool:
    """Tell whether two values of a property are equal; expressions are if any of their texts are."""
    if old == new:
        return True
    if isinstance(old, Expression) and isinstance(new, Expression):
        return bool(_texts(old) & _texts(new))
    if isinstance(old, tuple) and isinstance(new, tuple):
        return len(old) == len(new) and all(same(one, other) for one, other in zip(old, new, strict=True))
    if is_dataclass(old) and type(old) is type(new):
        return all(same(getattr(old, name), getattr(new, name)) for name in _names(old))
    return False


def _names(value: Any) -> tuple[str, ...]:
    """Return the names of a dataclass' fields."""
    return _fields(value)[0]


def _told(value: Any) -> tuple[str, ...]:
    """Return the names of those fields of a dataclass that count when two are compared."""
    return _fields(value)[1]


def _fields(value: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Look them up once a class, for they are asked for every object."""
    of = type(value)
    if of not in _FIELDS:
        found = fields(value)
        _FIELDS[of] = tuple(each.name for each in found), tuple(each.name for each in found if each.compare)
    return _FIELDS[of]


_FIELDS: dict[type[Any], tuple[tuple[str, ...], tuple[str, ...]]] = {}


def _texts(expression: Expression) -> set[str]:
    return {text for text in (expression.declared, expression.canonical) if text is not None}


def differences(old: Object, new: Object) -> frozenset[str]:
    """Return the names of the properties in which two objects of one class differ, their names apart."""
    if old == new:
        return frozenset()
    # An extension may stand in another namespace, and be the same one.
    identity = IDENTITY if old.id.namespace == old.namespace else IDENTITY - {"namespace"}
    return frozenset(
        name for name in _told(old) if name not in identity and not same(getattr(old, name), getattr(new, name))
    )


def respelled(old: Object, new: Object) -> tuple[str, ...]:
    """Return the properties that differ in the text of an expression alone: Postgres may find them equal."""
    return tuple(
        sorted(name for name in differences(old, new) if _is_respelled(getattr(old, name), getattr(new, name)))
    )


def _is_respelled(old: Any, new: Any) -> bool:
    if isinstance(old, Expression) and isinstance(new, Expression):
        return True
    if isinstance(old, tuple) and isinstance(new, tuple) and len(old) == len(new):
        pairs = [(one, other) for one, other in zip(old, new, strict=True) if not same(one, other)]
        return all(_is_respelled(one, other) for one, other in pairs)
    if is_dataclass(old) and type(old) is type(new):
        return _is_respelled(*(tuple(getattr(each, name) for name in _names(old)) for each in (old, new)))
    return False


def remember(known: Model, declared: Model) -> Model:
    """Return `declared` with the canonical texts that `known` has for the same declared ones."""
    learned = {}
    for key, each in declared.objects.items():
        before = known.objects.get(key)
        if before is not None and before != each:
            after = _merged(before, each)
            if after is not each:
                learned[key] = after
    return declared.with_texts(learned) if learned else declared


def _merged(known: Any, declared: Any) -> Any:
    """Return `declared` with what `known` knows of it; itself where that is nothing."""
    if known == declared or type(known) is not type(declared):
        return declared
    if isinstance(declared, Expression):
        learn = declared.canonical is None and declared.declared == known.declared
        return known if learn else declared
    if isinstance(declared, tuple) and len(known) == len(declared):
        pairs = [(each, _merged(one, each)) for one, each in zip(known, declared, strict=True)]
        return tuple(after for _, after in pairs) if any(after is not each for each, after in pairs) else declared
    if is_dataclass(declared):
        texts = {}
        for name in _names(declared):
            each = getattr(declared, name)
            after = _merged(getattr(known, name), each)
            if after is not each:
                texts[name] = after
        return replace(declared, **texts) if texts and not isinstance(declared, type) else declared
    return declared


_PART = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
# A string literal with the type it is cast to, a cast of anything else, a name in double quotes, a word.
_TOKEN = re.compile(
    rf"""(?P<label>'(?:[^']|'')*')(?:::(?P<of>{_PART}\.{_PART}))?|::(?P<cast>{_PART}\.{_PART})"""
    r"""|"(?P<quoted>(?:[^"]|"")+)"|(?P<word>[^\W\d][\w$]*)"""
)


def mentions(expression: Expression, name: str) -> bool:
    """Tell whether the text may speak of a column called `name`. It may be wrong by saying yes."""
    return any(_name_of(token) == name for token in _TOKEN.finditer(expression.text))


_SEQUENCE = re.compile(r"'((?:[^']|'')+)'::regclass|\bnextval\('((?:[^']|'')+)'\)", re.IGNORECASE)


def sequences_in(expression: Expression | None) -> Iterator[Id]:
    """Yield the ids of the sequences that a default may take numbers from."""
    for match in _SEQUENCE.finditer(expression.text if expression is not None else ""):
        name = (match[1] or match[2]).replace("''", "'")
        namespace, name, _ = user_type(name) or (PUBLIC, name.strip('"'), "")
        yield Id("sequence", namespace, "", name)


def _name_of(token: re.Match[str]) -> str | None:
    if token["quoted"] is not None:
        return token["quoted"].replace('""', '"')
    return token["word"].lower() if token["word"] is not None else None
