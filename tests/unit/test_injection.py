"""Values in the text of a statement are seen before they run: what a linter and a type checker see, and what they miss.

docs/client.md ("Composing statements") recommends both, and says the same of them as this.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

HEAD = """\
from sendoka import Neon, fragment, ident, join


async def statements(sql: Neon, value: str, table: str) -> None:
"""

# Seen by ruff's S608 and by a type checker that knows LiteralString.
SEEN_BY_BOTH = [
    """await sql(f"select * from orgs where name = '{value}'")""",
    """await sql("select * from orgs where name = '%s'" % value)""",
    """await sql("select * from orgs where name = '{}'".format(value))""",
    """await sql("select * from orgs where name = '" + value + "'")""",
    """await sql("select * from orgs where " + value)""",
    """await sql(f"insert into orgs (name) values ('{value}')")""",
    """await sql(f"update orgs set name = '{value}'")""",
    """await sql(f"delete from {table}")""",
    """await sql(f"with a as (select 1) select * from {table}")""",
]
# Not seen by ruff: it knows select … from, insert into, update … set and delete from, in one expression.
SEEN_BY_TYPES_ONLY = [
    """await sql(f"select {value}")""",
    """await sql(f"call {value}()")""",
    """await sql(f"truncate {table}")""",
    """await sql(f"drop table {table}")""",
    """await sql(f"alter table {table} add x int")""",
    """await sql(f"set role {value}")""",
    """await sql(f"merge into {table} using x on true when matched then delete")""",
    """await sql(" ".join(["select * from orgs where name =", value]))""",
    """await sql("select * from orgs where name = 'X'".replace("X", value))""",
    """await sql(fragment(value))""",
    """await sql(fragment(f"name = '{value}'"))""",
    """await sql(join(value, [1]))""",
]
# Seen by nobody, and nothing is wrong with them.
RIGHT = [
    """await sql("select * from orgs where name = $1", value)""",
    """await sql(fragment("select * from {} where name = {}", ident(table), value))""",
    """await sql(fragment("select * from {t} where name = {v}", t=ident(table), v=value))""",
    """await sql(fragment("insert into orgs (name) values {}", join(", ", [fragment("({})", v) for v in value])))""",
]
# Nothing is wrong with it, and ruff does not know that: two texts of the program itself.
SEEN_WRONGLY_BY_RUFF = ["""await sql("select * from orgs" + " where name = $1", value)"""]
EVERYTHING = [*SEEN_BY_BOTH, *SEEN_BY_TYPES_ONLY, *RIGHT, *SEEN_WRONGLY_BY_RUFF]


def file_of(folder: Path, statements: Iterable[str]) -> Path:
    """Write the statements, one a line, behind HEAD."""
    path = folder / "sample.py"
    path.write_text(HEAD + "".join(f"    {line}\n" for line in statements), encoding="utf-8")
    return path


def lines_of(path: Path, found: Iterable[int]) -> list[str]:
    """Return the statements at line numbers counted from 1."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [lines[number - 1].strip() for number in sorted(set(found))]


def seen_by_ruff(path: Path) -> list[str]:
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--select",
        "S608",
        "--output-format",
        "json",
        str(path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return lines_of(path, (finding["location"]["row"] for finding in json.loads(done.stdout)))


def seen_by_types(path: Path) -> list[str]:
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", sys.executable, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    findings = json.loads(done.stdout)["generalDiagnostics"]
    errors = [finding for finding in findings if finding["severity"] == "error"]
    # What a sample imports and does not use is another matter.
    errors = [finding for finding in errors if finding.get("rule") != "reportUnusedImport"]
    assert {finding.get("rule") for finding in errors} <= {"reportArgumentType"}, errors
    return lines_of(path, (finding["range"]["start"]["line"] + 1 for finding in errors))


def test_the_linter_sees_most_and_misses_the_rest(tmp_path: Path) -> None:
    path = file_of(tmp_path, EVERYTHING)
    assert seen_by_ruff(path) == [*SEEN_BY_BOTH, *SEEN_WRONGLY_BY_RUFF]


GROWN = [
    """text = "select * from orgs" """.strip(),
    """text += f" where name = '{value}'" """.strip(),
    "await sql(text)",
]


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a type checker sees of all of them, and behind them, of a text that is built up."""
    return seen_by_types(file_of(tmp_path_factory.mktemp("typed"), [*EVERYTHING, *GROWN]))


def test_a_type_checker_sees_all_of_them(typed: list[str]) -> None:
    assert [line for line in typed if line not in GROWN] == [*SEEN_BY_BOTH, *SEEN_BY_TYPES_ONLY]


def test_a_text_that_is_built_up_is_seen_by_the_type_checker_only(tmp_path: Path, typed: list[str]) -> None:
    assert seen_by_ruff(file_of(tmp_path, GROWN)) == []
    assert [line for line in typed if line in GROWN] == ["await sql(text)"]
