"""Folders that drizzle-kit wrote, in both of its layouts, and what can be wrong with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from sendoka.errors import InvalidMigration, MigrationError, MissingMigration
from sendoka.migrations.drizzle import DrizzleMigration, is_drizzle_folder, read_drizzle_folder

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
    entries = [{"idx": number, "when": 1, "tag": name} for number, name in enumerate(names)]
    (folder / "meta" / "_journal.json").write_text(json.dumps({"version": "7", "entries": entries}))


def test_the_journal_says_what_runs_and_in_which_order(tmp_path: Path) -> None:
    journal(tmp_path, "0001_late", "0000_early one")
    (tmp_path / "0000_early one.sql").write_text(f"select 1;{MARK}\nselect 2;\n{MARK}\n")
    (tmp_path / "0001_late.sql").write_text("select 3;")
    (tmp_path / "0002_not_listed.sql").write_text("select 4;")
    assert is_drizzle_folder(tmp_path)
    assert read_drizzle_folder(tmp_path) == [
        DrizzleMigration("0001_late", ("select 3;",)),
        DrizzleMigration("0000_early one", ("select 1;", "select 2;")),
    ]


def test_a_folder_for_each_migration_is_the_newer_layout(tmp_path: Path) -> None:
    for name, text in (("20260202030405_b", "select 2;"), ("20260102030405_a", f"select 0;{MARK}\nselect 1;")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "migration.sql").write_text(text)
    assert is_drizzle_folder(tmp_path)
    assert read_drizzle_folder(tmp_path) == [
        DrizzleMigration("20260102030405_a", ("select 0;", "select 1;")),
        DrizzleMigration("20260202030405_b", ("select 2;",)),
    ]


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
        ('{"entries": [{"tag": 7}]}', InvalidMigration, "lists 7, which names no file"),
        ('{"entries": [{"tag": "../secret"}]}', InvalidMigration, "lists '../secret', which names no file"),
        ('{"entries": [{"tag": "0000_lost"}]}', MissingMigration, "lists 0000_lost.sql, and it is not in the folder"),
        ('{"entries": [{"tag": "0000_latin"}]}', InvalidMigration, "0000_latin.sql is not UTF-8"),
    ],
)
def test_a_broken_folder_is_named(tmp_path: Path, text: str, error: type[MigrationError], says: str) -> None:
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "_journal.json").write_text(text)
    (tmp_path / "0000_latin.sql").write_bytes("select 'é'".encode("latin-1"))
    with pytest.raises(error, match=says):
        read_drizzle_folder(tmp_path)
