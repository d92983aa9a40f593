"""House rules about the shape of the code; each message names the offenders."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PRODUCT = ("pipeline", "tasks", "web", "sandbox")
JUNK_DRAWERS = {"utils", "helpers", "common", "misc", "models", "services", "manager"}
#: Moodle's own word for its API
NO_DRAWER = {Path("pipeline/lms/moodle/services.py")}


def modules(*packages: str) -> Iterator[Path]:
    for package in packages or PRODUCT:
        for file in sorted((ROOT / package).rglob("*.py")):
            if "versions" not in file.parts:
                yield file.relative_to(ROOT)


def tree(module: Path) -> ast.Module:
    return ast.parse((ROOT / module).read_text(encoding="utf-8"))


def lines(module: Path) -> int:
    return len((ROOT / module).read_text(encoding="utf-8").splitlines())


def test_modules_are_small() -> None:
    assert {str(module): lines(module) for module in modules() if lines(module) > 300} == {}


def test_adapters_can_be_read_at_a_glance() -> None:
    adapters = [*modules("pipeline/lms"), *modules("pipeline/platforms"), *modules("pipeline/downstream")]
    assert {str(module): lines(module) for module in adapters if lines(module) > 150} == {}


def test_functions_are_short() -> None:
    long = {}
    for module in modules():
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.FunctionDef):
                first = node.body[1 if ast.get_docstring(node) and len(node.body) > 1 else 0]
                length = (node.end_lineno or 0) - first.lineno + 1
                if length > 40:
                    long[f"{module}:{node.name}"] = length
    assert long == {}


def test_every_module_says_why_it_exists() -> None:
    assert [str(module) for module in modules() if not ast.get_docstring(tree(module))] == []


def test_files_are_named_after_subjects() -> None:
    drawers = [str(m) for m in modules() if m.stem in JUNK_DRAWERS and m not in NO_DRAWER]
    assert drawers == []


def test_time_comes_from_the_clock() -> None:
    """In the product; the sandbox is another system and has a clock of its own."""
    elsewhere = []
    for module in modules("pipeline", "tasks", "web"):
        if module == Path("pipeline/clock.py"):
            continue
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                called = ast.unparse(node.func)
                if called in {
                    "datetime.now",
                    "datetime.utcnow",
                    "time.time",
                    "time.monotonic",
                    "date.today",
                    "time.sleep",
                }:
                    elsewhere.append(f"{module}:{node.lineno} {called}")
    assert elsewhere == []


@pytest.mark.parametrize("argument", ["countdown", "eta"])
def test_no_long_wait_is_left_to_the_broker(argument: str) -> None:
    """Waits are due dates in the database: a broker delivers a message with a far ETA again and again."""
    waits = [
        f"{module}:{node.lineno}"
        for module in modules("pipeline", "tasks", "web")
        for node in ast.walk(tree(module))
        if isinstance(node, ast.keyword) and node.arg == argument
    ]
    assert waits == []


def test_no_task_retries_by_itself() -> None:
    retries = [
        f"{module}:{node.lineno}"
        for module in modules("tasks")
        for node in ast.walk(tree(module))
        if (isinstance(node, ast.Attribute) and node.attr in {"retry", "apply_async"})
        or (isinstance(node, ast.keyword) and node.arg in {"autoretry_for", "rate_limit", "worker_eta_task_limit"})
    ]
    assert retries == []


def test_only_the_trail_moves_a_row_of_a_case() -> None:
    """Deliveries are no part of a case: receive and replay may set their state."""
    allowed = {Path("pipeline/audit/trail.py"), Path("pipeline/steps/receive.py"), Path("pipeline/steps/replay.py")}
    moves = []
    for module in modules("pipeline", "tasks", "web"):
        for node in ast.walk(tree(module)):
            targets = node.targets if isinstance(node, ast.Assign) else []
            for target in [part for whole in targets for part in ast.walk(whole)]:
                if isinstance(target, ast.Attribute) and target.attr in {"stage", "state"}:
                    owner = ast.unparse(target.value)
                    if module not in allowed or (module.name != "trail.py" and owner != "delivery"):
                        moves.append(f"{module}:{node.lineno} {owner}.{target.attr}")
    assert moves == []


def test_no_statement_changes_a_case_behind_the_trail() -> None:
    """Core statements pass by the session's guard, so only the columns of scheduling may be set by one."""
    guarded = {"Case", "CredentialRow", "Message", "Update", "LedgerEntry"}
    statements = []
    for module in modules("pipeline", "tasks", "web"):
        for node in ast.walk(tree(module)):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in {"update", "delete", "insert"}
            ):
                named = ast.unparse(node.args[0]) if node.args else ""
                if named in guarded:
                    statements.append(f"{module}:{node.lineno} {node.func.id}({named})")
    assert statements == []
