"""What has to be wired together is: queues to workers, routes to guards, tables to migrations, imports one way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from celery.exceptions import QueueNotFound

from pipeline.settings import Settings
from pipeline.store.database import forget_engine
from sandbox.processes import LANES, WORKER
from tasks import app
from web import create_app

ROOT = Path(__file__).parent.parent.parent


def test_imports_go_one_way() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    ended = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout


def test_every_queue_has_a_worker() -> None:
    declared = {queue.name for queue in app.conf.task_queues}
    taken = set(WORKER[WORKER.index("-Q") + 1].split(","))
    excluded = set(LANES[LANES.index("-X") + 1].split(","))
    assert taken == excluded, "what the lanes leave out is what the worker takes"
    assert taken <= declared
    assert all(name.startswith("issue.") for name in declared - taken)


def test_every_queue_is_bound_under_its_own_name() -> None:
    assert {queue.name: queue.routing_key for queue in app.conf.task_queues} == {
        queue.name: queue.name for queue in app.conf.task_queues
    }


def test_a_misspelt_queue_is_refused() -> None:
    with pytest.raises(QueueNotFound):
        app.send_task("confer.verify", args=["case"], queue="stpes")


def test_the_tasks_have_the_names_that_operators_know() -> None:
    app.loader.import_default_modules()
    ours = {name for name in app.tasks if name.startswith("confer.")}
    names = (
        "receive",
        "gather",
        "verify",
        "inform",
        "issue",
        "notify",
        "downstream",
        "correct",
        "withdraw",
        "tick",
        "poll",
        "tell-staff",
        "drift",
        "claim",
        "recheck",
    )
    assert ours == {f"confer.{name}" for name in names}


def test_every_route_says_what_guards_it(accounts_env: Settings) -> None:
    web = create_app()
    unguarded = [
        rule.rule
        for rule in web.url_map.iter_rules()
        if rule.endpoint != "static" and not hasattr(web.view_functions[rule.endpoint], "guarded_by")
    ]
    assert unguarded == []


def test_the_migrations_make_the_tables_of_the_code(
    confer_env: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from pipeline.settings import settings

    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'migrated.db'}")
    settings.cache_clear()
    forget_engine()
    alembic = Config(toml_file=str(ROOT / "pyproject.toml"))
    command.upgrade(alembic, "head")
    command.check(alembic)
