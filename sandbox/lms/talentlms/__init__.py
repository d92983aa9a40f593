"""A TalentLMS portal: version 1 of its API, and no webhook, because there is none (contract 1.1)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flask import Blueprint
from werkzeug.wrappers import Response

from sandbox.lms.talentlms.api import HOURLY, Api, error
from sandbox.lms.talentlms.portal import STATES, Course, Learner, Portal, Standing, Unit
from sandbox.lms.twin import Twin, require_both
from sandbox.plain_answers import proxy_page
from sandbox.sending import NOT_SENT
from sandbox.shapes import (
    Check,
    Field,
    Problem,
    Refused,
    any_text,
    count,
    email,
    flag,
    listing,
    mapping,
    may,
    need,
    one_of,
    require,
    structure,
    text,
)  # fmt: skip
from sandbox.stand_in import Json

_UNIT = structure({"id": need(count), "name": need(text), "type": may(text)})
_LEARNER = structure(
    {
        "id": need(count),
        "name": need(any_text),
        "email": need(email),
        "status": may(one_of(("active", "inactive"))),
        "custom_fields": may(mapping(any_text)),
    }
)
_COURSE = structure(
    {
        "id": need(count),
        "name": need(text),
        "code": may(text),
        "status": may(one_of(("active", "inactive"))),
        "modules": may(listing(_UNIT)),
        "rules": may(listing(text)),
    }
)
_ENROLMENT = structure(
    {"learner": need(count), "course": need(count), "role": may(text), "expires_at": may(count), "ended": may(flag)}
)
_PROGRESS: Mapping[str, Field] = {
    "learner": need(count),
    "course": need(count),
    "modules": may(mapping(one_of(STATES))),
    "scores": may(mapping(text)),
    "status": may(one_of(STATES)),
    "time_spent_seconds": may(count),
    "lag_reads": may(count),
}
_PROGRESS_SHAPE: Check = structure(_PROGRESS)
_COMPLETE: Check = structure({**_PROGRESS, "completed_at": may(count)})


class TalentLms(Twin):
    """One portal."""

    name = "talentlms"
    label = "TalentLMS"

    def blueprint(self) -> Blueprint:
        return Api(self).blueprint()

    def reset(self) -> None:
        with self.lock:
            self.portal, self.key = Portal(), "talentlms-key"
            self.remaining, self.reset_in = HOURLY, 3600

    def counts(self) -> dict[str, int]:
        with self.lock:
            done = [one for one in self.portal.standings.values() if one.completed_at is not None]
            return {
                "learners": len(self.portal.learners),
                "courses": len(self.portal.courses),
                "enrolments": len(self.portal.standings),
                "completions": len(done),
            }

    def add_learner(self, body: Any) -> Json:
        require(body, _LEARNER)
        with self.lock:
            self.portal.learners[body["id"]] = Learner(**body)
            return asdict(self.portal.learners[body["id"]])

    def add_course(self, body: Any) -> Json:
        require(body, _COURSE)
        units = [Unit(**unit) for unit in body.get("modules", [])]
        rest = {name: value for name, value in body.items() if name != "modules"}
        with self.lock:
            self.portal.courses[body["id"]] = Course(**rest, units=units)
            return asdict(self.portal.courses[body["id"]])

    def enrol(self, body: Any) -> Json:
        require(body, _ENROLMENT)
        with self.lock:
            pair = self._pair(body)
            if body.get("ended"):
                self.portal.standings.pop(pair, None)
                return {"ended": True}
            standing = self.portal.enrol(*pair, body.get("role", "learner"))
            standing.expires_at = body.get("expires_at", standing.expires_at)
            return asdict(standing)

    def progress(self, body: Any) -> Json:
        require(body, _PROGRESS_SHAPE)
        with self.lock:
            return asdict(self._moved(body))

    def complete(self, body: Any) -> Json:
        """Complete with every unit. Nobody is told: `send` is no word of this twin."""
        require(body, _COMPLETE)
        with self.lock:
            standing = self._moved(body)
            units = self.portal.courses[body["course"]].units
            standing.units = {**{unit.id: "completed" for unit in units}, **standing.units}
            standing.status, standing.completed_at = "completed", body.get("completed_at", int(time.time()))
            return {**asdict(standing), **NOT_SENT}

    def configure(self, body: Any) -> Json:
        require(body, structure({"key": may(text), "remaining": may(count), "reset_in": may(count)}))
        with self.lock:
            for name, value in body.items():
                setattr(self, name, value)
            return {"key": self.key, "remaining": self.remaining, "reset_in": self.reset_in}

    def throttled(self, retry_after: int | None) -> Response:
        """429 without a word about when to come again: only `ratelimit` tells (contract 2.1, 2.2)."""
        del retry_after
        return error(429, "The hourly API call limit has been exceeded")

    def failed(self, status: int) -> Response:
        return proxy_page(status) if status in {401, 404} else error(status, "An error occurred")

    def _moved(self, body: Json) -> Standing:
        """The standing, made where there is none, as the body says."""
        learner, course = self._pair(body)
        units = {str(unit.id) for unit in self.portal.courses[course].units}
        named = {*body.get("modules", {}), *body.get("scores", {})}
        if named - units:
            raise Refused([Problem("modules", f"the course has no unit {', '.join(sorted(named - units))}")])
        standing = self.portal.enrol(learner, course)
        standing.units |= {int(unit): state for unit, state in body.get("modules", {}).items()}
        standing.scores |= {int(unit): score for unit, score in body.get("scores", {}).items()}
        standing.status = body.get("status", standing.status)
        standing.seconds = body.get("time_spent_seconds", standing.seconds)
        standing.lag_reads = body.get("lag_reads", standing.lag_reads)
        return standing

    def _pair(self, body: Json) -> tuple[int, int]:
        require_both(body, self.portal.learners, self.portal.courses)
        return body["learner"], body["course"]
