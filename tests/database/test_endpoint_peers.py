"""The official JavaScript driver and drizzle-orm against the endpoint, unchanged but for `neonConfig.fetchEndpoint`.

Each program of `tests/peers` is one process of node, which makes many calls and prints what came of them.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from tests.documents import blocks_of
from tests.fixtures.recorded import OPTIONAL, STOOD_THERE, VECTORS, masked, ours

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.local import Endpoint

pytestmark = pytest.mark.peers


def run(peers: Path, program: str | Path, *arguments: str, text: str = "", folder: Path | None = None) -> str:
    """Run a program of `tests/peers` and return what it printed."""
    done = subprocess.run(
        ["node", peers / program, *arguments],
        cwd=folder or peers,
        env={**os.environ, "TZ": "UTC", "DATABASE_URL": arguments[0]},
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# ------------------------------------------------------------------ the recorded calls

# Calls that are refused here whatever was recorded by hand, with what is said, and why.
REFUSED = {
    # There is no control plane that could check a token, so a password is needed.
    **dict.fromkeys(
        ("v007", "v023", "v126", "v128", "v129", "v130", "v132"),
        "missing authentication credentials: required password",
    ),
    # Half a surrogate pair is no JSON to a server in Rust, and no text here.
    "v042": "could not parse the HTTP request body: lone surrogate in hex escape",
}

NOT_MADE = {
    "v012": "the driver makes an address of its own, which is no valid one; here it is told the address",
    "v025": "the driver is told an address on another host",
    "v197": "a host of the internet is asked",
    "v198": "a name of the internet is looked up",
}


def calls(url: str) -> list[dict[str, Any]]:
    """Return what `vectors.mjs` reads: every recorded call, and how the endpoint is to answer where a hand did.

    drizzle changes the driver for all who use it, so its calls come last.
    """
    return [
        {
            "id": vector["id"],
            "group": vector["group"],
            "call": ours(vector["call"], url),
            "tz": "America/New_York" if "TZ=" in vector["client"] else "UTC",
            "setup": STOOD_THERE.get(vector["id"], []),
            "faults": [fault for request in vector["requests"] if (fault := fault_of(vector, request, url))],
        }
        for vector in sorted(VECTORS, key=lambda vector: vector["group"] == "drizzle")
        if "call" in vector and vector["id"] not in NOT_MADE
    ]


def fault_of(vector: dict[str, Any], request: dict[str, Any], url: str) -> dict[str, Any] | None:
    """Return the fault that gives the answer which was written by hand, or none at all as it was recorded."""
    response = request.get("response")
    if response is None or "status" not in response:
        closed = vector["name"] == "connection closed before a response"
        return {"kind": "cut_before"} if closed else {"kind": "delay", "seconds": 0.5}
    if response["source"] != "canned":
        return None
    headers = {name.lower(): value for name, value in response["headers"].items()}
    options = {"status": response["status"], "body": response["body"] or "", "run": False}
    if "content-type" in headers:
        options["type"] = headers["content-type"]
    if "location" in headers:
        options["location"] = f"http://{url.partition('@')[2].partition('/')[0]}/sql"
    return {"kind": "answer", **options}


def test_every_recorded_call_comes_to_the_same(peers: Path, database_url: str, tmp_path: Path) -> None:
    write_migrations(tmp_path / "mig")
    made = calls(database_url)
    got = json.loads(run(peers, "vectors.mjs", database_url, text=json.dumps(made), folder=tmp_path))
    recorded = {vector["id"]: vector["outcome"] for vector in VECTORS if "call" in vector}
    differences = {}
    for call in made:
        name = call["id"]
        one, other = comparable(name, got[name], database_url), comparable(name, recorded[name], database_url)
        lacking = OPTIONAL.get(name)
        if name in REFUSED:
            assert f'"message": "{REFUSED[name]}"' in one, name
        elif one != other and not (lacking and f'"code": "{lacking}"' in one):
            differences[f"{name} {call['call']}"] = (other, one)
    assert differences == {}
    assert len(made) == 249 - len(NOT_MADE)


def comparable(vector: str, outcome: Any, url: str) -> str:
    """Return an outcome as text, without what belongs to one server and with the recorded names of databases."""
    text = json.dumps(without_source(outcome), sort_keys=True, ensure_ascii=False)
    return masked(vector, text.replace(url.rpartition("/")[2], "neondb"))


def without_source(value: Any) -> Any:
    if isinstance(value, list):
        return [without_source(item) for item in value]
    if not isinstance(value, dict):
        return value
    # libpq and releases tell different places of the source; which copy of a class an error has is node's affair.
    dropped = {"file", "line", "routine"} | ({"isNeonDbError"} if value.get("$") == "Error" else set())
    return {key: without_source(item) for key, item in value.items() if key not in dropped}


def write_migrations(folder: Path) -> None:
    """Write the two migrations of the recording, the second of which fails."""
    files = {
        "0000_one": "CREATE TABLE dz_m1(i int);\n--> statement-breakpoint\nCREATE INDEX dz_m1_i ON dz_m1(i);",
        "0001_two": "CREATE TABLE dz_m2(i int);\n--> statement-breakpoint\nSELECT 1/0;",
    }
    (folder / "meta").mkdir(parents=True)
    for name, text in files.items():
        (folder / f"{name}.sql").write_text(text, encoding="ascii")
    entries = [
        {"idx": number, "version": "7", "when": 1764000000000 + number, "tag": name, "breakpoints": True}
        for number, name in enumerate(files)
    ]
    journal = {"version": "7", "dialect": "postgresql", "entries": entries}
    (folder / "meta" / "_journal.json").write_text(json.dumps(journal), encoding="ascii")


# ------------------------------------------------------------------ the driver

FIRST = {"id": 1, "name": 'Ada "the" first', "at": "2026-01-02T03:04:05.678Z", "tags": ["a b", 'c"d', None]}

ERRORS = {
    "unique": {
        "name": "NeonDbError",
        "code": "23505",
        "constraint": "peers_pkey",
        "table": "peers",
        "schema": "public",
        "detail": "Key (id)=(1) already exists.",
        "severity": "ERROR",
        "message": 'duplicate key value violates unique constraint "peers_pkey"',
    },
    "notNull": {
        "name": "NeonDbError",
        "code": "23502",
        "table": "peers",
        "schema": "public",
        "column": "name",
        "detail": "Failing row contains (9, null, null, null).",
        "severity": "ERROR",
        "message": 'null value in column "name" of relation "peers" violates not-null constraint',
    },
    "syntax": {
        "name": "NeonDbError",
        "code": "42601",
        "position": "1",
        "severity": "ERROR",
        "message": 'syntax error at or near "selec"',
    },
    "raised": {
        "name": "NeonDbError",
        "code": "P1234",
        "detail": "d",
        "hint": "h",
        "where": "PL/pgSQL function inline_code_block line 1 at RAISE",
        "severity": "ERROR",
        "message": "boom",
    },
    "readOnly": {
        "name": "NeonDbError",
        "code": "25006",
        "severity": "ERROR",
        "message": "cannot execute DELETE in a read-only transaction",
    },
    "level": {"name": "NeonDbError", "code": "", "severity": "", "message": "invalid isolation level"},
    "token": {
        "name": "NeonDbError",
        "code": "",
        "severity": "",
        "message": "missing authentication credentials: required password",
    },
}
LEVELS = ("ReadUncommitted", "ReadCommitted", "RepeatableRead", "Serializable")
WORDS = ("read uncommitted", "read committed", "repeatable read", "serializable")


def test_the_official_driver_runs_unchanged(peers: Path, database_url: str) -> None:
    got = json.loads(run(peers, "driver.mjs", database_url))
    errors = got.pop("errors")
    assert errors.pop("password")["message"].startswith("password authentication failed for user '")
    missing = errors.pop("database")
    assert (missing["code"], missing["severity"]) == ("3D000", "FATAL")
    assert errors == ERRORS
    assert got.pop("levels") == [
        [level, read_only, deferrable, " ".join([word, *("on" if on else "off" for on in (read_only, deferrable))])]
        for (level, word), read_only, deferrable in product(
            zip(LEVELS, WORDS, strict=True), (True, False), (True, False)
        )
    ]
    assert got == {
        "tagged": [FIRST],
        "parametrised": [{"sum": 42, "doc": {"a": [1, None]}}],
        "fragments": [{"name": FIRST["name"]}],
        "bytes": [{"hex": "0001ff", "bytes": {"type": "Buffer", "data": [7]}}],
        "twice": [["x"], ["x"]],
        "transaction": [[], [{"count": "2"}]],
        "whole": {
            "rows": [[1, FIRST["name"]], [2, "Bob"]],
            "command": "SELECT",
            "rowCount": 2,
            "fields": ["id", "name"],
        },
        "mixed": [[{"a": 1}], [[2]]],
        "custom": "bigint",
        "afterwards": [{"count": 2}],
        "pool": {"rows": [{"id": 2, "name": "Bob"}], "command": "SELECT", "rowCount": 1, "viaNeonFetch": True},
        "poolObject": [[5]],
        "poolCallback": [{"n": 8}],
        "poolError": {"name": "NeonDbError", "code": "22012", "severity": "ERROR", "message": "division by zero"},
        "poolMany": list(range(20)),
        "client": "function",
        "parser": "function",
    }


def test_the_document_shows_how_it_is_led_here(peers: Path, database_url: str) -> None:
    (block,) = blocks_of("docs/endpoint.md", language="js")
    program = peers / "node_modules" / f".document-{os.getpid()}.mjs"
    program.write_text(block.code, encoding="utf-8")
    try:
        assert run(peers, program, database_url) == ""
    finally:
        program.unlink()


# ------------------------------------------------------------------ drizzle

BOOKS = [
    {"id": 1, "author": 1, "title": "One", "price": "10.50", "tags": ["a b", 'c"d', ""], "inPrint": True},
    {"id": 2, "author": 1, "title": "Two", "price": None, "tags": [], "inPrint": False},
    {"id": 3, "author": 2, "title": "Three", "price": "0.10", "tags": [], "inPrint": True},
]
ADA, BOB = 'Ada "the" first', "Bob's"
JOINED = "2026-01-02T03:04:05.678Z"


def test_an_application_on_drizzle_runs_unchanged(peers: Path, database_url: str, endpoint: Endpoint) -> None:
    got = json.loads(run(peers, "drizzle.mjs", database_url))
    files = sorted((peers / "migrations").glob("*.sql"))
    assert got.pop("migrations") == [
        {"hash": hashlib.sha256(file.read_bytes()).hexdigest(), "created_at": str(when)}
        for file, when in zip(files, (1764000000000, 1764000100000), strict=True)
    ]
    assert got == {
        "inserted": [
            {
                "id": 1,
                "name": ADA,
                "token": "0b0e4f9c-7a7b-4a3a-9f0e-3d1f0f6f9a11",
                "settings": {"n": [1, None, "é\n"], "theme": "dark"},
                "joined": JOINED,
            },
            {"id": 2, "name": BOB, "token": None, "settings": None, "joined": JOINED},
        ],
        "selected": BOOKS,
        "partial": [{"title": "One", "upper": "ONE"}],
        "joined": [{"author": BOB, "title": "Three"}, {"author": ADA, "title": "Two"}],
        "grouped": [{"author": 1, "books": 2}, {"author": 2, "books": 1}],
        "relational": [
            {"name": ADA, "books": [{"title": "One", "price": "10.5"}, {"title": "Two", "price": None}]},
            {"name": BOB, "books": [{"title": "Three", "price": "0.1"}]},  # drizzle lets JSON carry a numeric
        ],
        "one": {**BOOKS[2], "by": {"name": BOB, "settings": None}},
        "updated": [{"price": "21.00"}],
        "upserted": [{"id": 2, "settings": {"seen": True}}],
        "deleted": [{"id": 3}],
        "changed": {"rowCount": 2, "command": "UPDATE", "rows": []},
        "prepared": [{"id": 2, "name": BOB, "token": None, "settings": {"seen": True}, "joined": JOINED}],
        "batch": [[{"id": 4}], {"command": "UPDATE", "rowCount": 1}, [{"id": 4, "title": "IV"}], [{"n": 3}]],
        "failed": {
            "name": "NeonDbError",
            "code": "23503",
            "constraint": "books_author_authors_id_fk",
            "table": "books",
            "detail": 'Key (author)=(99) is not present in table "authors".',
        },
        "afterwards": [{"id": 1}, {"id": 2}, {"id": 4}],
        "transaction": "No transactions support in neon-http driver",
    }
    assert [exchange.batch for exchange in endpoint.exchanges].count(True) == 2
