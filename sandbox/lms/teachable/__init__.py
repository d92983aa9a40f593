"""A Teachable school: its API of version 1, and its webhooks, which prove nothing."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from flask import Blueprint
from werkzeug.wrappers import Response

from sandbox.lms.teachable import wishes
from sandbox.lms.teachable.api import Api, error, limit_headers
from sandbox.lms.teachable.deliveries import announce, outgoing
from sandbox.lms.teachable.school import Enrolment, Learner, School, instant, moment
from sandbox.lms.twin import Twin
from sandbox.sending import NOT_SENT, deliver
from sandbox.shapes import Problem, Refused, require
from sandbox.stand_in import Json

_MESSAGES = {401: "Unauthorized", 403: "Your plan does not include API access", 404: "Not found"}


class Teachable(Twin):
    """One school with the courses 1886748 and 1886749."""

    name = "teachable"
    label = "Teachable"

    def blueprint(self) -> Blueprint:
        return Api(self).blueprint()

    def reset(self) -> None:
        with self.lock:
            self.school = School(wishes.seed())
            self.key, self.plan_has_api, self.page_cap = "teachable-key", True, 20
            self.wraps_user = self.array_payloads = False
            self.wraps_responses, self.names_course = True, "course_name"

    def counts(self) -> dict[str, int]:
        with self.lock:
            return {
                "learners": len(self.school.learners),
                "courses": len(self.school.courses),
                "enrolments": len(self.school.enrolments),
                "completions": sum(one.completed_at is not None for one in self.school.enrolments.values()),
            }

    def add_learner(self, body: Any) -> Json:
        require(body, wishes.LEARNER)
        learner = Learner(**body)
        with self.lock:
            self.school.learners[learner.id] = learner
        return asdict(learner)

    def add_course(self, body: Any) -> Json:
        require(body, wishes.COURSE)
        course = wishes.course_from(body)
        with self.lock:
            self.school.courses[course.id] = course
        return asdict(course)

    def enrol(self, body: Any) -> Json:
        require(body, wishes.ENROLMENT)
        with self.lock:
            course = wishes.existing(self.school, body)
            made = self.school.enrol(body["learner"], course.id)
            made.is_active = body.get("active", made.is_active)
            made.enrolled_at = body.get("enrolled_at", made.enrolled_at)
            made.expires_at = body.get("expires_at", made.expires_at)
            return _shown(made)

    def progress(self, body: Any) -> Json:
        require(body, wishes.PROGRESS)
        with self.lock:
            course = wishes.existing(self.school, body)
            made = self.school.enrol(body["learner"], course.id)
            wishes.apply(made, course, body)
            return _shown(made)

    def complete(self, body: Any) -> Json:
        """A course that is completed already stays so, and its event is sent again, unless a time is given."""
        require(body, wishes.COMPLETE)
        wish = {key: value for key, value in body.items() if key not in {"completed_at", "send"}}
        with self.lock:
            course = wishes.existing(self.school, body)
            done = {str(lecture.id): "complete" for lecture in course.published()}
            self.progress({**wish, "modules": {**done, **wish.get("modules", {})}})
            made = self.school.enrol(body["learner"], course.id)
            if made.completed_at is None or "completed_at" in body:
                made.completed_at = instant(moment(body["completed_at"])) if "completed_at" in body else instant()
                announce(self.school, made, made.completed_at)
            send = body.get("send")
            if send is None:
                return {**_shown(made), **NOT_SENT}
            self._know(send)
            out, shown = outgoing(self.school, made, send, array=self.array_payloads), _shown(made)
        return {**shown, **deliver(out, send)}

    def configure(self, body: Any) -> Json:
        require(body, wishes.SETTINGS)
        with self.lock:
            for key, value in body.items():
                setattr(self, key, value)
            return {key: getattr(self, key) for key in wishes.SETTING_NAMES}

    def throttled(self, retry_after: int | None) -> Response:
        """429 with the seconds until the limit begins anew, and no Retry-After (contract 2.1)."""
        response = error(429, "API rate limit exceeded")
        limit_headers(self, response, reset=60 if retry_after is None else retry_after)
        return response

    def failed(self, status: int) -> Response:
        return error(status, _MESSAGES.get(status, "Something went wrong"))

    def _know(self, send: Json) -> None:
        """Refuse further events of completions that are not there."""
        for one in send.get("also", []):
            known = self.school.enrolments.get((one["learner"], one["course"]))
            if known is None or not known.event:
                raise Refused([Problem("send.also", "names a completion that is not there")])


def _shown(enrolment: Enrolment) -> Json:
    return {**asdict(replace(enrolment, lectures=set())), "lectures": sorted(enrolment.lectures)}
