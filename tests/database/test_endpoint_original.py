"""The cluster that new ones are copied from: used, kept to its user, and no obstacle where it is damaged."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from sendoka.errors import SendokaError
from sendoka.local import cluster, original, own_postgres
from sendoka.local.account import OURSELVES
from sendoka.local.original import FORGOTTEN, Original, find_original

if TYPE_CHECKING:
    from sendoka.local import Postgres

PROGRAM = Path(shutil.which("sh") or "")


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the originals of this test are; there is none yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "sendoka" / "clusters"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Gets an entry for each initdb."""
    runs: list[str] = []
    initdb = cluster._initdb

    def counted(*arguments: object) -> None:
        runs.append("initdb")
        initdb(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(cluster, "_initdb", counted)
    return runs


@pytest.fixture
def one(kept: Path, tmp_path: Path) -> Original:
    """An original of three files."""
    found = find_original(PROGRAM, ["--one"])
    assert found is not None
    data = tmp_path / "made"
    (data / "base" / "1").mkdir(parents=True)
    for name in ("PG_VERSION", "base/1/1259", "base/1/1260"):
        (data / name).write_text(name, encoding="ascii")
    found.keep(data)
    assert [path.parent for path in kept.glob("*/data")] == [found.folder]
    return found


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def password_of(postgres: Postgres) -> str:
    return postgres.databases.admin.password


class TestClusters:
    def test_are_made_once_and_then_copied_each_with_its_own_password(self, kept: Path, made: list[str]) -> None:
        with own_postgres() as first, own_postgres() as second:
            assert made == ["initdb"]
            assert len(list(kept.iterdir())) == 1
            assert password_of(first) != password_of(second)
            for postgres, other in ((first, second), (second, first)):
                assert postgres.databases.names() == ["postgres", "template1"]
                with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                    psycopg.connect(
                        host="127.0.0.1", port=postgres.login.port, user="postgres", password=password_of(other)
                    )

    def test_are_made_each_where_the_cache_is_a_file(self, kept: Path, made: list[str]) -> None:
        kept.parent.write_text("", encoding="ascii")
        for _ in range(2):
            with own_postgres() as postgres:
                assert postgres.databases.names() == ["postgres", "template1"]
        assert made == ["initdb", "initdb"]


class TestAnOriginal:
    def test_is_copied_for_its_user_alone(self, one: Original, tmp_path: Path) -> None:
        copy = tmp_path / "copy"
        assert one.copy(copy, OURSELVES)
        assert names(copy) == {"PG_VERSION", "base/1/1259", "base/1/1260"}
        assert (copy / "base/1/1259").read_text(encoding="ascii") == "base/1/1259"
        assert [path for path in (copy, *copy.rglob("*")) if path.stat().st_mode & 0o077] == []
        assert one.folder.parent.stat().st_mode & 0o077 == 0

    def test_that_lost_a_file_goes_and_is_made_anew(self, one: Original, tmp_path: Path) -> None:
        (one.folder / "data" / "base" / "1" / "1260").unlink()
        assert not one.copy(tmp_path / "copy", OURSELVES)
        assert not (tmp_path / "copy").exists()
        one.keep(tmp_path / "made")
        assert one.copy(tmp_path / "copy", OURSELVES)

    def test_is_another_for_other_programs_other_options_and_another_start(
        self, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program = tmp_path / "postgres"
        program.write_bytes(b"one")
        found = [find_original(program, ["--one"]), find_original(program, ["--two"])]
        program.write_bytes(b"two")
        found.append(find_original(program, ["--one"]))
        monkeypatch.setattr(original, "_this_boot", lambda: "another")
        found.append(find_original(program, ["--one"]))
        assert len({each.folder for each in found if each is not None}) == 4

    def test_that_a_rival_kept_first_stays(self, one: Original, tmp_path: Path) -> None:
        shutil.rmtree(tmp_path / "made" / "base")
        one.keep(tmp_path / "made")
        assert len(names(one.folder / "data")) == 3
        assert list(one.folder.parent.iterdir()) == [one.folder]

    def test_goes_when_nobody_copied_it_for_a_month(self, one: Original, tmp_path: Path) -> None:
        before = time.time() - FORGOTTEN
        for days, stays in ((1, True), (-1, False)):
            os.utime(one.folder, (before + days * 24 * 3600,) * 2)
            other = find_original(PROGRAM, [f"--other{days}"])
            assert other is not None
            other.keep(tmp_path / "made")
            assert (one.folder.exists(), other.folder.exists()) == (stays, True)

    @pytest.mark.parametrize("mode", [0o770, 0o707, 0o755])
    def test_is_nowhere_where_others_get_to(self, kept: Path, mode: int) -> None:
        assert find_original(PROGRAM, []) is not None
        kept.chmod(mode)
        assert find_original(PROGRAM, []) is None

    def test_is_nowhere_where_the_start_of_the_machine_cannot_be_told(
        self, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(original, "_BOOT", tmp_path / "no_such_file")
        monkeypatch.setenv("PATH", str(tmp_path))
        assert find_original(PROGRAM, []) is None

    def test_lies_in_the_home_where_no_other_cache_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        for named in ("", "relative"):
            monkeypatch.setenv("XDG_CACHE_HOME", named)
            found = find_original(PROGRAM, [])
            assert found is not None
            assert found.folder.parent == tmp_path / ".cache" / "sendoka" / "clusters"


def test_sql_that_fails_in_a_new_cluster_is_not_shown(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "literal", lambda text: f"'s3cret' and {text}")
    with pytest.raises(SendokaError, match="the new PostgreSQL cannot be used") as error:
        own_postgres()
    assert "syntax error" in str(error.value)
    assert "s3cret" not in str(error.value)
