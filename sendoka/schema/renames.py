"""Which names mean the same thing before and after: answers `old=new` read against what went and what came.

What is renamed is read in stages, for each changes the names that the next goes by: namespaces, what stands in them,
routines (their names hold types), and parts: columns, constraints, indexes, values of enums.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sendoka.errors import SettingsError
from sendoka.schema.kinds import kind_of, kinds_by_name
from sendoka.schema.kinds.enum import Enum
from sendoka.schema.model import Id, Member, Model
from sendoka.schema.renaming import Renaming
from sendoka.schema.spelling import differences

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from sendoka.schema.model import Object

__all__ = ["addresses", "become", "kinds_of", "name_holder", "pieces", "read_renames", "splits"]

_TODO = "write it as --rename table=table, or --rename table.column=table.column; enums, values and all else alike"


@dataclass(frozen=True, slots=True)
class _Thing:
    """What may be renamed: its id before anything is, the id it has once the stages before are done, and its object.

    The object of an enum's value is its enum.
    """

    first: Id
    now: Id
    obj: Object

    @property
    def addresses(self) -> frozenset[str]:
        """What an answer may call it."""
        return addresses(self.first) | addresses(self.now)


def read_renames(texts: Sequence[str], old: Model, new: Model, creates: Collection[str] = ()) -> Renaming:
    """Return the renames that the answers `old=new` name: `widgets=gadgets`, `messages.body=messages.text`.

    The old address of a part may have its table's old or new name; its new one may be the bare name. Before both may
    stand the kind and a space, `index t.a=t.b`, and must where the names alone fit two kinds. The marks of `new` are
    answers too, where they fit and no answer of `texts` or `creates` says otherwise. Raises SettingsError, with the
    reason, for an answer that fits nothing that went while its like came.
    """
    if not (texts or new.marks):
        return Renaming()
    reading = _Reading(old, new)
    rest, marks = list(dict.fromkeys(texts)), [each for each in new.marks if _new_name(each) not in creates]
    for things in _STAGES:
        gone = list(things(reading.moved, new, reading.firsts))
        come = list(things(new, reading.moved, None))
        rest = [text for text in rest if not reading.take(text, gone, come)]
        for mark in marks:
            reading.take(mark, gone, come, is_mark=True)
        reading.move()
    if rest:
        what, todo = _why_not(rest[0], old, new)
        raise SettingsError(f"--rename {rest[0]} fits nothing: {what}", todo=todo)
    return reading.renaming


def _new_name(text: str) -> str:
    return text.rpartition("=")[2].strip()


class _Reading:
    """The renames that were read so far, and the old model after them."""

    def __init__(self, old: Model, new: Model) -> None:
        self.old = old
        self.new = new
        self.names: dict[Id, str] = {}
        self.homes: dict[Id, str] = {}
        self.come: set[Id] = set()
        self.renaming = Renaming()
        self.moved = old
        self.firsts: dict[Id, Id] = {key: key for key in old.objects}

    def take(self, text: str, gone: Sequence[_Thing], come: Sequence[_Thing], *, is_mark: bool = False) -> bool:
        """Add what `text` names, and tell whether it fitted. Raises SettingsError where it does, and cannot be."""
        kind, pairs = _fitting(text, gone, come)
        if not pairs:
            return False
        kinds = {one.now.kind for one, _ in pairs} | (set() if kind else kinds_of(text, self.old, self.new))
        if len(kinds) > 1:
            say = " or ".join(shlex.quote(f"{each} {text}") for each in sorted(kinds))
            raise SettingsError(f"--rename {text} fits more than one thing", todo=f"say which: {say}")
        one, other = pairs[0]
        taken = one.first in self.names or one.first in self.homes or other.now in self.come
        reason = self._hindrance(one, other)
        if is_mark and (taken or reason):
            return False
        if taken or len(pairs) > 1:
            said = "one of the two is renamed already" if taken else "it fits more than one thing"
            raise SettingsError(f"--rename {text}: {said}")
        if reason:
            raise SettingsError(f"--rename {text}: {reason}")
        self._add(one, other)
        return True

    def _add(self, one: _Thing, other: _Thing) -> None:
        self.come.add(other.now)
        if one.now.name != other.now.name:
            self.names[one.first] = other.now.name
        if one.now.namespace != other.now.namespace:
            self.homes[one.first] = other.now.namespace

    def _hindrance(self, one: _Thing, other: _Thing) -> str:
        """Return why the one cannot become the other; an empty text where it can."""
        if not become(one.obj, other.obj):
            return f"it cannot be changed into the other in place, so {one.now.kind} {one.now.name} is made anew"
        if one.now.namespace != other.now.namespace and getattr(one.obj, "owner", None):
            return "a sequence that goes with a column moves with its table: rename the table, or only the sequence"
        holder = None if one.now.kind == "enum-value" else name_holder(one.obj, other.obj, self.moved)
        if holder is None or self.firsts[holder.id] in {**self.names, **self.homes}:
            return ""
        return f"{holder.id} still has that name: let it go in a migration before this one"

    def move(self) -> None:
        """End a stage: the old model has the new names from here on."""
        self.renaming = Renaming(self.names, self.homes).completed(self.old)
        if not self.renaming:
            return
        both = [(key, kind_of(each).moved(each, self.renaming)) for key, each in self.old.objects.items()]
        self.moved = Model.of((each for _, each in both), self.old.unmanaged, silent=self.old.silent)
        self.firsts = {each.id: key for key, each in both}


def become(old: Object, new: Object) -> bool:
    """Tell whether `old`, once it has the name of `new`, can stay while the rest is changed."""
    kind = kind_of(old)
    if kind.renames_on_answer:
        return True
    if getattr(old, "types", None) != getattr(new, "types", None):
        return False
    homes = {} if isinstance(old, Member) else {old.id: new.namespace}
    named = kind.moved(old, Renaming({old.id: new.name}, homes))
    changed = differences(named, new)
    return not changed or kind.altered(named, new, changed) is not None


def name_holder(old: Object, new: Object, model: Model) -> Object | None:
    """Return what else of `model` has the name of `new` among relations and types, which share theirs; else None."""
    place = _occupied(new)
    if place is None or place == _occupied(old):
        return None
    return next((each for each in model if _occupied(each) == place and each.id != old.id), None)


def _occupied(each: Object) -> tuple[str, str] | None:
    name = kind_of(each).relation(each) or (each.name if each.is_type else None)
    return None if name is None else (each.namespace, name)


# ------------------------------------------------------------------ what went and what came


def _namespaces(model: Model, other: Model, firsts: dict[Id, Id] | None) -> Iterator[_Thing]:
    return _lone(model, other, firsts, lambda each: each.kind == "namespace")


def _standing(model: Model, other: Model, firsts: dict[Id, Id] | None) -> Iterator[_Thing]:
    return _lone(model, other, firsts, lambda each: each.kind != "namespace" and not each.is_routine)


def _routines(model: Model, other: Model, firsts: dict[Id, Id] | None) -> Iterator[_Thing]:
    return _lone(model, other, firsts, lambda each: each.is_routine)


def _lone(
    model: Model, other: Model, firsts: dict[Id, Id] | None, wanted: Callable[[Object], bool]
) -> Iterator[_Thing]:
    for key, each in model.objects.items():
        lone = key not in other and not isinstance(each, Member)
        if lone and _may_be_renamed(each) and wanted(each):
            yield _Thing(key if firsts is None else firsts[key], key, each)


def _parts(model: Model, other: Model, firsts: dict[Id, Id] | None) -> Iterator[_Thing]:
    for key, each in model.objects.items():
        first = key if firsts is None else firsts[key]
        if isinstance(each, Member):
            stays = (each.namespace, each.table) in other.relations
            if key not in other and stays and _may_be_renamed(each):
                yield _Thing(first, key, each)
        elif isinstance(each, Enum):
            twin = other.objects.get(key)
            if isinstance(twin, Enum):
                old = replace(each, name=first.name, namespace=first.namespace)
                for label in each.values:
                    if label not in twin.values:
                        yield _Thing(old.value(label), each.value(label), each)


def _may_be_renamed(each: Object) -> bool:
    return kind_of(each).renames_on_answer or kind_of(each).renames_if_alterable


def pieces(old: Object, new: Object) -> tuple[list[Id], list[Id]]:
    """Return what of `old` is not in `new`, and the other way round, of what has names without being an object."""
    if not (isinstance(old, Enum) and isinstance(new, Enum)):
        return [], []
    gone = [old.value(label) for label in old.values if label not in new.values]
    return gone, [new.value(label) for label in new.values if label not in old.values]


_STAGES = (_namespaces, _standing, _routines, _parts)

# ------------------------------------------------------------------ texts


def splits(text: str) -> Iterator[tuple[str, str]]:
    """Yield every way to read `text` as old=new: a quoted name may hold the sign."""
    for place, sign in enumerate(text):
        if sign == "=":
            yield text[:place].strip(), text[place + 1 :].strip()


def addresses(key: Id) -> frozenset[str]:
    """Return what an answer may call it: its address, and that without quotes where it is a routine's."""
    plain = key.name if key.namespace in {"public", ""} else f"{key.namespace}.{key.name}"
    return frozenset({key.address, plain}) if not key.table and key.name.endswith(")") else frozenset({key.address})


