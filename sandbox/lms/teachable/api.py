"""The API under `/v1` (contract 2, 3): strict about key and parameters; lists in pages of 20 at most."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from flask import Blueprint, request
from werkzeug.wrappers import Response

from sandbox.lms.teachable import forms
from sandbox.lms.teachable.school import Course, Lecture, Quiz, instant, moment

if TYPE_CHECKING:
    from sandbox.lms.teachable import Teachable

_PAGING = {"page", "per"}
#: what the school has where nobody set another limit (contract 2.1)
_LIMIT = 100


class NoSuch(LookupError):
    """The address names something that is not there."""


class Wrong(ValueError):
    """A parameter or a member of a body is not as it has to be."""


class Api:
    """The routes of one school."""

    def __init__(self, twin: Teachable) -> None:
        self.twin = twin

    def blueprint(self) -> Blueprint:
        """All routes."""
        api = Blueprint("teachable", __name__, url_prefix="/teachable")
        course = "/v1/courses/<course>"
        quizzes = f"{course}/lectures/<lecture>/quizzes"
        filters = {"enrolled_in_after", "enrolled_in_before", "sort_direction"}
        for path, view, known in (
            ("/v1/users/<user>", self.user, set()),
            ("/v1/courses", self.courses, {"is_published", "name", *_PAGING}),
            (course, self.course, set()),
            (f"{course}/progress", self.progress, {"user_id", *_PAGING}),
            (f"{course}/enrollments", self.enrolments, {*filters, *_PAGING}),
            (quizzes, self.quizzes, set()),
            (f"{quizzes}/<quiz>", self.quiz, set()),
            (f"{quizzes}/<quiz>/responses", self.responses, set()),
        ):
            api.add_url_rule(path, view.__name__, self._guarded(view, known), methods=["GET"])
        api.add_url_rule("/v1/enroll", "enrol", self._guarded(self.enrol, set()), methods=["POST"])
        return api

    def user(self, user: str) -> Response:
        """One user, bare or wrapped."""
        found = forms.user_form(self.twin.school, self._user(user), named=self.twin.names_course)
        return answer({"user": found} if self.twin.wraps_user else found)

    def courses(self) -> Response:
        """All courses."""
        wanted = request.args.get("is_published")
        if wanted not in {None, "true", "false"}:
            raise Wrong("is_published must be true or false")
        rows = [
            forms.course_row(one)
            for one in self.twin.school.courses.values()
            if (wanted is None or one.is_published == (wanted == "true")) and request.args.get("name", "") in one.name
        ]
        page, meta = self._page(rows)
        return answer({"courses": page, "meta": meta})

    def course(self, course: str) -> Response:
        """One course with its lectures."""
        return answer({"course": forms.course_form(self._course(course))})

    def progress(self, course: str) -> Response:
        """How far one learner is; each first page brings a record that lags nearer to what happened."""
        if "user_id" not in request.args:
            raise Wrong("user_id is missing")
        found, learner = self._course(course), self._user(request.args["user_id"])
        enrolment = self.twin.school.enrolments.get((learner, found.id))
        if enrolment is None:
            raise NoSuch
        started = enrolment.lectures or enrolment.completed_at
        page, meta = self._page(found.published() if started else [])
        shown = forms.progress_form(found, enrolment, page)
        if meta["page"] == 1:
            enrolment.lag_reads = max(0, enrolment.lag_reads - 1)
        return answer({"course_progress": shown, "meta": meta})

    def enrolments(self, course: str) -> Response:
        """The enrolments in a course, the newest first unless asked otherwise; `meta` knows no size of its pages."""
        found = self._course(course)
        direction = request.args.get("sort_direction", "desc")
        if direction not in {"asc", "desc"}:
            raise Wrong("sort_direction must be asc or desc")
        after, before = _instant("enrolled_in_after"), _instant("enrolled_in_before")
        rows = [
            forms.enrolment_row(found, one)
            for one in self.twin.school.of_course(found.id)
            if (after is None or moment(one.enrolled_at) > moment(after))
            and (before is None or moment(one.enrolled_at) < moment(before))
        ]
        page, meta = self._page(rows if direction == "asc" else rows[::-1])
        return answer({"enrollments": page, "meta": {**meta, "per_page": 0, "number_of_pages": 0}})

    def quizzes(self, course: str, lecture: str) -> Response:
        """The quizzes of a lecture."""
        return answer({"quiz_ids": [one.id for one in self._lecture(self._course(course), lecture).quizzes]})

    def quiz(self, course: str, lecture: str, quiz: str) -> Response:
        """One quiz."""
        return answer(forms.quiz_form(_quiz(self._lecture(self._course(course), lecture), quiz)))

    def responses(self, course: str, lecture: str, quiz: str) -> Response:
        """Everybody's responses to one quiz, in one answer."""
        found = self._course(course)
        part = self._lecture(found, lecture)
        shown = forms.responses_form(self.twin.school, found, part, _quiz(part, quiz))
        return answer({"quiz_responses": shown} if self.twin.wraps_responses else shown)

    def enrol(self) -> Response:
        """Enrol a user; an enrolment that was ended is taken up again, one that is active is not."""
        body = request.get_json(silent=True)
        if not isinstance(body, dict) or set(body) != {"user_id", "course_id"}:
            raise Wrong("user_id and course_id have to be there, and nothing else")
        if not all(isinstance(one, int) and not isinstance(one, bool) for one in body.values()):
            raise Wrong("user_id and course_id have to be numbers")
        learner, course = self._user(str(body["user_id"])), self._course(str(body["course_id"]))
        known = self.twin.school.enrolments.get((learner, course.id))
        if known is not None and known.is_active:
            raise Wrong("User is already enrolled in this course")
        made = self.twin.school.enrol(learner, course.id)
        if known is None:
            made.enrolled_at = instant()
        made.is_active = True
        return Response(status=204)

    def _guarded(self, view: Callable[..., Response], known: set[str]) -> Callable[..., Response]:
        def guarded(**places: str) -> Response:
            with self.twin.lock:
                response = self._refused(known)
                try:
                    response = response or view(**places)
                except NoSuch:
                    response = error(404, "Not found")
                except Wrong as wrong:
                    response = error(422, str(wrong))
            limit_headers(self.twin, response)
            return response

        return guarded

    def _refused(self, known: set[str]) -> Response | None:
        if request.headers.get("apiKey") != self.twin.key:
            return error(401, "Unauthorized")
        if not self.twin.plan_has_api:
            return error(403, "Your plan does not include API access")
        unknown = sorted(set(request.args) - known)
        return error(422, *(f"{name} is not allowed" for name in unknown)) if unknown else None

    def _page(self, rows: Sequence[Any]) -> tuple[Sequence[Any], dict[str, Any]]:
        """The page that was asked for, and `meta`."""
        page, per = _number("page", 1), _number("per", 20)
        size = min(per, self.twin.page_cap)
        shown = rows[(page - 1) * size : page * size]
        return shown, forms.meta(len(rows), page=page, shown=len(shown), per=per, size=size)

    def _course(self, named: str) -> Course:
        found = self.twin.school.courses.get(int(named) if named.isascii() and named.isdigit() else -1)
        if found is None:
            raise NoSuch
        return found

    def _user(self, named: str) -> int:
        found = int(named) if named.isascii() and named.isdigit() else -1
        if found not in self.twin.school.learners:
            raise NoSuch
        return found

    def _lecture(self, course: Course, named: str) -> Lecture:
        found = next((one for one in course.lectures if str(one.id) == named), None)
        if found is None:
            raise NoSuch
        return found


