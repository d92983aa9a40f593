"""The benchmarks can be started; what they measure is for people to read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_benchmarks_tell_what_they_take() -> None:
    command = [sys.executable, "-m", "benchmarks", "--help"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    for option in ("--quick", "--only", "--on"):
        assert option in ran.stdout
