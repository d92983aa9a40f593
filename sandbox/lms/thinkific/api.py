"""The REST API under `/api/public/v1` (contract 2, 3): strict about keys, parameters and members."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint, request
from werkzeug.wrappers import Response

from sandbox.lms.thinkific.answers import BadParameter, answer, error, paged, unprocessable, whole
from sandbox.lms.thinkific.graphql import execute
from sandbox.lms.thinkific.site import Course, Enrolment, Learner

if TYPE_CHECKING:
    from sandbox.lms.thinkific import Thinkific

_PAGING = {"page", "limit"}
_ID_FILTERS = {"query[user_id]": "learner", "query[course_id]": "course"}
_FLAG_FILTERS = {"query[completed]": "completed", "query[expired]": "expired", "query[free_trial]": "is_free_trial"}
_UPDATED_AFTER = "query[updated_after]"
_MEMBERS = {"course_id", "user_id", "activated_at", "expiry_date"}


class Api:
    """The routes of one site."""

    def __init__(self, twin: Thinkific) -> None:
        self.twin = twin

    def blueprint(self) -> Blueprint:
        """All routes."""
        api = Blueprint("thinkific", __name__, url_prefix="/thinkific")
        filters = {*_ID_FILTERS, *_FLAG_FILTERS, _UPDATED_AFTER}
        for path, view, known in (
            ("courses", self.courses, _PAGING),
            ("courses/<course>", self.course, set[str]()),
            ("users/<user>", self.user, set[str]()),
            ("enrollments", self.enrolments, filters | _PAGING),
        ):
            api.add_url_rule(f"/api/public/v1/{path}", view.__name__, self._guarded(view, known), methods=["GET"])
        api.add_url_rule("/api/public/v1/enrollments", "enrol", self._guarded(self.enrol, set()), methods=["POST"])
        api.add_url_rule("/stable/graphql", "graphql", self.graphql, methods=["POST"])
        return api

    def courses(self) -> Response:
        """The courses of the site."""
        return paged([_course_form(one) for one in self.twin.site.courses.values()], cap=self.twin.page_cap)

    def course(self, course: str) -> Response:
        """One course."""
        found = self.twin.site.courses.get(_local(course))
        return answer(_course_form(found)) if found else error(404, "Record not found.")

    def user(self, user: str) -> Response:
        """One person."""
        found = self.twin.site.learners.get(_local(user))
        return answer(_user_form(found)) if found else error(404, "Record not found.")

    def enrolments(self) -> Response:
        """Enrolments by any filters; each reading brings a row that lags nearer to what happened."""
        rows = self.twin.site.enrolments
        for name, member in _ID_FILTERS.items():
            if name in request.args:
                wanted = whole(name)
                rows = [one for one in rows if getattr(one, member) == wanted]
        if _UPDATED_AFTER in request.args:
            after = _instant(request.args[_UPDATED_AFTER])
            rows = [one for one in rows if self._is_after(_instant(one.updated_at), after)]
        forms = [self._enrolment_form(one) for one in rows]
        for one in rows:
            one.lag_reads = max(0, one.lag_reads - 1)
        for name, member in _FLAG_FILTERS.items():
            if name in request.args:
                if request.args[name] not in {"true", "false"}:
                    raise BadParameter(f"Parameter {name} is invalid.")
                forms = [one for one in forms if one[member] is (request.args[name] == "true")]
        return paged(forms, cap=self.twin.page_cap)

    def enrol(self) -> Response:
        """A new enrolment, also where there is one: it is not idempotent (contract 3)."""
        body = request.get_json(silent=True)
        if not isinstance(body, dict) or set(body) - _MEMBERS or body.get("expiry_date") is not None:
            return unprocessable("The members of an enrollment are invalid.")
        course, user, activated_at = body.get("course_id"), body.get("user_id"), body.get("activated_at")
        if type(course) is not int or course not in self.twin.site.courses:
            return unprocessable("Course could not be found.")
        if type(user) is not int or user not in self.twin.site.learners:
            return unprocessable("User could not be found.")
        if activated_at is not None:
            _instant(activated_at)
        made = self.twin.site.enrol(user, course, activated_at=activated_at)
        return answer(self._enrolment_form(made), 201)

    def graphql(self) -> Response:
        """The GraphQL API: it takes an access token, and never the API key."""
        with self.twin.lock:
            if request.headers.get("Authorization") != f"Bearer {self.twin.token}":
                return answer({"errors": [{"message": "Unauthorized"}]}, 401)
            return answer(execute(self.twin, request.get_json(silent=True)))

    def _guarded(self, view: Callable[..., Response], known: set[str]) -> Callable[..., Response]:
        def guarded(**places: str) -> Response:
            with self.twin.lock:
                if not self._admits():
                    return error(401, "Authentication Error")
                unknown = sorted(set(request.args) - known)
                if unknown:
                    return error(400, f"Parameter {unknown[0]} is unknown.")
                try:
                    return view(**places)
                except BadParameter as wrong:
                    return error(400, str(wrong))

        return guarded

    def _admits(self) -> bool:
        shown = request.headers
        by_key = (shown.get("X-Auth-API-Key"), shown.get("X-Auth-Subdomain")) == (self.twin.key, self.twin.subdomain)
        return by_key or shown.get("Authorization") == f"Bearer {self.twin.token}"

    def _is_after(self, updated_at: datetime, after: datetime) -> bool:
        return updated_at.date() > after.date() if self.twin.whole_days else updated_at > after

    def _enrolment_form(self, one: Enrolment) -> dict[str, Any]:
        learner, course = self.twin.site.learners[one.learner], self.twin.site.courses[one.course]
        completed = one.completed_at is not None and not one.lag_reads
        return {
            "id": one.id,
            "user_id": one.learner,
            "user_email": learner.email,
            "user_name": _full_name(learner),
            "course_id": one.course,
            "course_name": course.name,
            "percentage_completed": one.share if completed else min(one.share, 0.99),
            "completed": completed,
            "expired": one.expired,
            "is_free_trial": one.free_trial,
            "started_at": one.activated_at,
            "activated_at": one.activated_at,
            "completed_at": one.completed_at if completed else None,
            "updated_at": one.updated_at,
            "expiry_date": None,
        }


def _course_form(one: Course) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "slug": one.slug,
        "product_id": one.id + 500,
        "chapter_ids": [chapter.id for chapter in one.chapters],
        "instructor_id": 1,
        "user_id": 1,
        "administrator_user_ids": [],
        "duration": None,
        "reviews_enabled": False,
    }


def _user_form(one: Learner) -> dict[str, Any]:
    extra = [
        {"id": place, "label": label, "value": value, "custom_profile_field_definition_id": place + 8}
        for place, (label, value) in enumerate(one.custom_fields.items(), 1)
    ]
    return {
        "id": one.id,
        "created_at": "2026-01-01T08:00:00Z",
        "first_name": one.first_name,
        "last_name": one.last_name,
        "full_name": _full_name(one),
        "email": one.email,
        "company": None,
        "roles": [],
        "external_source": None,
        "administered_course_ids": None,
        "custom_profile_fields": extra,
    }


def _full_name(one: Learner) -> str:
    return f"{one.first_name} {one.last_name}".strip()


def _local(named: str) -> int:
    return int(named) if named.isascii() and named.isdigit() else -1


def _instant(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None:
        raise BadParameter("An instant is invalid.")
    return at if at.tzinfo else at.replace(tzinfo=UTC)
