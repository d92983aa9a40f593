"""What every test may ask for."""

from __future__ import annotations

import logging
import os
import pkgutil
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from importlib import import_module
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import pipeline.store
from pipeline import clock
from pipeline.configuration import documents
from pipeline.configuration.loading import configuration
from pipeline.settings import SETTINGS, Settings, settings
from pipeline.steps.turn import WakeUp
from pipeline.store.database import Row, forget_engine, make_engine
from sandbox.control import SandboxControl
from sandbox.server import Sandbox
from tests.driver import TOKENS, WEBHOOK_SECRET, Clock, Driver

SHIPPED = Path(__file__).parent.parent / "config"
SECRET = "a-secret-for-tests-that-is-long-enough"


def pytest_configure(config: pytest.Config) -> None:
    """Have an environment before any test is collected: `tasks` and `web` read the settings when imported."""
    pytest.register_assert_rewrite(
        *(f"tests.contracts.{name}" for name in ("lms_hearing", "lms_suite", "platform_suite"))
    )
    directory = tempfile.TemporaryDirectory(prefix="confer-tests-")
    config.add_cleanup(directory.cleanup)
    os.environ["CONFER_DATA"] = directory.name
    os.environ["CONFER_SECRET_KEY"] = SECRET


class _ReadOnce:
    """Reads YAML as `documents` does, and the same text once: the shipped files are read thousands of times."""

    def __init__(self, typ: str) -> None:
        assert typ == "rt"

    load = staticmethod(lru_cache(maxsize=2000)(YAML(typ="rt").load))


@pytest.fixture(scope="session", autouse=True)
def yaml_read_once() -> Iterator[None]:
    """Parsing YAML, with its lines, takes a tenth of a second for each installation of a test."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(documents, "YAML", _ReadOnce)
        yield


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with all tables and nothing in them, to be copied: making them takes ten times as long."""
    for module in pkgutil.iter_modules(pipeline.store.__path__, "pipeline.store."):
        if not module.ispkg:
            import_module(module.name)  # a table is known once its module is
    file = tmp_path_factory.mktemp("database") / "confer.db"
    made = make_engine(f"sqlite:///{file}")
    Row.metadata.create_all(made)
    made.dispose()
    assert not file.with_name("confer.db-wal").exists(), "all of it is in the file"
    return file


@pytest.fixture
def confer_env(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
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
    shutil.copyfile(empty_database, tmp_path / "confer.db")
    yield settings()
    forget_engine()
    settings.cache_clear()


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    """One sandbox for all tests of a run."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    """The running sandbox, as at its start."""
    running_sandbox.world.reset()
    return running_sandbox


@pytest.fixture
def control(sandbox: Sandbox) -> Iterator[SandboxControl]:
    """The sandbox's control API."""
    with SandboxControl(sandbox.http) as client:
        yield client


@pytest.fixture
def accounts_env(confer_env: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An environment whose accounts are those of the running sandbox, with the shipped configuration."""
    shutil.copytree(SHIPPED, confer_env.config)
    values = {
        "CONFER_SMTP_URL": sandbox.smtp,
        "CONFER_MAIL_FROM": "Example Academy <credentials@academy.example>",
        "CAMPUS_MOODLE_URL": f"{sandbox.http}/moodle",
        "CAMPUS_MOODLE_TOKEN": "moodle-token",
        "CAMPUS_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "COLLEGE_WEBHOOK_SECRET": "the-webhook-secret-of-the-college",
        "COLLEGE_CANVAS_URL": f"{sandbox.http}/canvas",
        "COLLEGE_CANVAS_TOKEN": "canvas-token",
        "COLLEGE_CANVAS_JWKS": f"{sandbox.http}/canvas/main/jwks",
        "ACCREDIBLE_URL": f"{sandbox.http}/accredible",
        "ACCREDIBLE_KEY": "accredible-key",
        "SIS_URL": f"{sandbox.http}/sis",
        "SIS_TOKEN": "sis-token",
        "REGISTRAR_TOKEN": TOKENS["registrar"],
        "HEAD_REGISTRAR_TOKEN": TOKENS["head-registrar"],
        "PROCTORING_TOKEN": TOKENS["proctoring"],
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    configuration.cache_clear()
    return settings()


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that a test moves; whoever waits moves it too."""

    def set_to(at: datetime) -> None:
        monkeypatch.setattr(clock, "_frozen", at)

    made = Clock(set_to, datetime.now(UTC))
    made.go_to(made.now)
    monkeypatch.setattr(clock, "sleep", made.sleep)
    return made


@pytest.fixture
def make_driver(
    accounts_env: Settings, control: SandboxControl, still: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Driver]]:
    """Makes the installation of a test, with settings of its own."""
    from web import attestations, cases, create_app, reviews, webhooks, withdrawals

    waiting: deque[WakeUp] = deque()

    class Collector:
        """Stands in for the thread that sends wake-ups to the broker."""

        def send(self, wakeup: WakeUp) -> None:
            waiting.append(wakeup)

    for module in (webhooks, reviews, attestations, withdrawals, cases):
        monkeypatch.setattr(module, "herald", Collector())
    handlers = list(logging.getLogger().handlers)

    def make(**variables: str) -> Driver:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        configuration.cache_clear()
        client = create_app().test_client()
        return Driver(clock=still, web=client, control=control, config=settings().config, waiting=waiting)

    yield make
    logging.getLogger().handlers = handlers
    configuration.cache_clear()


@pytest.fixture
def confer(make_driver: Callable[..., Driver]) -> Driver:
    """An installation with the shipped configuration."""
    return make_driver()


#: tests that a run was told to leave out, such as those that start servers under `make test`
_LEFT_OUT: list[pytest.Item] = []


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Remember what is left out, to say so at the end."""
    _LEFT_OUT.extend(items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what this run did not show."""
    servers = sum(item.get_closest_marker("servers") is not None for item in _LEFT_OUT)
    if servers:
        terminalreporter.write_line(f"Left out: {servers} tests that start servers; run `make test-all`.")
    if _skipped_in_ci(terminalreporter.config):
        terminalreporter.write_line("Failed: in CI no test may be skipped; see the lines SKIPPED.", red=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a skipped test is a failure: what was not run was not shown to work."""
    if exitstatus == pytest.ExitCode.OK and _skipped_in_ci(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _skipped_in_ci(config: pytest.Config) -> bool:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return os.environ.get("CI") == "true" and bool(reporter and reporter.stats.get("skipped"))
