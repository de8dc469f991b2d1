"""The chain on disk: everything wrong with a folder is found offline, named with the file and the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendoka.errors import ChecksumMismatch, ForkedHistory, InvalidMigration, MissingMigration, SettingsError
from sendoka.migrations.files import Migration, Replaced, checksum, parse, render
from sendoka.migrations.folder import read_folder, read_newest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WORDS = ("calm_heron", "brave_otter", "quiet_fox")


def write(folder: Path, count: int = 3) -> list[Migration]:
    """Write a chain of migrations and return it."""
    chain: list[Migration] = []
    for number in range(count):
        name = f"{number:04d}_{WORDS[number]}"
        text = render(name, chain[-1] if chain else None, [f"create table t{number} ()", "select 1"], [])
        (folder / f"{name}.sql").write_text(text)
        chain.append(parse(name, text))
    return chain


def test_a_chain_is_read_in_order(tmp_path: Path) -> None:
    chain = write(tmp_path)
    assert read_folder(tmp_path) == read_folder(str(tmp_path)) == chain
    assert read_newest(tmp_path) == chain[-1]
    assert chain[0].parent is None
    assert chain[2].parent is not None
    assert (chain[2].parent.name, chain[2].parent.checksum) == (chain[1].name, chain[1].checksum)
    assert chain[1].statements == ["create table t1 ()", "select 1"]


def test_a_file_is_what_it_promises_to_be(tmp_path: Path) -> None:
    (first, second) = write(tmp_path, 2)
    assert second.text == (
        "-- sendoka: 0001_brave_otter\n"
        f"-- parent: 0000_calm_heron sha256:{first.checksum}\n"
        "\n"
        "create table t1 ()\n"
        "--> statement-breakpoint\n"
        "select 1\n"
    )


def test_answers_stand_in_the_header() -> None:
    text = render("0000_a", None, ["select 1"], [("renamed", "column messages.body -> messages.text")])
    assert parse("0000_a", text).answers == (("renamed", "column messages.body -> messages.text"),)


def test_a_file_that_runs_in_no_transaction_says_when_it_is_done() -> None:
    query = "select to_regclass('i') is not null"
    text = render("0000_a", None, ["create index concurrently i on t (a)"], [("allowed", "x y")], query)
    assert text.splitlines()[2:5] == ["-- allowed: x y", "-- transaction: none", f"-- done-when: {query}"]
    migration = parse("0000_a", text)
    assert (migration.done_when, migration.answers) == (query, (("allowed", "x y"),))
    assert checksum(text.replace("is not null", "is null")) != migration.checksum
    assert parse("0000_a", GOOD).done_when is None


def test_a_file_may_have_timeouts_of_its_own_and_require_backfills() -> None:
    text = render(
        "0000_a",
        None,
        ["select 1"],
        [("created", "table x")],
        requires=["message_tenants", "orgs"],
        lock_timeout="2s",
        statement_timeout="30min",
    )
    assert text.splitlines()[2:7] == [
        "-- created: table x",
        "-- requires-backfill: message_tenants",
        "-- requires-backfill: orgs",
        "-- lock-timeout: 2s",
        "-- statement-timeout: 30min",
    ]
    found = parse("0000_a", text)
    assert (found.requires, found.lock_timeout, found.statement_timeout) == (("message_tenants", "orgs"), "2s", "30min")
    plain = parse("0000_a", GOOD)
    assert (plain.requires, plain.lock_timeout, plain.statement_timeout, plain.replaces) == ((), None, None, None)


def test_a_squash_stands_for_the_last_file_that_it_replaces(tmp_path: Path) -> None:
    first, second, third = write(tmp_path)
    text = render("0001_start", None, ["select 1"], [], replaces=Replaced(first.name, second.name, second.checksum))
    assert text.splitlines()[2] == f"-- replaces: 0000_calm_heron – 0001_brave_otter sha256:{second.checksum}"
    squash = parse("0001_start", text)
    assert parse("0001_start", text.replace("–", "-")).replaces == squash.replaces
    assert (squash.checksum, squash.digest) == (second.checksum, checksum(text))
    assert (second.checksum, squash.as_parent) == (second.digest, third.parent)
    for old in (first, second):
        (tmp_path / f"{old.name}.sql").unlink()
    (tmp_path / "0001_start.sql").write_text(text)
    assert read_folder(tmp_path) == [squash, third]
    assert render(third.name, squash, third.statements, []) == third.text


SQUASH = "replaces: 0000_calm_heron – 0001_brave_otter sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("name", "directive", "parent", "says"),
    [
        ("0002_start", SQUASH, "none", "another number(?s:.)*give it the number 0001"),
        ("0001_start", SQUASH.replace("0001", "x"), "none", "not two migrations in order"),
        ("0001_start", SQUASH.replace("0000_c", "0002_c"), "none", "not two migrations in order"),
        ("0001_start", SQUASH.replace("–", "to"), "none", "replaces that cannot be read"),
        ("0001_start", SQUASH[:-1], "none", "replaces that cannot be read"),
        ("0001_start", SQUASH, "0000_x sha256:" + "0" * 64, "names a parent(?s:.)*parent: none"),
    ],
)
def test_a_squash_says_what_it_replaces(name: str, directive: str, parent: str, says: str) -> None:
    with pytest.raises(InvalidMigration, match=says):
        parse(name, f"-- sendoka: {name}\n-- parent: {parent}\n-- {directive}\n\nselect 1\n")


def test_an_empty_folder_has_no_newest(tmp_path: Path) -> None:
    assert read_folder(tmp_path) == []
    assert read_newest(tmp_path) is None


def test_line_endings_and_a_bom_do_not_change_a_checksum(tmp_path: Path) -> None:
    chain = write(tmp_path)
    for file in tmp_path.glob("*.sql"):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert read_folder(tmp_path) == chain


def test_numbers_order_as_numbers(tmp_path: Path) -> None:
    first = render("9999_a", None, ["select 1"], [])
    second = render("10000_b", parse("9999_a", first), ["select 1"], [])
    (tmp_path / "9999_a.sql").write_text(first)
    (tmp_path / "10000_b.sql").write_text(second)
    assert [migration.number for migration in read_folder(tmp_path)] == [9999, 10000]
    newest = read_newest(tmp_path)
    assert newest is not None
    assert newest.name == "10000_b"


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    chain = write(tmp_path)
    (tmp_path / "meta").mkdir()
    (tmp_path / "README.md").write_text("x")
    (tmp_path / ".0007_x.sql.swp").write_text("x")
    (tmp_path / ".0007_x.sql").write_text("x")
    assert read_folder(tmp_path) == chain


def test_an_edited_file_below_the_head_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    file = tmp_path / "0001_brave_otter.sql"
    file.write_text(file.read_text() + "select 2")
    with pytest.raises(ChecksumMismatch, match=r"0001_brave_otter\.sql was edited after 0002_quiet_fox") as caught:
        read_folder(tmp_path)
    assert "restore" in caught.value.todo


def test_a_lost_file_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "0001_brave_otter.sql").unlink()
    with pytest.raises(MissingMigration, match=r"0002_quiet_fox\.sql follows 0001_brave_otter, which is not"):
        read_folder(tmp_path)


def test_the_first_file_cannot_be_lost(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "0000_calm_heron.sql").unlink()
    with pytest.raises(MissingMigration, match="0000_calm_heron"):
        read_folder(tmp_path)


def test_a_renamed_file_is_told_its_name(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "0002_quiet_fox.sql").rename(tmp_path / "0002_loud_fox.sql")
    with pytest.raises(InvalidMigration, match="was renamed") as caught:
        read_folder(tmp_path)
    assert "0002_quiet_fox.sql" in caught.value.todo
    with pytest.raises(InvalidMigration, match="was renamed"):
        read_newest(tmp_path)


def test_two_files_of_one_number_are_both_named(tmp_path: Path) -> None:
    chain = write(tmp_path)
    (tmp_path / "0002_other_fox.sql").write_text(render("0002_other_fox", chain[1], ["select 1"], []))
    for read in (read_folder, read_newest):
        with pytest.raises(ForkedHistory, match=r"0002_other_fox\.sql and 0002_quiet_fox\.sql"):
            read(tmp_path)


def test_a_fork_with_another_number_is_found(tmp_path: Path) -> None:
    chain = write(tmp_path)
    (tmp_path / "0003_late_owl.sql").write_text(render("0003_late_owl", chain[1], ["select 1"], []))
    with pytest.raises(ForkedHistory, match=r"0003_late_owl\.sql follows 0001_brave_otter, but 0002_quiet_fox"):
        read_folder(tmp_path)


def test_a_second_first_file_is_found(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "0003_new_root.sql").write_text(render("0003_new_root", None, ["select 1"], []))
    with pytest.raises(ForkedHistory, match="says it is the first") as caught:
        read_folder(tmp_path)
    assert "sendoka rebase" in caught.value.todo


@pytest.mark.parametrize("read", [read_folder, read_newest])
def test_there_must_be_a_folder(tmp_path: Path, read: Callable[[Path], object]) -> None:
    with pytest.raises(SettingsError, match="no migrations folder 'none'") as caught:
        read(tmp_path / "none")
    assert caught.value.exit_code == 2


GOOD = "-- sendoka: 0000_a\n-- parent: none\n\nselect 1\n"


def _alone(*directives: str) -> str:
    return GOOD.replace("\n\n", "".join(f"\n-- {each}" for each in directives) + "\n\n")


ALONE = _alone("transaction: none", "done-when: select true")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("0000-a", GOOD, "is not the name of a migration"),
        ("000_a", GOOD, "is not the name of a migration"),
        ("0000_A", GOOD, "is not the name of a migration"),
        ("first", GOOD, "is not the name of a migration"),
        ("0000_a", "select 1", "does not begin with its name"),
        ("0000_a", "", "does not begin with its name"),
        ("0000_a", "-- sendoka: 0000_a\n\nselect 1", "does not name its parent"),
        ("0000_a", "-- sendoka: 0000_a\n-- parent: nobody\n", "cannot be read: nobody"),
        ("0000_a", "-- sendoka: 0000_a\n-- parent: x sha256:12\n", "cannot be read"),
        ("0000_a", GOOD.replace("\n\n", "\n-- parent: none\n\n"), "parent twice, in the lines 2 and 3"),
        ("0000_a", GOOD.replace("\n\n", "\n-- transactoin: none\n\n"), "unknown directive 'transactoin'"),
        ("0000_a", GOOD + "--> statement-breakpoint\n/* x */ commit;", "holds COMMIT"),
        (
            "0000_a",
            _alone("transaction: serializable", "done-when: select true"),
            "a transaction that cannot be read: seri",
        ),
        ("0000_a", _alone("transaction: none"), "each of the lines transaction and done-when once, or neither"),
        ("0000_a", _alone("done-when: select true"), "each of the lines transaction and done-when once, or neither"),
        ("0000_a", _alone("transaction: none", *["done-when: select true"] * 2), "done-when twice"),
        ("0000_a", _alone("transaction: none", "done-when: drop table t"), "done-when that cannot be read: drop"),
        ("0000_a", _alone("transaction: none", "done-when: selected"), "done-when that cannot be read"),
        ("0000_a", _alone("Lock_Timeout: 2s"), "unknown directive 'Lock_Timeout'(?s:.)*did you mean lock-timeout"),
        ("0000_a", _alone("lock-timeout: 2s", "lock-timeout: 2s"), "lock-timeout twice, in the lines 3 and 4"),
        ("0000_a", _alone("lock-timeout: 0"), "lock-timeout that cannot be read: 0"),
        ("0000_a", _alone("lock-timeout: 2 s"), "lock-timeout that cannot be read: 2 s"),
        ("0000_a", _alone("statement-timeout: 1d"), "statement-timeout that cannot be read: 1d"),
        ("0000_a", _alone("statement-timeout: 597h"), "statement-timeout that is too long(?s:.)*596h"),
        ("0000_a", _alone("requires-backfill: a, b"), "requires-backfill that cannot be read: a, b"),
        ("0000_a", _alone("requires-backfill:"), "requires-backfill that cannot be read"),
        ("0000_a", _alone("transaction: none", "done-when: select 1", "lock-timeout: 2s"), "statement is sent alone"),
        ("9999999999_a", GOOD, "is not the name of a migration"),
        ("0000_a", ALONE + "--> statement-breakpoint\nselect 2\n", "in no transaction and holds 2 statements"),
        ("0000_a", ALONE.replace("select 1", "-- later"), "in no transaction and holds 0 statements"),
    ],
)
def test_what_breaks_the_format_is_said(name: str, text: str, says: str) -> None:
    with pytest.raises(InvalidMigration, match=says) as caught:
        parse(name, text)
    assert caught.value.exit_code == 1


def test_a_comment_in_the_header_or_below_is_no_directive() -> None:
    migration = parse("0000_a", GOOD.replace("\n\n", "\n-- a word of mine\n\n-- note: anything\n"))
    assert migration.answers == ()
    assert migration.statements == ["-- note: anything\nselect 1"]


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "0000_a.sql").write_bytes(GOOD.encode() + b"\xff")
    with pytest.raises(InvalidMigration, match=r"0000_a\.sql is not UTF-8") as caught:
        read_folder(tmp_path)
    assert caught.value.todo


def test_a_command_that_ends_the_transaction_is_shown_where_it_stands() -> None:
    with pytest.raises(InvalidMigration, match="holds COMMIT as statement 1") as caught:
        parse("0000_a", "-- sendoka: 0000_a\n-- parent: none\n\n-- a comment\n/* and\nanother */ commit;")
    assert caught.value.where == "0000_a.sql:6"


def test_the_checksum_is_sha256_of_the_text() -> None:
    assert (
        checksum("a\r\n") == checksum("\ufeffa\n") == "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7"
    )
