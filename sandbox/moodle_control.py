"""The control API for the Moodle site: build its state, and let completions happen."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

from flask import Blueprint

from sandbox.control_body import body_of
from sandbox.moodle import Attempt, Course, Enrolment, Learner, Moodle, activities
from sandbox.moodle_errors import Unknown
from sandbox.moodle_senders import CompletionEvent, read_sending, send
from sandbox.moodle_wishes import (
    COMPLETE,
    COMPLETE_MANY,
    COURSE,
    ENROLMENT,
    LEARNER,
    LEARNERS,
    PROGRESS,
    RESEND,
    SITE,
)
from sandbox.world import base_url, world

blueprint = Blueprint("moodle_control", __name__, url_prefix="/_sandbox/moodle")

_MOST_PARALLEL = 64


@blueprint.post("/site")
def set_site() -> dict[str, Any]:
    """Change settings of the site, such as the token or the functions of its service."""
    body = body_of(SITE)
    if body.get("functions") is not None:
        body["functions"] = tuple(body["functions"])
    moodle = world().moodle
    with moodle.lock:
        moodle.site = replace(moodle.site, **body)
        return asdict(moodle.site)


@blueprint.post("/learners")
def add_learners() -> dict[str, Any]:
    """Add or replace one learner, or several as {"learners": [...]}."""
    body = body_of(lambda value, at: (LEARNERS if _many(value, "learners") else LEARNER)(value, at))
    moodle = world().moodle
    learners = [_learner(one) for one in body["learners"]] if "learners" in body else [_learner(body)]
    with moodle.lock:
        moodle.learners.update({one.id: one for one in learners})
    plain = [asdict(one) for one in learners]
    return {"learners": plain} if "learners" in body else plain[0]


def _many(value: Any, key: str) -> bool:
    return isinstance(value, dict) and key in value


def _learner(body: dict[str, Any]) -> Learner:
    first, _, last = body.get("name", f"Learner {body['id']}").partition(" ")
    fields = dict(body.get("fields", {}))
    if body.get("supervisor_email"):
        fields["manageremail"] = body["supervisor_email"]
    return Learner(
        id=body["id"],
        firstname=body.get("firstname", first),
        lastname=body.get("lastname", last),
        email=body["email"],
        username=body.get("username", f"learner{body['id']}"),
        idnumber=body.get("idnumber") or "",
        suspended=body.get("suspended", False),
        fields=fields,
    )


@blueprint.post("/courses")
def add_course() -> dict[str, Any]:
    """Add or replace a course."""
    body = body_of(COURSE)
    modules = body.pop("modules", [])
    body["activities"] = activities((one["cmid"], one["modname"], one["name"]) for one in modules)
    body["prerequisites"] = tuple(body.get("prerequisites", ()))
    body["grade_max"] = Decimal(str(body.get("grade_max", 100)))
    course = Course(**body)
    moodle = world().moodle
    with moodle.lock:
        moodle.courses[course.id] = course
    return asdict(course)


@blueprint.post("/enrolments")
def set_enrolment() -> dict[str, Any]:
    """Enrol a learner, suspend the enrolment, or end it with "enrolled": false."""
    body = body_of(ENROLMENT)
    moodle = world().moodle
    with moodle.lock:
        if not body.get("enrolled", True):
            moodle.unenrol(body["learner"], body["course"])
            return {"learner": body["learner"], "course": body["course"], "enrolled": False}
        enrolment = moodle.enrol(body["learner"], body["course"])
        enrolment.suspended = body.get("suspended", False)
        return _shown(enrolment)


@blueprint.post("/progress")
def set_progress() -> dict[str, Any]:
    """Change grades and states of a learner in a course without a completion and without an event."""
    body = body_of(PROGRESS)
    moodle = world().moodle
    with moodle.lock:
        enrolment = moodle.enrol(body["learner"], body["course"])
        _progress(moodle, enrolment, body)
        return _shown(enrolment)


@blueprint.post("/complete")
def complete() -> dict[str, Any]:
    """Complete a course for one learner, or for several as {"completions": [...]}; and send the event if asked to."""
    body = body_of(lambda value, at: (COMPLETE_MANY if _many(value, "completions") else COMPLETE)(value, at))
    site = f"{base_url()}/moodle"
    moodle = world().moodle
    if "completions" not in body:
        return _completed(moodle, body, site)()
    shared = body.get("send")
    # all records are there before the first event goes out, so that the events alone decide the pace
    waiting = [_completed(moodle, {"send": shared, **one}, site) for one in body["completions"]]
    started = time.monotonic()
    workers = min(max(1, body.get("parallel", 1)), _MOST_PARALLEL)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        results = list(pool.map(lambda one: one(), waiting))
    return {"completions": results, "milliseconds": round((time.monotonic() - started) * 1000, 3)}


@blueprint.post("/resend")
def resend() -> dict[str, Any]:
    """Send the event of an earlier completion once more, as a duplicate or in another plugin's form."""
    body = body_of(RESEND)
    moodle = world().moodle
    with moodle.lock:
        enrolment = moodle.completions.get(body["objectid"])
    if enrolment is None:
        raise Unknown(f"completion {body['objectid']}")
    sending, site = read_sending(body["send"]), f"{base_url()}/moodle"
    return send(_event(enrolment, site), sending, _also(moodle, sending.also, site))


