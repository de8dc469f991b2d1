"""A folder that is not what it should be: all that is wrong is found, with its place and the way out."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from sendoka.errors import InvalidMigration, MigrationError
from sendoka.http.request import MAX_BODY
from sendoka.migrations.files import MOST_BYTES, Replaced, parse, render
from sendoka.migrations.flaw import KINDS
from sendoka.migrations.folder import look, read_folder, read_newest
from sendoka.migrations.inspection import folder_findings, not_looked_at, refuse_statements
from sendoka.migrations.syntax import why_not

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sendoka.migrations.files import Migration

NAMES = ("0000_calm_heron", "0001_brave_otter", "0002_quiet_fox", "0003_late_owl")


class Chain:
    """A folder of four good migrations, to be spoiled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[Migration] = []
        for number, name in enumerate(NAMES):
            self.add(name, [f"create table t{number} ()"], self.files[-1] if self.files else None)

    def add(self, name: str, statements: list[str], parent: Migration | None) -> Migration:
        text = render(name, parent, statements, [])
        (self.folder / f"{name}.sql").write_text(text)
        self.files.append(parse(name, text))
        return self.files[-1]

    def edit(self, number: int, old: str, new: str) -> None:
        path = self.folder / f"{NAMES[number]}.sql"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def move(self, number: int, to: str) -> None:
        (self.folder / f"{NAMES[number]}.sql").rename(self.folder / to)

    def lose(self, number: int) -> None:
        (self.folder / f"{NAMES[number]}.sql").unlink()

    def squash(self, name: str, checksum: str = "") -> None:
        last = self.files[1]
        replaces = Replaced(NAMES[0], last.name, checksum or last.checksum)
        (self.folder / f"{name}.sql").write_text(render(name, None, ["select 1"], [], replaces=replaces))


def _replace(chain: Chain, number: int) -> Path:
    chain.lose(number)
    return chain.folder / f"{NAMES[number]}.sql"


def _renumber(chain: Chain) -> None:
    chain.edit(2, "-- sendoka: 0002_", "-- sendoka: 0005_")
    chain.move(2, "0005_quiet_fox.sql")


def _out_of_order(chain: Chain) -> None:
    chain.add("0005_old", ["select 1"], chain.files[3])
    chain.add("0004_new", ["select 1"], chain.files[4])


def _another_case(chain: Chain) -> None:
    chain.add("0004_a", ["select 1"], chain.files[3])
    chain.move(3, "0003_Late_Owl.SQL")


def _three_things(chain: Chain) -> None:
    chain.edit(1, "\n\n", "\n-- x: 1\n-- lock-timeout: 0\n\n")
    chain.edit(3, "create", "commit; create")


def _squash_beside(chain: Chain) -> None:
    chain.lose(1)
    chain.squash("0001_start")


def _squash_of_another(chain: Chain) -> None:
    chain.lose(0)
    chain.lose(1)
    chain.squash("0001_start", "0" * 64)


