"""Webhooks as Thinkific sends them: an envelope around a payload, signed over the raw bytes (contract 1)."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.lms.thinkific.site import Course, Enrolment, Learner, Site
from sandbox.posting import Outgoing
from sandbox.sending import send_shape
from sandbox.shapes import Check, any_text, flag, mapping, may, one_of, text

Json = dict[str, Any]

TOPICS = (
    "enrollment.completed", "enrollment.created", "enrollment.progress", "enrollment.trial", "lesson.completed",
    "quiz.attempted", "user.updated",
)  # fmt: skip


def _anything(value: Any, at: str) -> list[Any]:
    del value, at
    return []


SEND: Check = send_shape(
    secret=may(any_text),  # signs; without it the request is unsigned, as those made in the site's pages may be
    uppercase=may(flag),
    topic=may(one_of(TOPICS)),
    quiz=may(text),  # whose result `quiz.attempted` tells; else the last one
    created_at=may(any_text),
    payload=may(mapping(_anything)),  # replaces members of the payload
)


def outgoing(site: Site, enrolment: Enrolment, tenant_id: str, send: Mapping[str, Any]) -> Outgoing:
    """One webhook about an enrolment. It knows of a completion before readers do."""
    topic = send.get("topic", "enrollment.completed")
    resource, _, action = topic.partition(".")
    now = datetime.now(UTC)
    created_at = send.get("created_at", f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z")
    payload = {
        "id": f"{now:%Y%m%d%H%M%S%f}{enrolment.id}",
        "resource": resource,
        "action": action,
        "tenant_id": tenant_id,
        "created_at": created_at,
        "timestamp": created_at,
        "payload": {**_payload(site, enrolment, topic, send), **send.get("payload", {})},
    }
    raw = json.dumps(payload, ensure_ascii=False)
    headers = {"Content-Type": "application/json", "X-Thinkific-Topic": topic}
    if "secret" in send:
        signature = sign(raw.encode(), send["secret"])
        headers["X-Thinkific-Hmac-Sha256"] = signature.upper() if send.get("uppercase") else signature
    return Outgoing(payload, headers, raw)


def sign(raw: bytes, secret: str) -> str:
    """The signature of these bytes: lowercase hex."""
    return hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


def _payload(site: Site, enrolment: Enrolment, topic: str, send: Mapping[str, Any]) -> Json:
    learner, course = site.learners[enrolment.learner], site.courses[enrolment.course]
    if topic == "quiz.attempted":
        return _attempted(site, learner, course, send.get("quiz"))
    if topic == "lesson.completed":
        lesson = {"id": 1, "name": "Lesson", "position": 1, "chapter_id": course.chapters[0].id}
        return {"lesson": lesson, "course": _named(course), "user": _person(learner)}
    if topic == "user.updated":
        return _person(learner)
    # here the share of the course is text, up to 100, unlike in the REST API
    return {
        "id": enrolment.id,
        "activated_at": _with_milliseconds(enrolment.activated_at),
        "started_at": _with_milliseconds(enrolment.activated_at),
        "completed_at": _with_milliseconds(enrolment.completed_at),
        "created_at": _with_milliseconds(enrolment.activated_at),
        "updated_at": _with_milliseconds(enrolment.updated_at),
        "expiry_date": None,
        "free_trial": enrolment.free_trial,
        "percentage_completed": str(enrolment.share * 100),
        "course_id": course.id,
        "course": _named(course),
        "user": _person(learner),
        "credential_id": None,
        "certificate_url": None,
        "certificate_expiry_date": None,
    }


def _attempted(site: Site, learner: Learner, course: Course, named: str | None) -> Json:
    found = [one for one in site.submissions if (one.learner, one.course) == (learner.id, course.id)]
    one = next(one for one in reversed(found) if named is None or one.quiz.name == named)
    return {
        "attempts": one.attempts,
        "grade": round(100 * one.right / (one.right + one.wrong)),
        "correct_count": one.right,
        "incorrect_count": one.wrong,
        "result_id": one.id,
        "quiz": {"id": one.quiz.id, "name": one.quiz.name},
        "course": _named(course),
        "user": _person(learner),
    }


def _person(learner: Learner) -> Json:
    return {
        "id": learner.id, "email": learner.email, "first_name": learner.first_name, "last_name": learner.last_name
    }  # fmt: skip


def _named(course: Course) -> Json:
    return {"id": course.id, "name": course.name}


def _with_milliseconds(at: str | None) -> str | None:
    return at.replace("Z", ".000Z") if at else None
