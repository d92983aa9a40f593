"""The REST API (contract 2 to 4): tokens first, unknown parameters refused, lists in pages from 1 on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flask import Blueprint, request
from werkzeug.wrappers import Response

from sandbox.lms.docebo.access import error, refused, wrapped
from sandbox.lms.docebo.platform import COMPLETED, NUMBERS, Course, Enrolment, User
from sandbox.shapes import Check, count, listing, may, need, one_of, structure, text

if TYPE_CHECKING:
    from sandbox.lms.docebo import Docebo

_USUAL, _MOST = 20, 200
_PAGING = {"page", "page_size", "get_total_count", "sort_by", "sort_dir"}
_ENROL: Check = structure(
    {
        "course_ids": need(listing(count)),
        "user_ids": need(listing(count)),
        "level": need(one_of((3, 4, 6))),
        "date_begin_validity": may(text),
        "date_expire_validity": may(text),
        "assignment_type": may(text),
    }
)
_LEVELS = {3: "student", 4: "tutor", 6: "instructor"}


class Api:
    """The routes of one platform."""

    def __init__(self, twin: Docebo) -> None:
        self.twin = twin

    def blueprint(self) -> Blueprint:
        """All routes."""
        api = Blueprint("docebo", __name__, url_prefix="/docebo")
        filters = {"course_id[]", "user_id[]", "enrollment_status[]", "extra_fields[]"}
        for path, view, known in (
            ("/manage/v1/user/<int:user>", self.user, set()),
            ("/manage/v1/users/<int:user>/managers", self.managers, set()),
            ("/course/v1/courses/enrollments", self.enrolments, filters | _PAGING),
            ("/learn/v1/courses", self.courses, _PAGING),
        ):
            api.add_url_rule(path, view.__name__, self._guarded(view, known), methods=["GET"])
        enrol = self._guarded(self.enrol, set())
        api.add_url_rule("/learn/v1/enrollments", "enrol", enrol, methods=["POST"])
        api.add_url_rule("/oauth2/token", "token", self.token, methods=["POST"])
        return api

    def token(self) -> Response:
        """A new access token; the request is a form, and nothing stands in the address."""
        if request.is_json or request.args:
            return refused(400, "invalid_request")
        with self.twin.lock:
            return self.twin.access.grant(request.form)

    def user(self, user: int) -> Response:
        """One user, with additional fields."""
        found = self.twin.platform.users.get(user)
        if found is None:
            return error(404, "User not found")
        return wrapped({"user_data": _user_form(found), "additional_fields": [], "branches": [], "groups": []})

    def managers(self, user: int) -> Response:
        """The manager of a user."""
        found = self.twin.platform.users.get(user)
        return error(404, "User not found") if found is None else wrapped({"manager_id": found.manager})

    def enrolments(self) -> Response:
        """Enrolments, filtered; each reading brings one that lags nearer to what happened."""
        platform, extra = self.twin.platform, request.args.getlist("extra_fields[]")
        if set(extra) - {"enrollment_time_spent"}:
            return error(400, "extra_fields is invalid")
        wanted = {name: request.args.getlist(f"{name}[]") for name in ("course_id", "user_id", "enrollment_status")}
        rows = []
        for one in platform.enrolments.values():
            form = self._enrolment_form(one, extra)
            named = {**form, "enrollment_status": _status_shown(one)}
            if all(not values or str(named[name]) in values for name, values in wanted.items() if name != _STATUS):
                one.lag_reads = max(0, one.lag_reads - 1)
                if not wanted[_STATUS] or named[_STATUS] in wanted[_STATUS]:
                    rows.append(form)
        return self._paged(rows)

    def courses(self) -> Response:
        """All courses."""
        return self._paged([_course_form(one) for one in self.twin.platform.courses.values()])

    def enrol(self) -> Response:
        """Enrol; who is enrolled, or not there, is an error among others under 200 (contract 3)."""
        body: Any = request.get_json(silent=True)
        problems = _ENROL(body, "")
        if problems:
            return error(400, "; ".join(f"{one.field} {one.message}" for one in problems))
        platform, said = self.twin.platform, self.twin.enrolled_as
        enrolled, errors = list[Any](), list[str]()
        for course in body["course_ids"]:
            for user in body["user_ids"]:
                known = user in platform.users and course in platform.courses
                if not known or (user, course) in platform.enrolments:
                    errors.append(f"User {user} cannot be enrolled in course {course}")
                    continue
                made = platform.enrol(user, platform.courses[course])
                made.level = _LEVELS[body["level"]]
                whole = {"id_user": user, "id_course": course, "waiting": made.status == "waiting"}
                enrolled.append(whole if said == "objects" else user)
        return wrapped({"enrolled": enrolled, "errors": errors})

    def _guarded(self, view: Callable[..., Response], known: set[str]) -> Callable[..., Response]:
        def guarded(**places: Any) -> Response:
            with self.twin.lock:
                refusal = self.twin.access.refuse(request.headers.get("Authorization"), request.path)
                unknown = set(request.args) - known
                if refusal is None and unknown:
                    refusal = error(400, f"unknown parameters: {', '.join(sorted(unknown))}")
                return refusal or view(**places)

        return guarded

    def _paged(self, rows: Sequence[Mapping[str, Any]]) -> Response:
        page, size = request.args.get("page", "1"), request.args.get("page_size", str(_USUAL))
        if not (page.isdigit() and size.isdigit() and int(page) and 0 < int(size) <= _MOST):
            return error(400, "page or page_size is invalid")
        number, size_now = int(page), min(int(size), max(1, self.twin.page_cap))
        shown = rows[(number - 1) * size_now : number * size_now]
        pages = -(-len(rows) // size_now)
        told: dict[str, Any] = {
            "items": shown,
            "count": len(shown),
            "has_more_data": number < pages,
            "current_page": number,
            "current_page_size": size_now,
        }
        if request.args.get("get_total_count") == "1":
            told |= {"total_page_count": pages, "total_count": len(rows)}
        return wrapped(told)

    def _enrolment_form(self, one: Enrolment, extra: Sequence[str]) -> dict[str, Any]:
        course, user = self.twin.platform.courses[one.course], self.twin.platform.users[one.user]
        status, done = _status_shown(one), one.lag_reads == 0
        form = {
            "user_id": user.id,
            "username": user.username,
            "course_id": course.id,
            "course_uid": f"E-{course.id}",
            "course_name": course.name,
            "course_code": course.code,
            "course_type": course.type,
            "enrollment_level": one.level,
            "enrollment_status": NUMBERS.get(status, status) if self.twin.status_numbers else status,
            "enrollment_created_by": 12301,
            "enrollment_created_at": one.created_at,
            "enrollment_completion_date": one.completed_at if done else None,
            "enrollment_date_last_updated": one.completed_at or one.created_at,
            "enrollment_score": one.score if done else None,
            "enrollment_validity_begin_datetime": one.begin,
            "enrollment_validity_end_datetime": one.end,
            "assignment_type": "mandatory",
        }
        return {**form, "enrollment_time_spent": one.seconds} if extra else form


_STATUS = "enrollment_status"


def _status_shown(one: Enrolment) -> str:
    return "in_progress" if one.lag_reads and one.status == COMPLETED else one.status


def _user_form(user: User) -> dict[str, Any]:
    return {
        "user_id": str(user.id),  # text here, a number elsewhere: the schema does not say (contract 2.3)
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "level": "user",
        "timezone": "Europe/Rome",
        "valid": int(user.valid),
        "expiration": user.expiration,
        "email_validation_status": 1,
        "manager_first_name": None,
        "manager_last_name": None,
        "manager_username": None,
    }


def _course_form(course: Course) -> dict[str, Any]:
    return {
        "id_course": course.id,
        "name": course.name,
        "course_type": course.type,
        "description": "",
        "code": course.code,
        "status": course.status,
    }