# What is done to the folder; and of each finding its kind, its place, words of what is wrong and of the way out.
CASES: list[tuple[str, Callable[[Chain], object], list[tuple[str, str, str, str]]]] = [
    ("nothing is wrong", lambda chain: chain, []),
    (
        "edited below the head",
        lambda chain: chain.edit(1, "table t1", "table u1"),
        [("edited", "0002_quiet_fox.sql:2", "0001_brave_otter.sql was edited after 0002_quiet_fox.sql", "restore")],
    ),
    (
        "an edited comment counts",
        lambda chain: chain.edit(1, "\n\n", "\n-- word\n\n"),
        [("edited", "0002_quiet_fox.sql:2", "0001_brave_otter.sql was edited", "git checkout")],
    ),
    (
        "lost",
        lambda chain: chain.lose(1),
        [("lost", "0002_quiet_fox.sql:2", "follows 0001_brave_otter, which is not", "restore 0001_brave_otter.sql")],
    ),
    (
        "the first is lost",
        lambda chain: chain.lose(0),
        [("lost", "0001_brave_otter.sql:2", "follows 0000_calm_heron, which is not", "never deleted")],
    ),
    (
        "renamed",
        lambda chain: chain.move(2, "0002_loud_fox.sql"),
        [("file-name", "0002_loud_fox.sql:1", "says that it is 0002_quiet_fox", "back to 0002_quiet_fox.sql")],
    ),
    (
        "renumbered",
        _renumber,
        [
            (
                "lost",
                "0003_late_owl.sql:2",
                "it seems to be 0005_quiet_fox now",
                "call 0005_quiet_fox.sql 0002_quiet_fox",
            ),
            ("forked", "0005_quiet_fox.sql:2", "follows 0001_brave_otter, but 0003_late_owl", "sendoka rebase"),
        ],
    ),
    (
        "forked with the same number",
        lambda chain: chain.add("0003_other_owl", ["select 1"], chain.files[2]),
        [
            (
                "duplicate-number",
                "0003_other_owl.sql",
                "number 0003: 0003_late_owl.sql and 0003_other",
                "`sendoka rebase` puts",
            )
        ],
    ),
    (
        "the same number with more digits",
        lambda chain: chain.add("00003_late_owl", ["select 1"], chain.files[2]),
        [
            (
                "duplicate-number",
                "0003_late_owl.sql",
                "number 0003: 00003_late_owl.sql and 0003_late",
                "`sendoka rebase` puts",
            )
        ],
    ),
    (
        "forked with another number",
        lambda chain: chain.add("0004_other_owl", ["select 1"], chain.files[2]),
        [("forked", "0004_other_owl.sql:2", "follows 0002_quiet_fox, but 0003_late_owl", "sendoka rebase")],
    ),
    (
        "a second first file",
        lambda chain: chain.add("0004_root", ["select 1"], None),
        [("forked", "0004_root.sql:2", "says it is the first", "`sendoka rebase` puts")],
    ),
    (
        "out of order",
        _out_of_order,
        [("out-of-order", "0004_new.sql:2", "follows 0005_old, whose number is not lower", "its old number")],
    ),
    (
        "names that differ in case",
        _another_case,
        [("file-name", "0003_Late_Owl.SQL", "is not the name of a migration", "a–z")],
    ),
    (
        "no name of a migration",
        lambda chain: (chain.folder / "notes.sql").write_text(""),
        [("file-name", "notes.sql", "is not the name", "0042_reflective_fury.sql")],
    ),
    (
        "an unknown directive",
        lambda chain: chain.edit(3, "\n\n", "\n-- transactoin: none\n\n"),
        [("directive", "0003_late_owl.sql:3", "unknown directive 'transactoin'", "did you mean transaction?")],
    ),
    (
        "a directive twice",
        lambda chain: chain.edit(3, "\n\n", "\n-- lock-timeout: 2s\n-- lock-timeout: 3s\n\n"),
        [("directive", "0003_late_owl.sql:4", "lock-timeout twice, in the lines 3 and 4", "keep one")],
    ),
    (
        "directives below the header",
        lambda chain: chain.edit(
            3, "\n\n", "\n\n-- lock-timeout: 2s\n-- transaction: as ever\n/*\n-- transaction: none\n*/ "
        ),
        [("directive", "0003_late_owl.sql:4", "lock-timeout below its header", "above the first empty line")],
    ),
    (
        "two things in one file, and a third in another",
        _three_things,
        [
            ("directive", "0001_brave_otter.sql:3", "unknown directive 'x'", "known are sendoka, parent"),
            ("directive", "0001_brave_otter.sql:4", "lock-timeout that cannot be read: 0", "30s"),
            ("several-commands", "0003_late_owl.sql:4", "2 commands as statement 1", "--> statement-breakpoint"),
            ("transaction-command", "0003_late_owl.sql:4", "holds commit", "leave it out"),
        ],
    ),
    (
        "files that a squash replaces",
        _squash_beside,
        [("squash", "0001_start.sql:2", "and 0000_calm_heron.sql is beside it", "delete the files that it replaces")],
    ),
    (
        "a squash of another chain",
        _squash_of_another,
        [("squash", "0002_quiet_fox.sql:2", "0001_start.sql stands for another 0001_brave_otter", "git checkout")],
    ),
    (
        "not UTF-8",
        lambda chain: (chain.folder / f"{NAMES[2]}.sql").write_bytes(b"-- sendoka: x\n\xff"),
        [("encoding", "0002_quiet_fox.sql:2", "is not UTF-8: see byte 14", "save the file")],
    ),
    (
        "NUL",
        lambda chain: chain.edit(3, "()", "()\n\0"),
        [("encoding", "0003_late_owl.sql:5", "holds NUL", "leave the character out")],
    ),
    (
        "a conflict of a merge in one's own SQL",
        lambda chain: chain.edit(3, "create", "<<<<<<< HEAD\nselect 1\n=======\nselect 2\n>>>>>>> main\ncreate"),
        [("conflict", "0003_late_owl.sql:4", "two branches made a file of this name", "git checkout --ours")],
    ),
    (
        "a conflict of a merge in the header",
        lambda chain: chain.edit(3, "-- parent", "<<<<<<< HEAD\n-- a: b\n=======\n>>>>>>> main\n-- parent"),
        [("conflict", "0003_late_owl.sql:2", "holds a merge conflict of Git", "write the other's change anew")],
    ),
    (
        "the marks of a conflict in a literal",
        lambda chain: chain.edit(
            3, "create", "select '\n<<<<<<< HEAD\n=======\n>>>>>>> main\n';\n--> statement-breakpoint\ncreate"
        ),
        [],
    ),
    (
        "a folder in place of a file",
        lambda chain: _replace(chain, 2).mkdir(),
        [("unreadable", "0002_quiet_fox.sql", "is a folder, and no file", "take it away")],
    ),
    (
        "a pipe, which would be read for ever",
        lambda chain: os.mkfifo(_replace(chain, 3)),
        [("unreadable", "0003_late_owl.sql", "is a pipe, and no file", "a name that does not end in .sql")],
    ),
    (
        "a device",
        lambda chain: _replace(chain, 3).symlink_to("/dev/zero"),
        [("unreadable", "0003_late_owl.sql", "is a device or a socket, and no file", "take it away")],
    ),
    (
        "a link that leads nowhere",
        lambda chain: _replace(chain, 3).symlink_to("nothing"),
        [("unreadable", "0003_late_owl.sql", "cannot be read: No such file", "version control")],
    ),
]


