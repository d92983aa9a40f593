"""A Thinkific site: its REST and GraphQL APIs, and its signed webhooks."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from flask import Blueprint
from werkzeug.wrappers import Response

from sandbox.lms.thinkific import wishes
from sandbox.lms.thinkific.answers import error
from sandbox.lms.thinkific.api import Api
from sandbox.lms.thinkific.site import Enrolment, Learner, Site, course_from, instant, seed
from sandbox.lms.thinkific.webhooks import outgoing
from sandbox.lms.twin import Twin
from sandbox.sending import NOT_SENT, deliver
from sandbox.shapes import Problem, Refused, require
from sandbox.stand_in import Json

_SETTINGS = (
    "key", "subdomain", "token", "tenant_id", "page_cap", "whole_days", "graphql_error", "graphql_reset"
)  # fmt: skip
_WORDS = {
    401: "Authentication Error",
    403: "Access token has insufficient scope.",
    404: "Record not found.",
    429: "Rate limit exceeded.",
}


class Thinkific(Twin):
    """One Thinkific site with the courses 101, 102 and 103."""

    name = "thinkific"
    label = "Thinkific"

    def blueprint(self) -> Blueprint:
        return Api(self).blueprint()

    def reset(self) -> None:
        with self.lock:
            self.site = Site(seed())
            self.key, self.subdomain, self.token = "thinkific-key", "academy", "thinkific-token"
            self.tenant_id, self.page_cap, self.whole_days = "59", 250, False
            self.graphql_error, self.graphql_reset = "", ""

    def counts(self) -> dict[str, int]:
        with self.lock:
            return {
                "learners": len(self.site.learners),
                "courses": len(self.site.courses),
                "enrolments": len(self.site.enrolments),
                "completions": sum(one.completed_at is not None for one in self.site.enrolments),
            }

    def add_learner(self, body: Any) -> Json:
        require(body, wishes.LEARNER)
        first, _, last = body["name"].partition(" ")
        learner = Learner(
            id=body["id"], first_name=first, last_name=last, email=body["email"],
            custom_fields=body.get("custom_fields", {}),
        )  # fmt: skip
        with self.lock:
            self.site.learners[learner.id] = learner
        return asdict(learner)

    def add_course(self, body: Any) -> Json:
        require(body, wishes.COURSE)
        course = course_from(body)
        with self.lock:
            self.site.courses[course.id] = course
        return asdict(course)

    def enrol(self, body: Any) -> Json:
        require(body, wishes.ENROLMENT)
        with self.lock:
            learner, course = wishes.existing(self.site, body)
            found = self.site.enrolment(learner, course.id)
            if found is None or body.get("again"):
                found = self.site.enrol(learner, course.id, activated_at=instant())
            found.free_trial = body.get("free_trial", found.free_trial)
            found.expired = body.get("expired", found.expired)
            if "free_trial" in body or "expired" in body:
                found.updated_at = instant()
            return _shown(found)

    def progress(self, body: Any) -> Json:
        require(body, wishes.PROGRESS)
        with self.lock:
            return _shown(self._changed(body))

    def complete(self, body: Any) -> Json:
        require(body, wishes.COMPLETE)
        with self.lock:
            changed = self._changed({**body, "percentage": body.get("percentage", 1.0)})
            if changed.share < 1:
                raise Refused([Problem("percentage", "a completion is all of the course")])
            at = body.get("completed_at", instant())
            changed.completed_at = changed.updated_at = at
            shown, send = _shown(changed), body.get("send")
            if send is None:
                return {**shown, **NOT_SENT}
            told = any(
                (one.learner, one.course) == (changed.learner, changed.course) for one in self.site.submissions
            )
            if send.get("topic") == "quiz.attempted" and not told:
                raise Refused([Problem("send.topic", "there is no result to tell of")])
            out = outgoing(self.site, changed, self.tenant_id, send)
        return {**shown, **deliver(out, send)}

    def configure(self, body: Any) -> Json:
        require(body, wishes.SETTINGS)
        with self.lock:
            for key, value in body.items():
                setattr(self, key, value)
            return {name: getattr(self, name) for name in _SETTINGS}

    def throttled(self, retry_after: int | None) -> Response:
        """429 that names the end of the pause in milliseconds, and no Retry-After (contract 2.2)."""
        response = error(429, _WORDS[429])
        response.headers["RateLimit-Reset"] = str(round((time.time() + (retry_after or 60)) * 1000))
        return response

    def failed(self, status: int) -> Response:
        return error(status, _WORDS.get(status, "Something went wrong."))

    def _changed(self, body: Json) -> Enrolment:
        learner, course = wishes.existing(self.site, body)
        enrolment = self.site.enrolment(learner, course.id)
        if enrolment is None:
            enrolment = self.site.enrol(learner, course.id, activated_at=instant())
        wishes.apply(self.site, enrolment, course, body)
        return enrolment


def _shown(enrolment: Enrolment) -> Json:
    return {**asdict(enrolment), "done": sorted(enrolment.done)}
