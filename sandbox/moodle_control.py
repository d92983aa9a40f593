"""The control API for the Moodle site: build its state, and let completions happen."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint

from sandbox.control_body import body_of
from sandbox.moodle import STATES, Course, Enrolment, Learner, Moodle, activities
from sandbox.moodle_errors import Unknown
from sandbox.moodle_senders import SEND, CompletionEvent, read_sending, send
from sandbox.shapes import (
    Check,
    Field,
    Problem,
    any_text,
    count,
    email,
    flag,
    listing,
    mapping,
    may,
    need,
    number,
    one_of,
    structure,
    text,
)
from sandbox.world import base_url, world

blueprint = Blueprint("moodle_control", __name__, url_prefix="/_sandbox/moodle")

_MOST_PARALLEL = 64


def _percent(value: Any, at: str) -> list[Problem]:
    try:
        good = not isinstance(value, bool) and 0 <= Decimal(str(value)) <= 1000
    except InvalidOperation:
        good = False
    return [] if good else [Problem(at, "must be a percentage, such as 91.5")]


_LEARNER: Check = structure(
    {
        "id": need(count),
        "name": may(text),
        "firstname": may(any_text),
        "lastname": may(any_text),
        "email": need(email),
        "username": may(text),
        "supervisor_email": may(email, nullable=True),
        "idnumber": may(any_text, nullable=True),
        "suspended": may(flag),
        "fields": may(mapping(any_text)),
    }
)
_LEARNERS: Check = structure({"learners": need(listing(_LEARNER))})
_COURSE: Check = structure(
    {
        "id": need(count),
        "shortname": need(text),
        "fullname": need(text),
        "idnumber": may(any_text),
        "modules": may(listing(structure({"cmid": need(count), "modname": need(text), "name": need(text)}))),
        "prerequisites": may(listing(count)),
        "enablecompletion": may(flag),
        "has_criteria": may(flag),
        "visible": may(flag),
        "grade_max": may(number),
    }
)
_ENROLMENT: Check = structure(
    {"learner": need(count), "course": need(count), "suspended": may(flag), "enrolled": may(flag)}
)
_SITE: Check = structure(
    {
        "name": may(text),
        "token": may(text),
        "functions": may(listing(text), nullable=True),
        "web_services": may(flag),
        "debug": may(flag),
    }
)
_PROGRESS: dict[str, Field] = {
    "learner": need(count),
    "course": need(count),
    "score": may(_percent, nullable=True),
    "total": may(_percent, nullable=True),
    "scores": may(mapping(_percent)),
    "modules": may(mapping(one_of((*STATES, "exempt")))),
    "overridden": may(flag),
    "lag_ms": may(count),
    "lag_reads": may(count),
    "grade_lag_reads": may(count),
    "needs_update_reads": may(count),
}
_COMPLETE: Check = structure({**_PROGRESS, "completed": may(flag), "send": may(SEND, nullable=True)})
_COMPLETE_MANY: Check = structure(
    {"completions": need(listing(_COMPLETE)), "parallel": may(count), "send": may(SEND, nullable=True)}
)
_RESEND: Check = structure({"objectid": need(count), "send": need(SEND)})


@blueprint.post("/site")
def set_site() -> dict[str, Any]:
    """Change settings of the site, such as the token or the functions of its service."""
    body = body_of(_SITE)
    if body.get("functions") is not None:
        body["functions"] = tuple(body["functions"])
    moodle = world().moodle
    with moodle.lock:
        moodle.site = replace(moodle.site, **body)
        return asdict(moodle.site)


@blueprint.post("/learners")
def add_learners() -> dict[str, Any]:
    """Add or replace one learner, or several as {"learners": [...]}."""
    body = body_of(lambda value, at: (_LEARNERS if _many(value, "learners") else _LEARNER)(value, at))
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
    body = body_of(_COURSE)
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
    body = body_of(_ENROLMENT)
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
    body = body_of(structure(_PROGRESS))
    moodle = world().moodle
    with moodle.lock:
        enrolment = moodle.enrol(body["learner"], body["course"])
        _progress(moodle, enrolment, body)
        return _shown(enrolment)


@blueprint.post("/complete")
def complete() -> dict[str, Any]:
    """Complete a course for one learner, or for several as {"completions": [...]}; and send the event if asked to."""
    body = body_of(lambda value, at: (_COMPLETE_MANY if _many(value, "completions") else _COMPLETE)(value, at))
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
    body = body_of(_RESEND)
    moodle = world().moodle
    with moodle.lock:
        enrolment = moodle.completions.get(body["objectid"])
    if enrolment is None:
        raise Unknown(f"completion {body['objectid']}")
    return send(_event(enrolment, f"{base_url()}/moodle"), read_sending(body["send"]))


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
        moodle.open_row(enrolment, completed=body.get("completed", True))
        event = _event(enrolment, site)
    wish = body.get("send")
    if wish is None:
        return lambda: {"objectid": event.objectid, "payload": None, "headers": None, "answer": None}
    sending = read_sending(wish)
    return lambda: send(event, sending)


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
    moodle.mark(enrolment, {int(cmid): name for cmid, name in body.get("modules", {}).items()})
    for name in ("overridden", "lag_reads", "grade_lag_reads", "needs_update_reads"):
        if name in body:
            setattr(enrolment, name, body[name])
    if "lag_ms" in body:
        enrolment.visible_from = time.monotonic() + body["lag_ms"] / 1000


def _event(enrolment: Enrolment, site: str) -> CompletionEvent:
    return CompletionEvent(
        objectid=enrolment.objectid or 0,
        learner=enrolment.learner,
        course=enrolment.course,
        at=enrolment.completed_at or int(time.time()),
        site=site,
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
