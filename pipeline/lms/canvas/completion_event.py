"""`course_completed`: a completion, its key the same as the sweep's; other events are none (contract 1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import fields

from pipeline import clock
from pipeline.attestation import Claim
from pipeline.lms.canvas.notation import LocalId
from pipeline.reading import Instant, Lenient, Words
from pipeline.values import Event
from pipeline.webhook import Invalid, heard

COMPLETED = "course_completed"
#: why events that one may well subscribe to say nothing here
_IGNORED = {
    "course_progress": "requirements of the course are still open",
    "grade_change": "grades are read when the course is completed",
    "course_grade_change": "grades are read when the course is completed",
    "enrollment_created": "enrolments are read when the course is completed",
    "enrollment_updated": "enrolments are read when the course is completed",
    "enrollment_state_created": "enrolments are read when the course is completed",
    "enrollment_state_updated": "a concluded enrolment is no completion",
    "submission_created": "work handed in is no completion",
    "submission_updated": "work handed in is no completion",
    "quiz_submitted": "a quiz handed in is no completion",
}


class _ProgressSchema(Lenient):
    error = fields.Dict(load_default=None, allow_none=True)
    completed_at = Instant(load_default=None, allow_none=True)


class _CourseSchema(Lenient):
    id = LocalId(required=True)


class _UserSchema(Lenient):
    id = LocalId(required=True)
    name = Words(load_default=None, allow_none=True)
    email = Words(load_default=None, allow_none=True)


class _BodySchema(Lenient):
    course = fields.Nested(_CourseSchema, required=True)
    progress = fields.Nested(_ProgressSchema, required=True)
    user = fields.Nested(_UserSchema, required=True)


class _MetadataSchema(Lenient):
    root_account_id = LocalId(load_default=None, allow_none=True)


class _CompletedSchema(Lenient):
    """`course_completed`. The learner is `body.user`; `metadata.user_id` is whoever caused the event."""

    metadata = fields.Nested(_MetadataSchema, required=True)
    body = fields.Nested(_BodySchema, required=True)


def event_key(*, root_account: str, course: str, learner: str, completed_at: datetime) -> str:
    """The key of a completion, from an event and from the API alike: ids are local, the time is to the second."""
    return f"completed:{root_account}:{course}:{learner}:{completed_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def completion(document: Mapping[str, Any]) -> tuple[Event | None, str]:
    """The completion, or why there is none in it."""
    name = document["metadata"].get("event_name")
    if name != COMPLETED:
        said = repr(name[:100]) if isinstance(name, str) else "no event name"
        why = _IGNORED.get(name) if isinstance(name, str) else None
        return None, f"not a course completion: {said}" + (f" ({why})" if why else "")
    parts = heard(_CompletedSchema(), document)
    course, learner, progress = parts["body"]["course"]["id"], parts["body"]["user"], parts["body"]["progress"]
    if progress["error"] is not None:
        return None, "a completion without progress: the course has no module requirements"
    at: datetime | None = progress["completed_at"]
    if at is None or at > clock.now() + timedelta(days=1):
        raise Invalid({"body": {"progress": {"completed_at": ["expected an instant that is not in the future"]}}})
    root_account = parts["metadata"]["root_account_id"] or ""
    return Event(
        key=event_key(root_account=root_account, course=course, learner=learner["id"], completed_at=at),
        learner=learner["id"],
        course=course,
        occurred_at=at,
        claim=Claim(where="event", name=learner["name"] or None, email=learner["email"] or None),
    ), ""
