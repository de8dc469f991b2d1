"""Scripts in a folder, found by name."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from sendoka.backfills.scripts import checksums, load, names
from sendoka.backfills.starter import script
from sendoka.backfills.target import Target
from sendoka.cli.backfill.new import _write
from sendoka.errors import BackfillError, InvalidBackfill, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
from sendoka.backfills import backfill
{name} = backfill(table="t", where="a is null", sql="update t set a = 1 from page p where t.id = p.id")
"""


def write(folder: Path, stem: str, text: str) -> None:
    (folder / f"{stem}.py").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("asked", ["fill_a", "2026_04_22_fill_a", "2026_04_22_fill_a.py"])
def test_a_script_is_found_by_its_name_or_its_file(tmp_path: Path, asked: str) -> None:
    write(tmp_path, "2026_04_22_fill_a", SCRIPT.format(name="fill_a"))
    found = load(tmp_path, asked)
    assert (found.name, found.table) == ("fill_a", "t")
    assert found.checksum() == checksums(tmp_path)["fill_a"]


def test_a_script_of_the_python_form_is_found_too(tmp_path: Path) -> None:
    text = """
from sendoka.backfills import Batch, backfill

@backfill(table="t", where="a is null")
async def fill_b(sql, batch: Batch):
    return None
"""
    write(tmp_path, "2026_04_23_fill_b", text)
    assert load(tmp_path, "fill_b").step is not None


def test_names_are_listed_without_importing(tmp_path: Path) -> None:
    write(tmp_path, "2026_04_22_fill_a", "raise SystemExit")
    write(tmp_path, "undated", "raise SystemExit")
    write(tmp_path, "_shared", "raise SystemExit")
    assert names(tmp_path) == {"fill_a": ["2026_04_22_fill_a"], "undated": ["undated"]}


def test_an_unknown_name_shows_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, "2026_04_22_message_tenants", SCRIPT.format(name="message_tenants"))
    with pytest.raises(BackfillError, match="did you mean message_tenants") as caught:
        load(tmp_path, "mesage_tenant")
    assert caught.value.exit_code == 2


def test_an_unknown_name_far_from_all_shows_what_there_is(tmp_path: Path) -> None:
    write(tmp_path, "2026_04_22_fill_a", SCRIPT.format(name="fill_a"))
    with pytest.raises(BackfillError, match="it has: fill_a"):
        load(tmp_path, "zzzzzzzzzz")


def test_an_empty_or_missing_folder_has_none(tmp_path: Path) -> None:
    with pytest.raises(BackfillError, match="there are no scripts; write one: sendoka backfill new fill_a"):
        load(tmp_path / "missing", "fill_a")


def test_two_scripts_of_one_name_are_both_named(tmp_path: Path) -> None:
    for day in ("2026_04_22", "2026_05_01"):
        write(tmp_path, f"{day}_fill_a", SCRIPT.format(name="fill_a"))
    with pytest.raises(BackfillError, match=r"2026_04_22_fill_a\.py, 2026_05_01_fill_a\.py") as caught:
        load(tmp_path, "fill_a")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SCRIPT.format(name="other"), "call it fill_a, as its file"),
        ("x = 1", "defines no backfill"),
        (SCRIPT.format(name="fill_a") + SCRIPT.format(name="more"), "defines 2 backfills"),
        ("import no_such_module_here", r"fill_a\.py, line 1 cannot be imported: ModuleNotFoundError: .*no_such_module"),
        ("\ndef", r"fill_a\.py, line 2 cannot be imported: SyntaxError"),
        ("\n\nraise RuntimeError('boom')", r"fill_a\.py, line 3 cannot be imported: RuntimeError: boom"),
        ("def f():\n    raise SystemExit\nf()", r"fill_a\.py, line 2 cannot be imported: SystemExit$"),
        ("x = '\0'", "cannot be imported"),
        ("from sendoka.backfills import backfill\nfill_a = backfill(table='t', where='a is null')", "no backfill"),
        ("from sendoka.backfills import backfill\nfill_a = backfill(table='t', sql='select 1')", "nothing says when"),
    ],
)
def test_a_script_that_is_no_backfill_says_why(tmp_path: Path, text: str, says: str) -> None:
    write(tmp_path, "2026_04_22_fill_a", text)
    with pytest.raises(InvalidBackfill, match="(?m)" + says) as caught:
        load(tmp_path, "fill_a")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "todo"), [("import no_such_module_here", "install what it imports"), ("raise RuntimeError", "correct it")]
)
def test_a_script_that_cannot_be_imported_says_what_to_do(tmp_path: Path, text: str, todo: str) -> None:
    write(tmp_path, "2026_04_22_fill_a", text)
    with pytest.raises(InvalidBackfill) as caught:
        load(tmp_path, "fill_a")
    assert caught.value.todo.startswith(todo)


def test_a_script_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "backfill").write_text("a file")
    with pytest.raises(SettingsError, match=r"cannot be written: File exists\n.*fill_a\.py\n.*\[tool\.sendoka\]"):
        _write(tmp_path / "backfill" / "fill_a.py", "")


def test_what_a_script_raised_is_the_cause(tmp_path: Path) -> None:
    write(tmp_path, "2026_04_22_fill_a", "{}['key']")
    with pytest.raises(InvalidBackfill) as caught:
        load(tmp_path, "fill_a")
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_wrong_declaration_says_what_is_wrong_with_file_and_line(tmp_path: Path) -> None:
    text = SCRIPT.format(name="fill_a").replace("from page p where t.id = p.id", "returning 1")
    write(tmp_path, "2026_04_22_fill_a", text)
    with pytest.raises(InvalidBackfill) as caught:
        load(tmp_path, "fill_a")
    assert str(caught.value).splitlines() == [
        "sql= has a RETURNING; the runner adds its own",
        "in the backfill of t: 2026_04_22_fill_a.py, line 3",
        "leave it out",
    ]


def test_a_script_that_is_not_utf_8_has_a_checksum(tmp_path: Path) -> None:
    (tmp_path / "fill_a.py").write_bytes(b"x = '\xe9'\n")
    assert len(checksums(tmp_path)["fill_a"]) == 64


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (("id",), 'source="select id from …"'),
        (("org_id", "id"), 'source="select org_id, id from …"'),
        (("Org", "id"), 'source="select \\"Org\\", id from …"'),
    ],
    ids=str,
)
def test_a_new_script_chooses_rows_by_all_of_the_key(key: tuple[str, ...], says: str) -> None:
    target = Target("1", "public", "lines", key, key, dict.fromkeys(key, "text"))
    _, text = script("fill", day=date(2026, 4, 22), table="lines", target=target, python=False)
    assert f"    # {says}, or keys=[…]" in text
