"""The Celery application: thin tasks over `pipeline`, each taking an id and doing one step."""

from __future__ import annotations

from typing import Any

from celery import Celery, signals
from kombu.entity import Queue

from pipeline.configuration.documents import ConfigurationFault
from pipeline.configuration.loading import configuration
from pipeline.settings import SettingsFault, settings
from tasks import logs

STEPS_QUEUE, TICK_QUEUE = "steps", "tick"


def make_app() -> Celery:
    """The application with a queue for the steps, one for the tick, and one per platform account.

    With a faulty configuration it still loads, so that `celery -A tasks check-config` can tell all the faults;
    workers and beat refuse to start.

    Raises:
        SystemExit: the settings have faults; the message lists all of them.
    """
    try:
        settings()
    except SettingsFault as fault:
        raise SystemExit(f"Confer cannot start; in the environment:\n{fault}") from None
    app = Celery("confer", include=["tasks.steps", "tasks.lanes", "tasks.tick"])
    app.config_from_object("celeryconfig")
    app.set_default()  # also for threads that were started by nobody of Celery's, such as the receiver's herald
    try:
        lanes = configuration().issue_queues
    except ConfigurationFault:
        lanes = ()
    names = (STEPS_QUEUE, TICK_QUEUE, *lanes)
    # without a routing key of its own every queue is bound under the default one, and gets copies of everything
    app.conf.task_queues = [Queue(name, routing_key=name) for name in names]
    logs.connect()
    signals.celeryd_init.connect(_refuse_faults, weak=False)
    signals.beat_init.connect(_refuse_faults, weak=False)
    return app


def _refuse_faults(**_: Any) -> None:
    try:
        configuration()
    except ConfigurationFault as fault:
        raise SystemExit(f"Confer cannot start; in the configuration:\n{fault}") from None


app = make_app()
