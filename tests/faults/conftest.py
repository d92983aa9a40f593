"""One installation for all the attacks of a module, once on files and once on servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.rig import Rig, Variant, running


@pytest.fixture(params=["files", "servers"], scope="module")
def rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A running installation; a module that needs another one makes it under the same name."""
    variant: Variant = request.param
    directory: Path = tmp_path_factory.mktemp("rig")
    directory.chmod(0o711)  # PostgreSQL runs as another user
    with running(directory, variant) as running_rig:
        yield running_rig