def answer(document: Any, status: int = 200) -> Response:
    """An answer in JSON."""
    return Response(json.dumps(document), status=status, content_type="application/json; charset=utf-8")


def error(status: int, *messages: str) -> Response:
    """An error in Teachable's form: one message, or a list of them."""
    return answer({"message": messages[0] if len(messages) == 1 else list(messages)}, status)


def limit_headers(twin: Teachable, response: Response, reset: int | None = None) -> None:
    """Tell of the limit, as every answer does."""
    standing = twin.rate.standing()
    left = _LIMIT - 1 if standing.remaining is None else standing.remaining
    response.headers["RateLimit-Limit"] = str(standing.calls or _LIMIT)
    response.headers["RateLimit-Remaining"] = str(0 if reset is not None else left)
    response.headers["RateLimit-Reset"] = str(max(1, round(standing.resets_in)) if reset is None else reset)


def _quiz(lecture: Lecture, named: str) -> Quiz:
    found = next((one for one in lecture.quizzes if str(one.id) == named), None)
    if found is None:
        raise NoSuch
    return found


def _number(name: str, otherwise: int) -> int:
    text = request.args.get(name, str(otherwise))
    if not (text.isascii() and text.isdigit() and int(text)):
        raise Wrong(f"{name} must be a number above 0")
    return int(text)


def _instant(name: str) -> str | None:
    text = request.args.get(name)
    try:
        return None if text is None else instant(moment(text))
    except ValueError:
        raise Wrong(f"{name} must be an instant in ISO 8601") from None