@pytest.mark.parametrize(("spoil", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_all_that_is_wrong_is_found(
    tmp_path: Path, spoil: Callable[[Chain], object], expected: list[tuple[str, str, str, str]]
) -> None:
    spoil(Chain(tmp_path))
    found = folder_findings(tmp_path)
    assert [(each.id.removeprefix("folder/"), each.spot.removeprefix(f"{tmp_path.name}/")) for each in found] == [
        (kind, place) for kind, place, _, _ in expected
    ]
    for finding, (_, _, what, todo) in zip(found, expected, strict=True):
        assert what in finding.what
        assert todo in finding.instead
    assert folder_findings(str(tmp_path)) == found


@pytest.mark.parametrize(("spoil", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_is_wrong_with_the_format_keeps_a_folder_from_being_applied(
    tmp_path: Path, spoil: Callable[[Chain], object], expected: list[tuple[str, str, str, str]]
) -> None:
    spoil(Chain(tmp_path))
    if not expected or "below its header" in expected[0][2]:
        assert [each.name for each in read_folder(tmp_path)] == list(NAMES)
        return
    with pytest.raises(MigrationError) as caught:
        read_folder(tmp_path)
    assert caught.value.todo
    assert caught.value.exit_code == 1


def test_the_newest_file_is_not_read_where_it_is_none(tmp_path: Path) -> None:
    os.mkfifo(_replace(Chain(tmp_path), 3))
    with pytest.raises(MigrationError, match=r"0003_late_owl\.sql is a pipe, and no file"):
        read_newest(tmp_path)


def test_every_kind_that_the_format_has_is_in_the_table() -> None:
    found = {kind for case in CASES for kind, *_ in case[2]} | {"too-large"}  # which has a test of its own below
    assert set(KINDS[:12]) <= found <= set(KINDS)


def test_a_checkout_with_other_line_ends_is_the_same_folder(tmp_path: Path) -> None:
    chain = Chain(tmp_path)
    for file in tmp_path.glob("*.sql"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert look(tmp_path) == (chain.files, [], [])
    assert folder_findings(tmp_path) == []


def test_a_stray_file_does_not_stop_a_cold_start(tmp_path: Path) -> None:
    chain = Chain(tmp_path)
    (tmp_path / "notes.sql").write_text("")
    assert read_newest(tmp_path) == chain.files[-1]
    with pytest.raises(InvalidMigration, match=r"notes\.sql is not the name"):
        read_folder(tmp_path)


def test_a_file_that_no_request_can_carry_is_refused_with_the_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_BODY - MOST_BYTES == 64 * 1024
    monkeypatch.setattr("sendoka.migrations.files.MOST_BYTES", 1_000)
    chain = Chain(tmp_path)
    chain.add("0004_small", [f"select '{'x' * 980}'"], chain.files[-1])
    assert look(tmp_path).flaws == []
    # Each of these is two bytes in a request.
    (tmp_path / "0005_large.sql").write_text(render("0005_large", chain.files[-1], [f"select '{'ä' * 600}'"], []))
    with pytest.raises(InvalidMigration, match=r"0005_large\.sql makes a request of 1,211 bytes, and 1,000 are"):
        read_folder(tmp_path)
    assert [(each.id, each.spot) for each in folder_findings(tmp_path)] == [
        ("folder/too-large", f"{tmp_path.name}/0005_large.sql")
    ]


def test_without_the_grammar_it_is_said_and_breakpoints_are_looked_at_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not_looked_at() is None
    chain = Chain(tmp_path)
    chain.edit(3, "create", "vacuum; create")
    assert folder_findings(tmp_path)
    monkeypatch.setitem(sys.modules, "postgast", None)
    why_not.cache_clear()
    assert folder_findings(tmp_path) == []
    assert "sendoka[lint]" in (not_looked_at() or "")
    chain.edit(3, "vacuum", "select '\n--> statement-breakpoint\n'")
    (found,) = folder_findings(tmp_path)
    assert (found.id, found.spot) == ("folder/breakpoint", f"{tmp_path.name}/0003_late_owl.sql:5")
    monkeypatch.undo()
    why_not.cache_clear()


def test_the_namespace_that_is_ours_may_be_another(tmp_path: Path) -> None:
    chain = Chain(tmp_path)
    chain.add("0004_a", ["create table sendoka.t ()"], chain.files[-1])
    assert [each.id for each in folder_findings(tmp_path)] == ["folder/own-namespace"]
    assert folder_findings(tmp_path, "ours") == []
    refuse_statements(chain.files, "ours")
    refuse_statements(chain.files, None)


def test_what_the_grammar_does_not_know_is_left_to_the_database(tmp_path: Path) -> None:
    chain = Chain(tmp_path)
    newer = chain.add("0004_newer", ["create gadget g"], chain.files[-1])
    refuse_statements(chain.files)
    assert [each.id for each in folder_findings(tmp_path)] == ["folder/syntax"]
    wrong = chain.add("0005_wrong", ["vacuum"], newer)
    with pytest.raises(InvalidMigration, match=r"0005_wrong\.sql holds vacuum") as caught:
        refuse_statements(chain.files)
    assert caught.value.where == f"{wrong.name}.sql:4"