@blueprint.get("/enrolments")
def enrolments() -> dict[str, Any]:
    """Every learner's standing in every course."""
    moodle = world().moodle
    with moodle.lock:
        return {"enrolments": [_shown(one) for one in moodle.enrolments.values()]}


def _completed(moodle: Moodle, body: dict[str, Any], site: str) -> Callable[[], dict[str, Any]]:
    """Complete now; what is returned sends the event."""
    with moodle.lock:
        enrolment = moodle.enrol(body["learner"], body["course"])
        states = {
            str(one.cmid): "pass" if one.graded else "complete" for one in moodle.course(enrolment.course).activities
        }
        _progress(moodle, enrolment, {**body, "modules": {**states, **body.get("modules", {})}})
        moodle.open_row(enrolment, completed=body.get("completed", True), at=body.get("completed_at"))
        event = _event(enrolment, site)
    wish = body.get("send")
    if wish is None:
        return lambda: {"objectid": event.objectid, "payload": None, "headers": None, "answer": None}
    sending = read_sending(wish)
    also = _also(moodle, sending.also, site)
    return lambda: send(event, sending, also)


def _progress(moodle: Moodle, enrolment: Enrolment, body: dict[str, Any]) -> None:
    graded = [one.cmid for one in moodle.course(enrolment.course).activities if one.graded]
    if "score" in body:
        score = body["score"]
        enrolment.total = None if score is None else Decimal(str(score))
        enrolment.scores = {} if score is None else dict.fromkeys(graded, Decimal(str(score)))
        enrolment.graded_at = int(time.time())
    enrolment.scores |= {int(cmid): Decimal(str(one)) for cmid, one in body.get("scores", {}).items()}
    if "total" in body:
        enrolment.total = None if body["total"] is None else Decimal(str(body["total"]))
    states = {int(cmid): name for cmid, name in body.get("modules", {}).items()}
    moodle.mark(enrolment, states, at=body.get("completed_at"))
    for cmid, attempts in body.get("attempts", {}).items():
        enrolment.attempts[int(cmid)] = [_attempt(one) for one in attempts]
    for name in ("overridden", "lag_reads", "grade_lag_reads", "needs_update_reads"):
        if name in body:
            setattr(enrolment, name, body[name])
    if "lag_ms" in body:
        enrolment.visible_from = time.monotonic() + body["lag_ms"] / 1000


def _attempt(body: dict[str, Any]) -> Attempt:
    percent = None if body["score"] is None else Decimal(str(body["score"]))
    started = int(time.time()) - body["seconds"]
    return Attempt(percent=percent, started=started, seconds=body["seconds"], state=body.get("state", "finished"))


def _also(moodle: Moodle, objectids: Sequence[int], site: str) -> list[CompletionEvent]:
    """Earlier completions that go out in the same batch."""
    with moodle.lock:
        unknown = [one for one in objectids if one not in moodle.completions]
        if unknown:
            raise Unknown(f"completion {unknown[0]}")
        return [_event(moodle.completions[one], site) for one in objectids]


def _event(enrolment: Enrolment, site: str) -> CompletionEvent:
    moodle = world().moodle
    learner = moodle.learner(enrolment.learner)
    return CompletionEvent(
        objectid=enrolment.objectid or 0,
        learner=learner.id,
        course=enrolment.course,
        at=enrolment.completed_at or int(time.time()),
        site=site,
        name=learner.fullname,
        email=learner.email,
        username=learner.username,
        title=moodle.course(enrolment.course).fullname,
    )


def _shown(enrolment: Enrolment) -> dict[str, Any]:
    return {
        "learner": enrolment.learner,
        "course": enrolment.course,
        "enrolled": True,
        "suspended": enrolment.suspended,
        "objectid": enrolment.objectid,
        "completed": enrolment.completed(),
        "total": None if enrolment.total is None else str(enrolment.total),
        "modules": {cmid: asdict(done) for cmid, done in enrolment.done.items()},
    }
