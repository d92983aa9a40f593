"""What one TalentLMS portal holds, and how version 1 of its API writes it: all of it text (contract 2.2 to 2.4)."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

#: the two spellings of a status: for machines, and for people in the portal's language
STATES = {
    "not_attempted": "Not started", "incomplete": "In progress", "completed": "Completed", "failed": "Failed",
}  # fmt: skip


@dataclass(kw_only=True)
class Learner:
    """A user."""

    id: int
    name: str
    email: str
    status: str = "active"
    custom_fields: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Unit:
    """One part of a course. Only tests and assignments have scores."""

    id: int
    name: str
    type: str = "Unit"


@dataclass(kw_only=True)
class Course:
    """A course. Without a rule nobody completes it."""

    id: int
    name: str
    code: str = ""
    status: str = "active"
    units: list[Unit] = field(default_factory=list)
    rules: list[str] = field(default_factory=lambda: ["Users can complete units in any order", "All units completed"])


@dataclass(kw_only=True)
class Standing:
    """A learner in a course. The next `lag_reads` readings do not show that it is completed."""

    role: str = "learner"
    enrolled_at: int = 0
    completed_at: int | None = None
    expires_at: int | None = None
    status: str = "not_attempted"
    seconds: int = 0
    units: dict[int, str] = field(default_factory=dict)
    scores: dict[int, str] = field(default_factory=dict)
    lag_reads: int = 0


@dataclass
class Portal:
    """All of it, by the ids."""

    learners: dict[int, Learner] = field(default_factory=dict)
    courses: dict[int, Course] = field(default_factory=dict)
    standings: dict[tuple[int, int], Standing] = field(default_factory=dict)

    def enrol(self, learner: int, course: int, role: str = "learner") -> Standing:
        """The standing of a learner in a course, made where there is none."""
        fresh = Standing(role=role, enrolled_at=int(time.time()))
        return self.standings.setdefault((learner, course), fresh)

    def user_form(self, one: Learner) -> Json:
        """A user with the courses that they are in."""
        first, _, last = one.name.partition(" ")
        return {
            "id": str(one.id), "login": f"user{one.id}", "first_name": first, "last_name": last, "email": one.email,
            "restrict_email": "0", "user_type": "Learner-Type", "timezone": "(GMT +00:00)", "language": "English",
            "status": one.status, "deactivation_date": "", "level": "1", "points": "0", "bio": None,
            **_dates("created_on", 1788249600), **_dates("last_updated", None), **one.custom_fields,
            "courses": [
                self._users_course(course, standing)
                for (learner, course), standing in sorted(self.standings.items()) if learner == one.id
            ],
            "branches": [], "groups": [], "certifications": [], "badges": [],
        }  # fmt: skip

    def standing_form(self, course: Course, one: Standing) -> Json:
        """How a learner stands in a course; each reading brings one that lags nearer to what happened."""
        lagging, one.lag_reads = one.lag_reads > 0, max(0, one.lag_reads - 1)
        status = "incomplete" if lagging else one.status
        return {
            "role": one.role, **_dates("enrolled_on", one.enrolled_at),
            "completion_status": STATES[status], "completion_percentage": "100" if status == "completed" else "40",
            **_dates("completed_on", None if lagging else one.completed_at), **_dates("expired_on", one.expires_at),
            "total_time": _spoken(one.seconds), "total_time_seconds": one.seconds,
            "units": [self._unit(unit, one) for unit in course.units],
        }  # fmt: skip

    def course_form(self, one: Course, *, whole: bool) -> Json:
        """A course; the list of all courses leaves its learners and contents out."""
        form: Json = {
            "id": str(one.id), "name": one.name, "code": one.code or None, "category_id": None, "description": "",
            "price": "", "status": one.status, "creation_date": _portal_time(1788249600), "creator_id": "1",
            "hide_from_catalog": "0", "time_limit": "0", "level": None, "shared": "0", "shared_url": "",
            "certification": None, "certification_duration": None,
        }  # fmt: skip
        if not whole:
            return form
        return {
            **form,
            "users": [
                self._member(self.learners[learner], standing)
                for (learner, course), standing in sorted(self.standings.items()) if course == one.id
            ],
            "units": [{"id": str(unit.id), "type": unit.type, "name": unit.name, "url": ""} for unit in one.units],
            "rules": list(one.rules),
            "prerequisites": [],
        }  # fmt: skip

    def _member(self, learner: Learner, standing: Standing) -> Json:
        return {
            "id": str(learner.id), "name": learner.name, "role": standing.role,
            **_dates("enrolled_on", standing.enrolled_at), **_dates("completed_on", standing.completed_at),
            "completion_percentage": "100" if standing.status == "completed" else "40",
            **_dates("expired_on", standing.expires_at),
            "total_time": _spoken(standing.seconds), "total_time_seconds": standing.seconds,
        }  # fmt: skip

    def _users_course(self, course: int, standing: Standing) -> Json:
        return {
            "id": str(course), "name": self.courses[course].name, "role": standing.role,
            **_dates("enrolled_on", standing.enrolled_at), **_dates("completed_on", standing.completed_at),
            "completion_status": standing.status, "completion_status_formatted": STATES[standing.status],
            "completion_percentage": "100" if standing.status == "completed" else "40",
            **_dates("expired_on", standing.expires_at),
        }  # fmt: skip

    def _unit(self, unit: Unit, standing: Standing) -> Json:
        status = standing.units.get(unit.id, "not_attempted")
        done = standing.completed_at if status == "completed" else None
        return {
            "id": str(unit.id), "name": unit.name, "type": unit.type, "completion_status": STATES[status],
            **_dates("completed_on", done), "score": standing.scores.get(unit.id),
            "total_time": "", "total_time_seconds": 0,
        }  # fmt: skip


def _dates(name: str, at: int | None) -> Json:
    """A date in the portal's format and as a stamp; empty text and null where there is none."""
    return {name: "" if at is None else _portal_time(at), f"{name}_timestamp": None if at is None else str(at)}


def _portal_time(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%d/%m/%Y, %H:%M:%S}"


def _spoken(seconds: int) -> str:
    return f"{seconds // 3600}h {seconds % 3600 // 60}m {seconds % 60}s"
