"""Health: whether this process lives, and whether it can do its work.

The receiver can do its work as long as the database answers. A broker that is away or a tick that is late
delays cases but loses none, so it is reported and does not take the receiver out of a load balancer; ask with
`?strict=1` to have it answered with 503, for an alert.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import redis
from flask import Blueprint, Response, jsonify, request
from sqlalchemy.exc import SQLAlchemyError

from pipeline.settings import settings
from pipeline.steps.sweep import last_tick_age
from pipeline.store.database import ping
from web.guards import guard

health = Blueprint("health", __name__)


@health.get("/health/live")
@guard("public")
def live() -> Response:
    """The process answers."""
    return jsonify({"status": "ok"})


@health.get("/health/ready")
@guard("public")
def ready() -> Response:
    """Database, broker and tick."""
    parts = {"database": _database(), "broker": _broker(), "tick": _tick()}
    broken = [name for name, part in parts.items() if not part["ok"]]
    failing = "database" in broken or (bool(broken) and request.args.get("strict") == "1")
    response = jsonify({"status": "failing" if failing else "degraded" if broken else "ok", **parts})
    response.status_code = 503 if failing else 200
    response.headers["Cache-Control"] = "no-store"
    return response


def _database() -> dict[str, Any]:
    try:
        ping()
    except SQLAlchemyError as error:
        return {"ok": False, "reason": type(error).__name__}
    return {"ok": True}


def _broker() -> dict[str, Any]:
    url = settings().redis_url
    if not url:
        folder = Path(settings().data) / "broker" / "messages"
        return {"ok": folder.is_dir()}
    client = redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
    try:
        client.ping()
    except redis.RedisError as error:
        return {"ok": False, "reason": type(error).__name__}
    finally:
        client.close()
    return {"ok": True}


def _tick() -> dict[str, Any]:
    try:
        age = last_tick_age()
    except SQLAlchemyError:
        age = None
    if age is None:
        return {"ok": False, "reason": "no tick yet: are beat and a worker for the queue `tick` running?"}
    return {"ok": age < 3 * settings().tick + 10, "age_seconds": round(age, 1)}
