"""Whatever is done to files below the newest one, the chain shows it, without a database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sendoka.errors import MigrationError
from sendoka.migrations.files import normal, parse, render
from sendoka.migrations.folder import read_folder, read_newest
from sendoka.migrations.inspection import folder_findings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.migrations.files import Migration


@dataclass
class InMemory:
    """A folder, or a file of one, that is on no disk: what `importlib.resources` gives for a zip is one too."""

    name: str
    content: bytes = b""
    files: list[InMemory] = field(default_factory=list)

    def iterdir(self) -> Iterator[InMemory]:
        return iter(self.files)

    def is_dir(self) -> bool:
        return not self.name.endswith(".sql")

    def read_bytes(self) -> bytes:
        return self.content


def _chain() -> list[Migration]:
    chain: list[Migration] = []
    for number in (0, 1, 2, 9_999, 10_000):
        name = f"{number:04d}_w{number}"
        text = render(name, chain[-1] if chain else None, [f"create table t{number} ()", "select 1"], [])
        chain.append(parse(name, text))
    return chain


CHAIN = _chain()


def folder(texts: dict[str, str]) -> InMemory:
    return InMemory("migrations", files=[InMemory(f"{name}.sql", text.encode()) for name, text in texts.items()])


def whole() -> dict[str, str]:
    """Return the texts by name, not in the order of the numbers: a folder has none."""
    return {each.name: each.text for each in sorted(CHAIN, key=lambda each: each.name)}


def test_the_folder_is_whole_before_anything_is_done_to_it() -> None:
    assert read_folder(folder(whole())) == CHAIN
    assert read_newest(folder(whole())) == CHAIN[-1]
    assert folder_findings(folder(whole())) == []


@given(
    st.integers(0, len(CHAIN) - 2),
    st.integers(0, 500),
    st.integers(0, 3),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
)
def test_no_edit_below_the_newest_file_is_missed(which: int, at: int, length: int, instead: str) -> None:
    texts = whole()
    old = CHAIN[which].text
    at %= len(old)
    new = old[:at] + instead + old[at + length :]
    assume(normal(new) != old)
    texts[CHAIN[which].name] = new
    with pytest.raises(MigrationError):
        read_folder(folder(texts))
    found = folder_findings(folder(texts))
    # What only follows is not told: the finding is of the file itself, or of the one that was made on top of it.
    assert found
    assert {each.place.partition(":")[0] for each in found} <= {
        f"migrations/{CHAIN[number].name}.sql" for number in (which, which + 1)
    }


@given(st.integers(0, len(CHAIN) - 2), st.sampled_from(["lose", "rename", "renumber", "twice"]))
def test_no_file_below_the_newest_is_moved_unseen(which: int, how: str) -> None:
    texts, name = whole(), CHAIN[which].name
    text = texts[name] if how == "twice" else texts.pop(name)
    if how == "rename":
        texts[f"{name}x"] = text
    elif how in {"renumber", "twice"}:
        other = f"0500_{name.partition('_')[2]}"
        texts[other] = text.replace(name, other, 1)
    with pytest.raises(MigrationError):
        read_folder(folder(texts))
    assert folder_findings(folder(texts))
