"""When two pieces of a schema mean the same, though they need not be spelled the same.

An expression has the text somebody declared and, once a Postgres has seen it, the canonical one. Equal in either is
equal, and no database is asked. Where all texts differ, `differences` says so, and `respelled` names the expressions,
so that whoever has a database may ask it.
"""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from sendoka.schema.model import PUBLIC, Expression, Id, Model
from sendoka.schema.typenames import user_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.schema.model import Object

__all__ = ["IDENTITY", "differences", "mentions", "remember", "respelled", "same", "sequences_in"]

T = TypeVar("T", bound="Object")

IDENTITY = frozenset({"namespace", "table", "name"})
"""The fields that say which object it is, and not what it is like."""


def same(old: Any, new: Any) -> bool:
    """Tell whether two values of a property are equal; expressions are if any of their texts are."""
    if isinstance(old, Expression) and isinstance(new, Expression):
        return bool(_texts(old) & _texts(new))
    if isinstance(old, tuple) and isinstance(new, tuple):
        return len(old) == len(new) and all(same(one, other) for one, other in zip(old, new, strict=True))
    if is_dataclass(old) and type(old) is type(new):
        return all(same(getattr(old, each.name), getattr(new, each.name)) for each in fields(old))
    return bool(old == new)


def _texts(expression: Expression) -> set[str]:
    return {text for text in (expression.declared, expression.canonical) if text is not None}


def differences(old: Object, new: Object) -> frozenset[str]:
    """Return the names of the properties in which two objects of one class differ, their names apart."""
    if old == new:
        return frozenset()
    # An extension may stand in another namespace, and be the same one.
    identity = IDENTITY if old.id.namespace == old.namespace else IDENTITY - {"namespace"}
    return frozenset(
        each.name
        for each in fields(old)
        if each.name not in identity and each.compare and not same(getattr(old, each.name), getattr(new, each.name))
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
        return _is_respelled(*(tuple(getattr(each, f.name) for f in fields(old)) for each in (old, new)))
    return False


def remember(known: Model, declared: Model) -> Model:
    """Return `declared` with the canonical texts that `known` has for the same declared ones."""
    learned = {}
    for key, each in declared.objects.items():
        before = known.objects.get(key)
        if before is not None and before != each:
            learned[key] = _remember(before, each)
    if not learned:
        return declared
    return declared.with_objects(learned.get(key, each) for key, each in declared.objects.items())


def _remember(known: Any, declared: T) -> T:
    if type(known) is not type(declared):
        return declared
    texts = {each.name: _merged(getattr(known, each.name), getattr(declared, each.name)) for each in fields(declared)}
    return replace(declared, **texts)


def _merged(known: Any, declared: Any) -> Any:
    if isinstance(known, Expression) and isinstance(declared, Expression):
        learn = declared.canonical is None and declared.declared == known.declared
        return known if learn else declared
    if isinstance(known, tuple) and isinstance(declared, tuple) and len(known) == len(declared):
        return tuple(_merged(one, other) for one, other in zip(known, declared, strict=True))
    if is_dataclass(declared) and not isinstance(declared, type) and type(known) is type(declared):
        names = [each.name for each in fields(declared)]
        return replace(declared, **{name: _merged(getattr(known, name), getattr(declared, name)) for name in names})
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
