"""One running sandbox for these tests, emptied before each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from sandbox.control import SandboxControl
from sandbox.server import Sandbox


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    running_sandbox.world.reset()
    return running_sandbox


@pytest.fixture
def control(sandbox: Sandbox) -> Iterator[SandboxControl]:
    with SandboxControl(sandbox.http) as client:
        yield client


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session
