"""Live Events as Canvas Data Services send them: raw format, unsigned or as signed JWT, alone or several at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.lms.canvas.forms import progress_form
from sandbox.lms.canvas.signing import ALGORITHMS, KEYS, Signer
from sandbox.lms.canvas.site import ACCOUNT, ROOT_ACCOUNT, Learner, Site
from sandbox.posting import Outgoing
from sandbox.sending import send_shape
from sandbox.shapes import Check, any_text, count, flag, listing, mapping, may, one_of, structure, text

Json = dict[str, Any]

_UUID = "VicYj3cu5BIFpoZhDVU4DZumnlBrWi1grgJEzADs"
_CASE: Check = structure({"learner": may(count), "course": may(count), "event_name": may(text)})


def _anything(value: Any, at: str) -> list[Any]:
    del value, at
    return []


SEND: Check = send_shape(
    signed=may(flag),
    framing=may(one_of(("raw", "json"))),  # a JWT bare, or as JSON text
    content_type=may(text),
    authorization=may(text),  # a header that the address's user and password would make
    event_name=may(text),
    also=may(listing(_CASE)),  # more events in the same delivery
    job=may(flag),  # sent by a background job: no user, no request
    actor=may(count),  # who caused it, where that is not the learner
    event_time=may(text),
    root_account_uuid=may(any_text),
    text_counts=may(flag),
    body=may(mapping(_anything)),  # replaces members of the event's body
    claims=may(mapping(_anything)),  # beside metadata and body in the JWT
    alg=may(one_of(ALGORITHMS)),
    kid=may(any_text),
    key=may(one_of(KEYS)),
)


def outgoing(site: Site, signer: Signer, learner: int, course: int, send: Mapping[str, Any]) -> Outgoing:
    """One delivery: the event, with `also` a list of events; signed ones as JWT, each by itself."""
    cases = [{"learner": learner, "course": course, "event_name": send.get("event_name", "course_completed")}]
    cases += [{**cases[0], **one} for one in send.get("also", [])]
    events = [_event(site, case, send) for case in cases]
    payload: Any = events if len(events) > 1 else events[0]
    if not send.get("signed"):
        return Outgoing(payload, _headers(send, "application/json"), json.dumps(payload, ensure_ascii=False))
    tokens = [signer.sign(json.dumps({**event, **send.get("claims", {})}).encode(), send) for event in events]
    if len(tokens) > 1:
        return Outgoing(payload, _headers(send, "application/json"), json.dumps(tokens))
    raw = json.dumps(tokens[0]) if send.get("framing") == "json" else tokens[0]
    return Outgoing(payload, _headers(send, "application/jwt"), raw)


def _headers(send: Mapping[str, Any], content_type: str) -> dict[str, str]:
    headers = {"Content-Type": send.get("content_type", content_type)}
    if "authorization" in send:
        headers["Authorization"] = send["authorization"]
    return headers


def _event(site: Site, case: Mapping[str, Any], send: Mapping[str, Any]) -> Json:
    learner = site.learners[case["learner"]]
    name = case["event_name"]
    body = _completed(site, case, send) if name in {"course_completed", "course_progress"} else _other(case)
    metadata = _metadata(site, learner, case, send)
    return {"metadata": metadata, "body": {**body, **send.get("body", {})}}


def _completed(site: Site, case: Mapping[str, Any], send: Mapping[str, Any]) -> Json:
    """The body of `course_completed`: its ids are local text. It knows of a completion before readers do."""
    course, learner = site.courses[case["course"]], site.learners[case["learner"]]
    progress = progress_form(site, learner.id, course)
    if "error" not in progress:
        progress["completed_at"] = site.standing(learner.id, course.id).completed_at
        progress["requirement_completed_count"] = progress["requirement_count"]
    if send.get("text_counts"):
        progress = {key: str(value) if isinstance(value, int) else value for key, value in progress.items()}
    return {
        "course": {
            "account_id": str(ACCOUNT),
            "id": str(course.id),
            "name": course.name,
            "sis_source_id": course.sis_id,
        },
        "progress": progress,
        "user": {"email": learner.email, "id": str(learner.id), "name": learner.name},
    }


def _other(case: Mapping[str, Any]) -> Json:
    return {"user_id": str(case["learner"]), "course_id": str(case["course"])}


def _metadata(site: Site, learner: Learner, case: Mapping[str, Any], send: Mapping[str, Any]) -> Json:
    course = site.courses[case["course"]]
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    uuid = send.get("root_account_uuid", _UUID)
    everywhere: Json = {
        "context_account_id": site.everywhere(ACCOUNT),
        "context_id": site.everywhere(course.id),
        "context_role": "StudentEnrollment",
        "context_sis_source_id": course.sis_id,
        "context_type": "Course",
        "event_name": case["event_name"],
        "event_time": send.get("event_time", now),
        "producer": "canvas",
        "root_account_id": site.everywhere(ROOT_ACCOUNT),
        "root_account_lti_guid": f"{uuid}.school.instructure.com",
        "root_account_uuid": uuid,
    }
    if send.get("job"):
        return {**everywhere, "job_id": "1020020528469291", "job_tag": "ContextModuleProgression#evaluate!"}
    actor = send.get("actor", learner.id)
    request = {
        "client_ip": "203.0.113.7",
        "developer_key_id": "170000000056",
        "hostname": "school.instructure.com",
        "http_method": "POST",
        "referrer": None,
        "request_id": "1dd9dc6f-2fb0-4c19-a6c5-7ee1bf3ed295",
        "session_id": "ef686f8ed684abf78cbfa1f6a58112b5",
        "time_zone": "America/Denver",
        "url": f"https://school.instructure.com/courses/{course.id}/modules",
        "user_account_id": site.everywhere(ROOT_ACCOUNT),
        "user_agent": "Mozilla/5.0",
        "user_id": site.everywhere(actor),
        "user_login": site.learners[actor].login if actor in site.learners else "teacher",
        "user_sis_id": site.learners[actor].sis_id if actor in site.learners else None,
    }
    return dict(sorted({**everywhere, **request}.items()))
