"""Celery's settings: plain values, each with its reason. The queues are added from `config/` in `tasks`."""

from kombu.transport import TRANSPORT_ALIASES

from pipeline.settings import settings

_settings = settings()
_settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
_files = _settings.data.absolute() / "broker"

if _settings.redis_url:
    # kombu's own ends a worker whose Redis dies while it has a message in hand (measured)
    TRANSPORT_ALIASES.update(redis="tasks.redis_broker:Transport", rediss="tasks.redis_broker:Transport")
    broker_url = _settings.redis_url
    broker_transport_options = {
        "visibility_timeout": 600,  # five times task_time_limit; nothing waits in a worker, because nothing uses ETA
        "unacked_restore_interval": 10,  # with the throttle below: lost messages come back after 10 s, not 100 s
        "unacked_restore_throttle": 1,
        "socket_timeout": 5,  # without it a frozen Redis or a half-open connection blocks for ever
        "socket_connect_timeout": 3,
        "socket_keepalive": True,
        "health_check_interval": 5,  # with socket_timeout: consuming again after 11 s instead of never
        "global_keyprefix": "confer:",  # a shared Redis; otherwise the shortest visibility_timeout of all apps wins
    }
    visibility_timeout = 600  # the documentation wants it in both places
else:
    for _folder in ("messages", "control"):
        (_files / _folder).mkdir(parents=True, exist_ok=True)
    TRANSPORT_ALIASES["files"] = "tasks.file_broker:Transport"  # kombu's own can hand a worker half a message
    broker_url = "files://localhost//"
    broker_transport_options = {
        "data_folder_in": str(_files / "messages"),
        "data_folder_out": str(_files / "messages"),
        "control_folder": str(_files / "control"),
        "polling_interval": 0.02,  # the default of 1 s would be waited for in every stage
        "store_processed": False,
    }

result_backend = None  # no result is read; a backend adds CPU and failure modes
task_ignore_result = True
task_serializer = "json"
accept_content = ["json"]

task_acks_late = True  # otherwise kill -9 loses the task until the next tick
task_retry_on_worker_lost = True  # bounded by max_retries, where reject_on_worker_lost loops on a poison task
task_annotations = {"*": {"max_retries": 3, "default_retry_delay": 5}}  # for that alone; no step uses retry()
# On Redis a reserved message ages towards visibility_timeout. Files do not age, but a worker looks for them only
# every polling_interval: with 1, two children would get 40 messages a second and no more (measured).
worker_prefetch_multiplier = 1 if _settings.redis_url else 8
task_time_limit = 120  # prefork only; in the lanes' threads the bound is that of every call
task_soft_time_limit = 90
worker_max_tasks_per_child = 1000  # bounds whatever a library leaks
worker_disable_rate_limits = True  # Celery's limit is per worker; ours is pipeline.traffic.permits

task_publish_retry = False  # publishing is a hint; the tick repeats what was lost
broker_connection_retry_on_startup = True
broker_connection_max_retries = None  # a broker that is down for an hour is waited for
worker_cancel_long_running_tasks_on_connection_loss = False
worker_soft_shutdown_timeout = 25  # a deploy lets running steps end; messages of the rest go back
worker_enable_soft_shutdown_on_idle = False  # for tasks with ETA; with True an idle worker sleeps 25 s at its stop

task_default_queue = "steps"
task_create_missing_queues = False  # a misspelt queue fails instead of filling in silence
worker_hijack_root_logger = False  # our JSON logs
worker_send_task_events = False  # workers that Flower watches are started with -E
task_send_sent_event = False

beat_schedule = {
    "tick": {
        "task": "confer.tick",
        "schedule": _settings.tick,
        "options": {"queue": "tick", "expires": 10},  # no pile of ticks while workers are down
    }
}
beat_schedule_filename = str(_settings.data.absolute() / "beat-schedule")
