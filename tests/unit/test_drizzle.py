"""Folders that drizzle-kit wrote, in both of its layouts, and what can be wrong with them."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from sendoka.errors import InvalidMigration, MigrationError, MissingMigration
from sendoka.migrations.drizzle import DrizzleMigration, is_drizzle_folder, read_drizzle_folder
from sendoka.migrations.drizzle_rows import DrizzleRow, head_of, matched

if TYPE_CHECKING:
    from pathlib import Path

MARK = "--> statement-breakpoint"
PULLED = f"""-- Current sql file was generated after introspecting the database
-- If you want to run this migration please uncomment this code before executing migrations
/*
CREATE TABLE "a" ("id" integer);
{MARK}
CREATE TABLE "b" ("id" integer);
*/"""


def journal(folder: Path, *names: object) -> None:
    (folder / "meta").mkdir(exist_ok=True)
    entries = [{"idx": number, "when": number + 1, "tag": name} for number, name in enumerate(names)]
    (folder / "meta" / "_journal.json").write_text(json.dumps({"version": "7", "entries": entries}))


def test_the_journal_says_what_runs_and_in_which_order(tmp_path: Path) -> None:
    journal(tmp_path, "0001_late", "0000_early one")
    (tmp_path / "0000_early one.sql").write_text(f"select 1;{MARK}\nselect 2;\n{MARK}\n")
    (tmp_path / "0001_late.sql").write_text("select 3;")
    (tmp_path / "0002_not_listed.sql").write_text("select 4;")
    assert is_drizzle_folder(tmp_path)
    found = read_drizzle_folder(tmp_path)
    assert [(each.name, each.statements, each.when) for each in found] == [
        ("0001_late", ("select 3;",), 1),
        ("0000_early one", ("select 1;", "select 2;"), 2),
    ]
    assert found[0].hashes == (sha256(b"select 3;").hexdigest(),)


def test_a_folder_for_each_migration_is_the_newer_layout(tmp_path: Path) -> None:
    for name, text in (("20260202030405_b", "select 2;"), ("20260102030405_a", f"select 0;{MARK}\nselect 1;")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "migration.sql").write_text(text)
    assert is_drizzle_folder(tmp_path)
    assert [(each.name, each.statements, each.when) for each in read_drizzle_folder(tmp_path)] == [
        ("20260102030405_a", ("select 0;", "select 1;"), 1767323045000),
        ("20260202030405_b", ("select 2;",), 1770001445000),
    ]


def test_line_ends_that_git_changed_are_no_edit(tmp_path: Path) -> None:
    journal(tmp_path, "0000_a")
    (tmp_path / "0000_a.sql").write_bytes(b"select 1;\r\nselect 2;")
    (found,) = read_drizzle_folder(tmp_path)
    unix, windows = (sha256(text).hexdigest() for text in (b"select 1;\nselect 2;", b"select 1;\r\nselect 2;"))
    assert set(found.hashes) == {unix, windows}


def test_a_schema_that_was_pulled_counts_as_run(tmp_path: Path) -> None:
    journal(tmp_path, "0000_pulled")
    (tmp_path / "0000_pulled.sql").write_text(PULLED)
    (found,) = read_drizzle_folder(tmp_path)
    assert found.statements == ('CREATE TABLE "a" ("id" integer);', 'CREATE TABLE "b" ("id" integer);')


def test_our_own_folder_is_none_of_drizzles(tmp_path: Path) -> None:
    (tmp_path / "meta").mkdir()
    (tmp_path / "0000_calm_heron.sql").write_text("-- sendoka: 0000_calm_heron\n")
    assert not is_drizzle_folder(tmp_path)


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("{", InvalidMigration, "drizzle's journal cannot be read"),
        ("[]", InvalidMigration, "drizzle's journal cannot be read"),
        ('{"entries": [{"idx": 0}]}', InvalidMigration, "drizzle's journal cannot be read"),
        ('{"entries": [{"tag": "0000_a"}]}', InvalidMigration, "drizzle's journal cannot be read"),
        ('{"entries": [{"when": 1, "tag": 7}]}', InvalidMigration, "lists 7, which names no file"),
        ('{"entries": [{"when": 1, "tag": "../secret"}]}', InvalidMigration, "lists '../secret', which names no file"),
        (
            '{"entries": [{"when": 1, "tag": "0000_lost"}]}',
            MissingMigration,
            "lists 0000_lost.sql, and it is not in the folder",
        ),
        ('{"entries": [{"when": 1, "tag": "0000_latin"}]}', InvalidMigration, "0000_latin.sql is not UTF-8"),
    ],
)
def test_a_broken_folder_is_named(tmp_path: Path, text: str, error: type[MigrationError], says: str) -> None:
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "_journal.json").write_text(text)
    (tmp_path / "0000_latin.sql").write_bytes("select 'é'".encode("latin-1"))
    with pytest.raises(error, match=says):
        read_drizzle_folder(tmp_path)


def test_a_folder_without_a_moment_in_its_name_is_named(tmp_path: Path) -> None:
    (tmp_path / "20261302030405_a").mkdir()
    (tmp_path / "20261302030405_a" / "migration.sql").write_text("select 1;")
    with pytest.raises(InvalidMigration, match="20261302030405_a does not begin with a moment"):
        read_drizzle_folder(tmp_path)


# ------------------------------------------------------------------ rows


def file(name: str, when: int, *hashes: str) -> DrizzleMigration:
    return DrizzleMigration(name, (), when, hashes)


A, B, C = file("a", 1000, "ha", "ha with other line ends"), file("b", 2000, "hb"), file("c", 3000, "hc")
FILES = [A, B, C]


@pytest.mark.parametrize(
    "rows",
    [
        [DrizzleRow(1, "ha", 1000), DrizzleRow(2, "hb", 2000), DrizzleRow(3, "hc", 3000)],
        [DrizzleRow(1, "ha with other line ends", 1000), DrizzleRow(3, "hc", 3000), DrizzleRow(2, "hb", 2000)],
        [DrizzleRow(1, "ha", 5, "a"), DrizzleRow(2, "hb", 6, "b"), DrizzleRow(3, "hc", 7, "c")],
        [DrizzleRow(1, "ha", 1417), DrizzleRow(2, "hb", 2999), DrizzleRow(3, "hc", 3000)],
    ],
)
def test_rows_of_both_formats_are_matched(rows: list[DrizzleRow]) -> None:
    matched(FILES, rows)
    assert head_of(rows).hash == "hc"


@pytest.mark.parametrize(
    ("files", "rows", "says"),
    [
        (FILES, [DrizzleRow(1, "ha", 1000)], "drizzle has not run b, c here yet"),
        (FILES, [DrizzleRow(1, "ha", 1000), DrizzleRow(2, "hc", 3000)], "never ran b here, and never will"),
        (FILES, [], "drizzle has not run a, b, c here yet"),
        ([A], [DrizzleRow(1, "ha", 1000), DrizzleRow(2, "ha", 1000)], "noted a 2 times: it may have run twice"),
        ([A], [DrizzleRow(1, "hx", 1000)], "a was edited after drizzle ran it"),
        ([A], [DrizzleRow(1, "hx", 1000, "a")], "a was edited after drizzle ran it"),
        ([A], [DrizzleRow(1, "ha", 1000), DrizzleRow(7, "hz", 9000)], r"not in the folder: row 7 \(sha256:hz…, 9000\)"),
        ([A], [DrizzleRow(7, "hz", 9000, "z")], r"not in the folder: row 7 \(z\)"),
        ([A, file("a2", 1000, "ha")], [DrizzleRow(1, "ha", 1000)], "may be a and a2"),
    ],
)
def test_what_is_missing_doubled_or_ambiguous_is_refused(
    files: list[DrizzleMigration], rows: list[DrizzleRow], says: str
) -> None:
    with pytest.raises(MigrationError, match=says):
        matched(files, rows)
