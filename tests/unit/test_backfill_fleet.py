"""What a fleet is sent, and what is refused before any of it is asked for."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import neon
from sendoka.backfills import backfill, run
from sendoka.backfills.bundle import bundled, unpacked
from sendoka.backfills.owner import marked, new_owner
from sendoka.backfills.parcel import Contents, sealed
from sendoka.backfills.scheduler import address_of
from sendoka.backfills.scripts import load
from sendoka.backfills.terms import Terms
from sendoka.database.retry import Retry
from sendoka.errors import InvalidBackfill, SettingsError
from tests.fixtures.backfills import in_python, in_sql

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.http.client import Neon

URL = "postgresql://me:hunter2@ep-cool-darkness-123456.eu-central-1.aws.neon.tech/app"
SCRIPT = """from sendoka.backfills import backfill
{imports}
fill = backfill(table="messages", where={where}, sql="update messages m set n = 1 from page p where m.id = p.id")
"""


def client(**options: Any) -> Neon:
    return neon(URL, transport=options.pop("transport", "native"), **options)


# ------------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    "address", ["tcp://scheduler:8786", "tls://10.0.0.7:8786/", "127.0.0.1:8786", "tcp://[::1]:8786"]
)
def test_an_address_is_taken_as_it_is(address: str) -> None:
    assert address_of(f" {address} ") == (address.rstrip("/"), None)


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("", "no address"),
        ("a scheduler", "no address"),
        ("tcp://me:hunter2@host:8786", "no address"),
        ("tcp://host", "lacks the scheduler's port"),
        ("tcp://host:", "lacks the scheduler's port"),
        ("tcp://host:0", "lacks the scheduler's port"),
        ("tcp://host:99999", "lacks the scheduler's port"),
        ("http://host:8787", "where dask shows its dashboard"),
        ("postgresql://host:5432", "dask speaks no postgresql"),
        (7, "and no int"),
        (SimpleNamespace(scheduler=None), "is not there: it is closed, or was not started yet"),
    ],
)
def test_what_is_no_address_is_refused(address: object, word: str) -> None:
    with pytest.raises(InvalidBackfill, match=word) as caught:
        address_of(address)
    assert "tcp://host:8786" in caught.value.todo
    assert "hunter2" not in str(caught.value)


def test_a_cluster_and_a_client_are_taken_for_their_scheduler() -> None:
    cluster = SimpleNamespace(scheduler_address="tcp://a:1", security="tls")
    opened = SimpleNamespace(scheduler=SimpleNamespace(address="tcp://b:2"), security=None)
    assert address_of(cluster) == ("tcp://a:1", "tls")
    assert address_of(opened) == ("tcp://b:2", None)


# ------------------------------------------------------------------ what cannot be done by a fleet

CHOSEN = backfill(table="t", keys=["1"], where="n is null", sql="update t set n = 1 from page where t.id = page.id")


@pytest.mark.parametrize(
    ("form", "options", "word"),
    [
        (in_sql, {"workers": 2}, "a fleet has workers of its own"),
        (CHOSEN, {}, "is walked in one shard by one worker"),
        (replace(in_sql, module="__main__", given_name="late"), {}, "only a file can be sent"),
        (replace(in_sql, given_name="late"), {}, "only a file can be sent"),
    ],
)
def test_what_a_fleet_cannot_do_is_refused_before_it_is_asked(form: Any, options: dict[str, Any], word: str) -> None:
    with pytest.raises(InvalidBackfill, match=word) as caught:
        asyncio.run(run(client(), form, dask="tcp://127.0.0.1:9", **options))
    assert caught.value.exit_code == 2


def test_a_missing_extra_names_the_install() -> None:
    code = f"""
import asyncio, sys
sys.modules["distributed"] = None
from sendoka import neon
from sendoka.backfills import run
from tests.fixtures.backfills import in_sql
asyncio.run(run(neon({URL!r}), in_sql, dask="tcp://127.0.0.1:9"))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'pip install "sendoka[dask]"' in done.stderr
    assert issubclass(SettingsError, ValueError)
    assert "hunter2" not in done.stderr


# ------------------------------------------------------------------ the script


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        file = folder / f"{name.replace('__in__', '/')}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def test_a_script_is_sent_with_what_it_imports_from_its_folder_and_nothing_else(tmp_path: Path) -> None:
    here, there = tmp_path / "backfill", tmp_path / "worker"
    imports = "from .shared import WHERE\nfrom .lib.deep import NOTHING"
    write(here, **{"2026_01_01_fill": SCRIPT.format(imports=imports, where="WHERE"), "other": "raise Exception"})
    write(here, shared="from . import words\nWHERE = words.WHERE", words='WHERE = "n is null"')
    write(here, lib__in____init__="", lib__in__deep="from ..words import WHERE as NOTHING", lib__in__unused="1/0")
    sent = bundled(load(here, "fill"))
    assert sorted(sent.files) == ["2026_01_01_fill.py", "lib/__init__.py", "lib/deep.py", "shared.py", "words.py"]
    found = unpacked(pickle.loads(pickle.dumps(sent)), there)
    assert (found.name, found.where, found.checksum()) == ("fill", "n is null", load(here, "fill").checksum())
    assert unpacked(sent, there) is found


def test_two_backfills_of_one_file_are_told_apart(tmp_path: Path) -> None:
    names = [unpacked(bundled(form), tmp_path).name for form in (in_sql, in_python)]
    assert names == ["in_sql", "in_python"]


def test_what_is_imported_from_outside_of_the_folder_is_refused(tmp_path: Path) -> None:
    write(tmp_path, lib__in__deep="WHERE = 'n is null'", lib__in____init__="")
    write(tmp_path, lib__in__fill=SCRIPT.format(imports="from . import deep", where="deep.WHERE"))
    (tmp_path / "lib" / "deep.py").write_text("if False:\n    from ..x import y\nWHERE = 'n is null'", encoding="utf-8")
    with pytest.raises(InvalidBackfill, match=r"deep\.py imports from outside of its folder: from \.\.x") as caught:
        bundled(load(tmp_path / "lib", "fill"))
    assert "line 2 of" in caught.value.where


# ------------------------------------------------------------------ the client


def test_a_client_that_was_pickled_is_the_same_one_elsewhere() -> None:
    made = client(timeout=7, retry=Retry(attempts=2), namespace="ours", max_connections=3)
    again: Neon = pickle.loads(pickle.dumps(made))
    assert again.target.connection_string == made.target.connection_string
    assert (again.timeout, again.namespace, repr(again)) == (7, "ours", repr(made))


@pytest.mark.parametrize("options", [{"password": lambda: "hunter2"}, {"types": {"jsonb": lambda text: text}}])
def test_a_client_that_cannot_travel_is_refused_without_showing_it(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidBackfill, match="cannot be sent to other machines") as caught:
        asyncio.run(run(client(**options), in_sql, dask="tcp://127.0.0.1:9"))
    assert "hunter2" not in str(caught.value)


def test_a_parcel_shows_nothing_of_what_is_in_it() -> None:
    contents = Contents(client(), bundled(in_sql), Terms(), 7, "me", None)
    parcel = sealed("in_sql", "abc", contents)
    assert repr(parcel) == "<parcel for in_sql>"
    assert "hunter2" not in f"{contents!r} {parcel!r} {client()!r}"
    assert parcel.opened().client.target.connection_string == client().target.connection_string


def test_owners_of_one_call_know_each_other() -> None:
    assert marked(new_owner("abc"), "abc")
    assert not marked(new_owner("abd"), "abc")
    assert not marked(None, "abc")
