"""A Canvas LMS: its REST API, its developer key, and its Live Events with and without signature."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint
from werkzeug.wrappers import Response

from sandbox.lms.canvas import wishes
from sandbox.lms.canvas.access import Access, error
from sandbox.lms.canvas.api import Api
from sandbox.lms.canvas.courses import COURSE, course_from, seed
from sandbox.lms.canvas.live_events import outgoing
from sandbox.lms.canvas.signing import Signer
from sandbox.lms.canvas.site import COMPLETED, Learner, Site, instant
from sandbox.lms.twin import Twin
from sandbox.sending import NOT_SENT, deliver
from sandbox.shapes import Problem, Refused, require
from sandbox.stand_in import Json


class Canvas(Twin):
    """One Canvas site with the courses 101, 102 and 103."""

    name = "canvas"
    label = "Canvas"

    def blueprint(self) -> Blueprint:
        return Api(self).blueprint()

    def reset(self) -> None:
        with self.lock:
            self.site, self.access, self.signer = Site(seed()), Access(), Signer()
            self.page_cap, self.throttle_status = 100, 403
            #: what the links to pages begin with, where a proxy hides the address that callers use
            self.link_base: str | None = None

    def counts(self) -> dict[str, int]:
        with self.lock:
            return {
                "learners": len(self.site.learners),
                "courses": len(self.site.courses),
                "enrolments": len(self.site.enrolments),
                "completions": sum(one.completed_at is not None for one in self.site.standings.values()),
            }

    def add_learner(self, body: Any) -> Json:
        require(body, wishes.LEARNER)
        learner = Learner(
            id=body["id"],
            name=body["name"],
            email=body["email"],
            login=body.get("login_id", f"learner{body['id']}"),
            sis_id=body.get("sis_user_id"),
            observers=tuple(body.get("observers", ())),
            custom_data=body.get("custom_data", {}),
        )
        with self.lock:
            self.site.learners[learner.id] = learner
        return asdict(learner)

    def add_course(self, body: Any) -> Json:
        require(body, COURSE)
        course = course_from(body)
        with self.lock:
            self.site.courses[course.id] = course
        return asdict(course)

    def enrol(self, body: Any) -> Json:
        require(body, wishes.ENROLMENT)
        with self.lock:
            learner, course = wishes.existing(self.site, body)
            state = body.get("state", "active")
            return asdict(self.site.enrol(learner, course.id, section=body.get("section", 0), state=state))

    def progress(self, body: Any) -> Json:
        require(body, wishes.PROGRESS)
        with self.lock:
            learner, course = wishes.existing(self.site, body)
            if not self.site.enrolments_in(course.id, learner):
                self.site.enrol(learner, course.id)
            wishes.apply(self.site, learner, course, body)
            return asdict(self.site.standing(learner, course.id))

    def complete(self, body: Any) -> Json:
        require(body, wishes.COMPLETE)
        wish = {key: value for key, value in body.items() if key not in {"completed_at", "send"}}
        with self.lock:
            learner, course = wishes.existing(self.site, body)
            done = {str(module.id): COMPLETED for module in course.modules}
            self.progress({**wish, "modules": {**done, **wish.get("modules", {})}})
            standing = self.site.standing(learner, course.id)
            standing.completed_at = body.get("completed_at", instant())
            send = body.get("send")
            if send is None:
                return {**asdict(standing), **NOT_SENT}
            _know(self.site, send)
            out = outgoing(self.site, self.signer, learner, course.id, send)
            shown = asdict(standing)
        return {**shown, **deliver(out, send)}

    def configure(self, body: Any) -> Json:
        require(body, wishes.SETTINGS)
        with self.lock:
            if body.get("expire_tokens"):
                self.access.expire()
            if body.get("rotate_keys"):
                self.signer.rotate()
            for owner in (self, self.site, self.access):
                for key in set(body) & set(vars(owner)):
                    setattr(owner, key, body[key])
            access = {key: value for key, value in vars(self.access).items() if not key.startswith("_")}
            del access["issued"]
            return {
                **access,
                "throttle_status": self.throttle_status,
                "page_cap": self.page_cap,
                "link_base": self.link_base,
                "shard": self.site.shard,
            }

    def throttled(self, retry_after: int | None) -> Response:
        """403, or 429 in newer deployments; neither says when to come again (contract 2.2)."""
        del retry_after
        text = f"{self.throttle_status} {'Forbidden' if self.throttle_status == 403 else 'Too Many Requests'}"
        response = Response(f"{text} (Rate Limit Exceeded)\n", status=self.throttle_status, content_type="text/html")
        response.headers["X-Rate-Limit-Remaining"] = "0.0"
        return response

    def failed(self, status: int) -> Response:
        if status == 401:
            return error(401, "Invalid access token.", challenge=True)
        if status == 404:
            return error(404, "The specified resource does not exist.")
        if status == 403:
            return error(403, "user not authorized to perform that action", status="unauthorized")
        return error(status, "An error occurred.")


def _know(site: Site, send: Json) -> None:
    """Refuse further events of learners or courses that are not there."""
    for one in send.get("also", []):
        if one.get("learner", 0) not in {0, *site.learners} or one.get("course", 0) not in {0, *site.courses}:
            raise Refused([Problem("send.also", "names a learner or a course that is not there")])
