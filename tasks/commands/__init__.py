"""Sub-commands of `celery -A tasks` for operations, registered by the `celery.commands` entry point."""
