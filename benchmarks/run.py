"""Run every benchmark of this folder, one after the other, and write their tables to RESULTS.md.

    .venv/bin/python benchmarks/run.py [imports transport …]

A benchmark is a script that prints a table in Markdown; what its docstring says stands above the table. Named ones are
measured anew, and the others keep what the file says of them.
"""

from __future__ import annotations

import ast
import os
import platform
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "RESULTS.md"


def scripts() -> list[Path]:
    """Return the benchmarks, sorted by name."""
    return sorted(path for path in FOLDER.glob("*.py") if path != Path(__file__) and not path.stem.startswith("_"))


def described(script: Path) -> str:
    """Return the first sentence of a script's docstring."""
    text = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split())


def machine() -> str:
    """Return what the figures were measured on, in one line."""
    cores = f"{os.cpu_count()} cores ({_processor()})"
    node = _version("node", "--version")
    return f"{cores}, {platform.system()}, CPython {platform.python_version()}, node {node or 'none'}"


def _processor() -> str:
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        found = None
    return found[1].strip() if found else platform.machine()


def _version(program: str, *arguments: str) -> str:
    if shutil.which(program) is None:
        return ""
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout.strip()


def measure(script: Path) -> str:
    """Run a script and return its section."""
    print(f"{script.stem} …", flush=True)
    done = subprocess.run([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, check=True)
    print(done.stdout, flush=True)
    stamp = f"Measured {datetime.now(UTC):%Y-%m-%d}: {machine()}."
    table = done.stdout.strip()
    shown = table if "|" in table else f"```text\n{table}\n```"
    return f"## {script.stem}\n\n{described(script)}\n\n{shown}\n\n{stamp}\n"


def kept() -> dict[str, str]:
    """Return the sections of the file as it is."""
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    found = re.split(r"(?m)^(?=## )", text)[1:]
    return {section.splitlines()[0][3:]: section.rstrip() + "\n" for section in found}


def main(wanted: list[str]) -> None:
    """Measure what is wanted, all where nothing is named, and write the file."""
    known = {script.stem: script for script in scripts()}
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        sys.exit(f"no benchmark {unknown[0]!r}; there are: {', '.join(known)}")
    sections = {name: section for name, section in kept().items() if name in known}
    for name in wanted or known:
        sections[name] = measure(known[name])
    head = (
        "# Results\n\nRatios of one run each; the machine is shared, so absolute figures move. "
        '`make bench` measures all, `make bench ARGS="decode"` one.\n'
    )
    body = "\n".join(sections[name] for name in sorted(sections))
    RESULTS.write_text(f"{head}\n{body}", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
