"""No failure is swallowed, no statement passes by the trail unseen, and no secret stands in a file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from pipeline.audit.trail import _UNRECORDED

ROOT = Path(__file__).parents[2]


def nodes(*packages: str) -> Iterator[tuple[str, ast.AST]]:
    for package in packages:
        for file in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                yield str(file.relative_to(ROOT)), node


def test_no_handler_catches_everything_in_silence() -> None:
    """Whoever catches everything writes it down, keeps it as a failure of the row, or raises."""
    silent = []
    for module, node in nodes("pipeline", "tasks", "web"):
        if not isinstance(node, ast.ExceptHandler):
            continue
        kinds = {ast.unparse(part) for part in ast.walk(node.type)} if node.type else {"BaseException"}
        if not kinds & {"Exception", "BaseException"}:
            continue
        said = any(
            isinstance(part, ast.Raise) or (isinstance(part, ast.Attribute) and part.attr == "exception")
            for part in ast.walk(node)
        )
        if not said:
            silent.append(f"{module}:{node.lineno}")
    assert silent == []


def test_no_handler_does_nothing_but_pass_without_a_word_why() -> None:
    without = []
    for module, node in nodes("pipeline", "tasks", "web"):
        if isinstance(node, ast.ExceptHandler) and isinstance(node.body[0], ast.Pass):
            line = (ROOT / module).read_text(encoding="utf-8").splitlines()[node.body[0].lineno - 1]
            if "#" not in line:
                without.append(f"{module}:{node.lineno}")
    assert without == []


def test_a_statement_over_rows_sets_columns_of_scheduling_only() -> None:
    """An UPDATE passes by the session's guard; lanes, permits and pumps are no part of a case."""
    free = {"Pump", "Lane", "Permit"}
    found = []
    for module, node in nodes("pipeline", "tasks", "web"):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "values"):
            continue
        made = next(
            (
                p
                for p in ast.walk(node.func)
                if isinstance(p, ast.Call) and ast.unparse(p.func) in {"update", "insert"}
            ),
            None,
        )
        if made is None or ast.unparse(made.args[0]) in free:
            continue
        columns = {keyword.arg for keyword in node.keywords}
        if not columns <= _UNRECORDED:
            found.append(f"{module}:{node.lineno} {sorted(map(str, columns))}")
    assert found == []


def test_no_sql_is_written_as_text_against_a_case() -> None:
    statements = [
        f"{module}:{node.lineno}"
        for module, node in nodes("pipeline", "tasks", "web")
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.search(
            r"\b(UPDATE|DELETE FROM|INSERT INTO|REPLACE INTO)\s+(cases|credentials|messages|updates)\b", node.value
        )
    ]
    assert statements == []


def test_no_secret_stands_in_the_configuration() -> None:
    """Only names of variables and paths of files, and nothing that looks like a key."""
    suspicious = []
    for file in sorted((ROOT / "config").rglob("*.yaml")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            entry = line.partition("#")[0].strip()
            secret = re.match(r"(?:- )?(?:token|key|secret|secrets|password):\s*(\S+)", entry)
            if secret and not secret[1].startswith(("env:", "file:", "[")):
                suspicious.append(f"{file.name}:{number}")
            if re.search(r"[0-9a-fA-F]{20,}|[A-Za-z0-9+/]{32,}={0,2}|eyJ[A-Za-z0-9_-]{10,}", entry):
                suspicious.append(f"{file.name}:{number}")
    assert suspicious == []
