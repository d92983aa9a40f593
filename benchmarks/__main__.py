"""`make bench`: runs the measures and prints a table. Nothing here fails for being slow."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, fields
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import measures
from benchmarks.measures import Row
from tests.faults.rig import Variant

#: measure, how many, how many with --quick
MEASURES: Mapping[str, tuple[Callable[[Variant, int], Row], int, int]] = {
    "webhooks": (measures.webhooks, 5000, 500),
    "completions": (measures.completions, 300, 40),
}
#: those that need neither database nor broker
ALONE: Mapping[str, tuple[Callable[[int], Row], int, int]] = {"judging": (measures.judging, 10_000, 2_000)}
#: those that need PostgreSQL and Redis; each gives several rows
ON_SERVERS: Mapping[str, tuple[Callable[[int], Iterator[Row]], int, int]] = {
    "limit": (measures.limit, 1000, 200),
    "bulk": (measures.bulk, 200, 200),
    "platforms": (measures.platforms, 10_000, 400),
}


def main() -> int:
    """Run what was asked for, and print the table in Markdown."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure Confer beside baselines of the same run. Everything stays on this machine.",
        epilog="example: make bench ARGS='--quick --only webhooks'",
    )
    parser.add_argument("--quick", action="store_true", help="a short look, about a minute: not for comparing")
    names = sorted({*MEASURES, *ALONE, *ON_SERVERS})
    parser.add_argument("--only", choices=names, action="append", help="this measure; may be repeated")
    parser.add_argument(
        "--on", choices=["files", "servers"], action="append",
        help="SQLite with the file broker, or PostgreSQL with Redis; default: both, as far as installed",
    )  # fmt: skip
    arguments = parser.parse_args()
    variants: list[Variant] = arguments.on or (["files", "servers"] if _has_servers() else ["files"])
    if "servers" not in variants and not arguments.on:
        print("redis-server or PostgreSQL is not installed: measuring on SQLite alone.", file=sys.stderr)
    rows = []
    for name in arguments.only or [*ALONE, *MEASURES, *(ON_SERVERS if _has_servers() else ())]:
        if name in ON_SERVERS:
            print(f"measuring {name} …", file=sys.stderr, flush=True)
            several, count, few = ON_SERVERS[name]
            rows += several(few if arguments.quick else count)
            continue
        if name in ALONE:
            print(f"measuring {name} …", file=sys.stderr, flush=True)
            alone, count, few = ALONE[name]
            rows.append(alone(few if arguments.quick else count))
            continue
        measure, count, few = MEASURES[name]
        for variant in variants:
            print(f"measuring {name} on {variant} …", file=sys.stderr, flush=True)
            rows.append(measure(variant, few if arguments.quick else count))
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print("| " + " | ".join(field.name for field in fields(Row)) + " |")
    print("|" + " --- |" * len(fields(Row)))
    for row in rows:
        print("| " + " | ".join(astuple(row)) + " |")
    return 0


def _has_servers() -> bool:
    return bool(shutil.which("redis-server")) and any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


if __name__ == "__main__":
    sys.exit(main())
