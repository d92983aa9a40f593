"""Accredible bound to the suite for platforms."""

from __future__ import annotations

from tests.contracts.accredible_bench import AccredibleBench
from tests.contracts.platform_suite import PlatformSuite


class TestAccredible(PlatformSuite):
    """The suite."""

    bench_type = AccredibleBench
