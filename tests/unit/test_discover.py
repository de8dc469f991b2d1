"""Finding what a folder's modules define."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from sendoka.discover import DiscoveryError, forget, module_names, module_of, objects_of, package_of, the_one
from sendoka.schema.kind import Kind

if TYPE_CHECKING:
    from pathlib import Path


def _write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return folder


def test_names_are_listed_sorted_without_importing_anything(tmp_path: Path) -> None:
    _write(tmp_path, b="1 / 0", a="1 / 0", _private="1 / 0", __init__="1 / 0")
    (tmp_path / "notes.txt").write_text("")
    assert module_names(tmp_path) == ["a", "b"]


def test_modules_of_a_folder_import_each_other_relatively(tmp_path: Path) -> None:
    _write(
        tmp_path, __init__="base = 40", a="from . import base\none = base + 1", b="from .a import one\ntwo = one + 1"
    )
    assert module_of(tmp_path, "b").two == 42


def test_a_folder_needs_no_init_and_may_be_called_anything(tmp_path: Path) -> None:
    folder = tmp_path / "json"
    folder.mkdir()
    _write(folder, a="x = 1", b="from .a import x")
    assert module_of(folder, "b").x == 1
    assert sys.modules["json"].__name__ == "json"


def test_two_folders_of_one_name_do_not_mix(tmp_path: Path) -> None:
    for place in ("one", "two"):
        (tmp_path / place / "schema").mkdir(parents=True)
        _write(tmp_path / place / "schema", a=f"x = {place!r}")
    assert [module_of(tmp_path / place / "schema", "a").x for place in ("one", "two")] == ["one", "two"]


def test_a_package_that_fails_to_import_is_tried_again(tmp_path: Path) -> None:
    _write(tmp_path, __init__="1 / 0")
    with pytest.raises(ZeroDivisionError):
        package_of(tmp_path)
    _write(tmp_path, __init__="x = 1  # longer, so that no bytecode of the same second and size fits")
    forget(tmp_path)
    assert sys.modules[package_of(tmp_path)].x == 1


def test_what_was_forgotten_is_read_afresh(tmp_path: Path) -> None:
    _write(tmp_path, a="x = 1")
    assert module_of(tmp_path, "a").x == 1
    _write(tmp_path, a="x = 'longer, so that the cached bytecode is not taken'", b="y = 2")
    forget(tmp_path)
    assert module_of(tmp_path, "a").x.startswith("longer")
    assert module_of(tmp_path, "b").y == 2


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x = 7", 7),
        ("x = 7\nalias = x", 7),
        ("from .other import y\nx = 7", 7),
        ("from .other import y as z\nx = 7", 7),
        ("if True:\n    x = 7", 7),
        ("x: int = 7", 7),
    ],
)
def test_the_one_is_what_the_module_itself_defines(tmp_path: Path, text: str, found: int) -> None:
    _write(tmp_path, other="y = 1001", a=text)
    assert the_one(module_of(tmp_path, "a"), int, noun="number") == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.py defines no number; every file of its folder defines exactly one"),
        ("from .other import y", "a.py defines no number"),
        ("from .other import (\n    y\n)", "a.py defines no number"),
        ("x = 1001\nz = 1002", r"a.py defines 2 numbers \(x, z\); put each in a file of its own"),
    ],
)
def test_none_or_two_are_an_error_that_names_the_file(tmp_path: Path, text: str, message: str) -> None:
    _write(tmp_path, other="y = 1000", a=text)
    with pytest.raises(DiscoveryError, match=message):
        the_one(module_of(tmp_path, "a"), int, noun="number")


def test_a_file_with_one_candidate_is_not_parsed(tmp_path: Path) -> None:
    _write(tmp_path, a="x = 1001")
    module = module_of(tmp_path, "a")
    _write(tmp_path, a="x = 1001\n) no Python any more")
    assert the_one(module, int, noun="number") == 1001


def test_the_init_of_a_folder_is_the_package_itself(tmp_path: Path) -> None:
    _write(tmp_path, __init__="x = 1001")
    assert module_of(tmp_path, "__init__") is sys.modules[package_of(tmp_path)]


def test_objects_of_a_package_of_our_own_come_by_file_name() -> None:
    names = [kind.name for kind in objects_of("sendoka.schema.kinds", Kind, noun="kind")]
    assert names == sorted(names)
    assert {"table", "column", "foreign-key"} <= set(names)


def test_two_saves_in_one_second_and_of_one_size_are_two_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    for value in "abcdef":
        (tmp_path / "one.py").write_text(f"value = {value!r}\n")
        forget(tmp_path)
        assert module_of(tmp_path, "one").value == value
    assert not sys.dont_write_bytecode
    assert not (tmp_path / "__pycache__").exists()