def _fitting(text: str, gone: Sequence[_Thing], come: Sequence[_Thing]) -> tuple[str, list[tuple[_Thing, _Thing]]]:
    """Return the kind that the text begins with, if it does, and the pairs that it fits.

    What is always asked for goes before what is asked for only sometimes: a column before a check of its name.
    """
    pairs = list(_pairs(text, gone, come))
    surely = [pair for pair in pairs if kind_of(pair[0].obj).renames_on_answer]
    if pairs:
        return "", surely or pairs
    kind, _, rest = text.partition(" ")
    return kind, [pair for pair in _pairs(rest.strip(), gone, come) if pair[0].now.kind == kind]


def _pairs(text: str, gone: Sequence[_Thing], come: Sequence[_Thing]) -> Iterator[tuple[_Thing, _Thing]]:
    for before, after in splits(text):
        for one in gone:
            if before in one.addresses:
                yield from ((one, other) for other in come if _is_like(one, other) and after in _new_names(other))


def _is_like(one: _Thing, other: _Thing) -> bool:
    """Tell whether both are of one kind and, as parts, of one table."""
    if one.now.kind != other.now.kind:
        return False
    return not one.now.table or (one.now.namespace, one.now.table) == (other.now.namespace, other.now.table)


def _new_names(thing: _Thing) -> frozenset[str]:
    return addresses(thing.now) | ({thing.now.name} if thing.now.table else frozenset())


def kinds_of(text: str, old: Model, new: Model) -> set[str]:
    """Return the kinds, of those always asked for, of which something with the old name went and one with the new came.

    Where they are more than one, an answer must say which.
    """
    kinds = set()
    for before, after in splits(text):
        gone = {key.kind for key in old.objects if key not in new and before in addresses(key)}
        come = {key.kind for key in new.objects if key not in old and after in addresses(key)}
        kinds |= {kind for kind in gone & come if kinds_by_name()[kind].renames_on_answer}
    return kinds


def _why_not(text: str, old: Model, new: Model) -> tuple[str, str]:
    """Return what is wrong with an answer that fits nothing, and what to do."""
    olds = {address for key in old.objects for address in addresses(key)}
    news = {address for key in new.objects for address in addresses(key)}
    for before, after in splits(text):
        if before in olds and before in news:
            return f"{before} is still there", _TODO
        if after in olds and after in news:
            return f"{after} was there before", _TODO
    return "nothing of that name went while the other came", _TODO
