"""A Docebo platform: its OAuth 2 application, its REST API, and its webhook for completions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flask import Blueprint
from werkzeug.wrappers import Response

from sandbox.lms.docebo.access import Access, error
from sandbox.lms.docebo.api import Api
from sandbox.lms.docebo.platform import COMPLETED, Course, Enrolment, Platform, User, instant
from sandbox.lms.docebo.webhooks import SEND, outgoing
from sandbox.lms.twin import Twin, require_both
from sandbox.sending import NOT_SENT, deliver
from sandbox.shapes import (
    Check,
    Field,
    Problem,
    Refused,
    any_text,
    count,
    either,
    email,
    flag,
    listing,
    may,
    need,
    not_negative,
    one_of,
    require,
    structure,
    text,
)
from sandbox.stand_in import Json

_LEARNER: Check = structure(
    {
        "id": need(count),
        "name": need(any_text),
        "email": need(email, nullable=True),
        "username": may(text),
        "manager": may(count, nullable=True),
        "valid": may(flag),
        "expiration": may(text, nullable=True),
    }
)
_COURSE: Check = structure(
    {
        "id": need(count),
        "name": need(text),
        "code": may(any_text),
        "type": may(one_of(("elearning", "webinar", "classroom"))),
        "status": may(text),
        "seats": may(count, nullable=True),
    }
)
#: which enrolment, and what of it may be set; the members are those of `Enrolment`
_WHICH: Mapping[str, Field] = {"learner": need(count), "course": need(count)}
_ENROLMENT: Check = structure(
    {
        **_WHICH,
        "status": may(text),
        "level": may(text),
        "begin": may(text, nullable=True),
        "end": may(text, nullable=True),
        "enrolled": may(flag),
    }
)
_STANDING: Mapping[str, Field] = {
    **_WHICH,
    "score": may(either(not_negative, text), nullable=True),
    "time_spent_seconds": may(count, nullable=True),
    "lag_reads": may(count),
}
_PROGRESS: Check = structure(_STANDING)
_COMPLETE: Check = structure({**_STANDING, "completed_at": may(text, nullable=True), "send": may(SEND)})
_SETTINGS: Check = structure(
    {
        **{name: may(text) for name in ("client_id", "client_secret", "username", "password")},
        "expires_in": may(count),
        "forbidden": may(listing(text)),
        "page_cap": may(count),
        "status_numbers": may(flag),
        "enrolled_as": may(one_of(("objects", "ids"))),
        "expire_tokens": may(flag),
    }
)
_SEED = (
    Course(id=301, name="Healthcare Compliance 101", code="HC101"),
    Course(id=302, name="Project Management", code="PM102"),
    Course(id=303, name="Leadership Development", code="LD103"),
)


class Docebo(Twin):
    """One Docebo platform with the courses 301, 302 and 303."""

    name = "docebo"
    label = "Docebo"

    def blueprint(self) -> Blueprint:
        return Api(self).blueprint()

    def reset(self) -> None:
        with self.lock:
            self.platform, self.access = Platform(_SEED), Access()
            self.page_cap, self.status_numbers, self.enrolled_as = 200, False, "objects"

    def counts(self) -> dict[str, int]:
        with self.lock:
            enrolments = self.platform.enrolments.values()
            return {
                "learners": len(self.platform.users),
                "courses": len(self.platform.courses),
                "enrolments": len(enrolments),
                "completions": sum(one.status == COMPLETED for one in enrolments),
            }

    def add_learner(self, body: Any) -> Json:
        require(body, _LEARNER)
        first, _, last = body["name"].partition(" ")
        more = {key: value for key, value in body.items() if key != "name"}
        username = body.get("username", f"learner{body['id']}")
        user = User(**{**more, "username": username, "first_name": first, "last_name": last})
        with self.lock:
            self.platform.users[user.id] = user
        return asdict(user)

    def add_course(self, body: Any) -> Json:
        require(body, _COURSE)
        course = Course(**{"code": f"C-{body['id']}", **body})
        with self.lock:
            self.platform.courses[course.id] = course
        return asdict(course)

    def enrol(self, body: Any) -> Json:
        """Enrol or change the enrolment; with `enrolled` false end it."""
        require(body, _ENROLMENT)
        with self.lock:
            found = self._existing(body)
            for key in {"status", "level", "begin", "end"} & set(body):
                setattr(found, key, body[key])
            if body.get("enrolled") is False:
                del self.platform.enrolments[found.user, found.course]
            return asdict(found)

    def progress(self, body: Any) -> Json:
        require(body, _PROGRESS)
        with self.lock:
            found = self._existing(body)
            if found.status == "subscribed":
                found.status = "in_progress"
            _stand(found, body)
            return asdict(found)

    def complete(self, body: Any) -> Json:
        require(body, _COMPLETE)
        with self.lock:
            found = self._existing(body)
            _stand(found, body)
            found.status, found.completed_at = COMPLETED, body.get("completed_at", instant())
            shown, send = asdict(found), body.get("send")
            if send is None:
                return {**shown, **NOT_SENT}
            for one in send.get("also", []):
                if (one.get("learner", found.user), one.get("course", found.course)) not in self.platform.enrolments:
                    raise Refused([Problem("send.also", "names an enrolment that is not there")])
            out = outgoing(self.platform, found.user, found.course, send)
        return {**shown, **deliver(out, send)}

    def configure(self, body: Any) -> Json:
        require(body, _SETTINGS)
        with self.lock:
            if body.get("expire_tokens"):
                self.access.expire()
            for owner in (self, self.access):
                for key in set(body) & set(vars(owner)):
                    setattr(owner, key, body[key])
            own = {key: getattr(self, key) for key in ("page_cap", "status_numbers", "enrolled_as")}
            hidden = {"issued", "_numbers"}
            return {**own, **{key: value for key, value in vars(self.access).items() if key not in hidden}}

    def throttled(self, retry_after: int | None) -> Response:
        response = error(429, "Too many requests")
        if retry_after is not None:
            response.headers["Retry-After"] = str(retry_after)
        return response

    def failed(self, status: int) -> Response:
        return error(status, "An error occurred")

    def _existing(self, body: Mapping[str, Any]) -> Enrolment:
        """The enrolment that a body names, made where there is none.

        Raises:
            Refused: there is no such learner or course.
        """
        require_both(body, self.platform.users, self.platform.courses)
        return self.platform.enrolment(body["learner"], body["course"])


def _stand(found: Enrolment, body: Mapping[str, Any]) -> None:
    found.score = body.get("score", found.score)
    found.seconds = body.get("time_spent_seconds", found.seconds)
    found.lag_reads = body.get("lag_reads", found.lag_reads)
