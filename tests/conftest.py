"""What every test may ask for."""

from __future__ import annotations

import os
import pkgutil
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import pipeline.store
from pipeline.settings import SETTINGS, Settings, settings
from pipeline.store.database import Row, engine, forget_engine

SECRET = "a-secret-for-tests-that-is-long-enough"


def pytest_configure(config: pytest.Config) -> None:
    """Have an environment before any test is collected: `tasks` and `web` read the settings when imported."""
    directory = tempfile.TemporaryDirectory(prefix="confer-tests-")
    config.add_cleanup(directory.cleanup)
    os.environ["CONFER_DATA"] = directory.name
    os.environ["CONFER_SECRET_KEY"] = SECRET


@pytest.fixture
def confer_env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """An environment of its own in a temporary directory, with all tables; no setting leaks in from outside."""
    for setting in SETTINGS:
        for variable in (setting.variable, f"{setting.variable}_FILE"):
            if variable in os.environ:
                monkeypatch.delenv(variable)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'confer.db'}")
    monkeypatch.setenv("CONFER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("CONFER_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("CONFER_SECRET_KEY", SECRET)
    monkeypatch.setenv("CONFER_PUBLIC_URL", "https://credentials.academy.example")
    settings.cache_clear()
    forget_engine()
    for module in pkgutil.iter_modules(pipeline.store.__path__, "pipeline.store."):
        if not module.ispkg:
            import_module(module.name)  # a table is known once its module is
    Row.metadata.create_all(engine())
    yield settings()
    forget_engine()
    settings.cache_clear()
