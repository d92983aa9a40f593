"""The REST API under `/api/v1` (contract 2 to 4): strict about tokens and parameters, and never quite complete."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import Blueprint, request
from werkzeug.wrappers import Response

from sandbox.lms.canvas import forms
from sandbox.lms.canvas.access import answer, error, plain
from sandbox.lms.canvas.paging import paged, shown
from sandbox.lms.canvas.site import ENROLMENT_STATES, SHARD_SIZE, Course, Learner, Module, Standing

if TYPE_CHECKING:
    from sandbox.lms.canvas import Canvas

_PAGING = {"page", "per_page"}
_NOT_FOUND = "The specified resource does not exist."


class NoSuch(LookupError):
    """The address names something that is not there."""


class Api:
    """The routes of one site."""

    def __init__(self, twin: Canvas) -> None:
        self.twin = twin

    def blueprint(self) -> Blueprint:
        """All routes."""
        api = Blueprint("canvas", __name__, url_prefix="/canvas")
        course, user = "/api/v1/courses/<course>", "/api/v1/users/<user>"
        for path, view, known in (
            (course, self.course, set()),
            (f"{course}/users/<user>/progress", self.progress, set()),
            (f"{course}/bulk_user_progress", self.bulk_progress, _PAGING),
            (f"{course}/modules", self.modules, {"student_id", "include[]", *_PAGING}),
            (f"{course}/modules/<module>/items", self.items, {"student_id", "include[]", *_PAGING}),
            (f"{course}/enrollments", self.enrolments, {"user_id", "type[]", "state[]", *_PAGING}),
            (f"{course}/students/submissions", self.submissions, {"student_ids[]", "include[]", *_PAGING}),
            (f"{user}/profile", self.profile, set()),
            (f"{user}/observers", self.observers, _PAGING),
            (f"{user}/custom_data/<path:scope>", self.custom_data, {"ns"}),
            ("/api/v1/accounts/<account>/courses", self.courses, {"state[]", "published", *_PAGING}),
        ):
            self._route(api, path, view, known)
        api.add_url_rule(f"{course}/enrollments", "enrol", self._guarded(self.enrol, None), methods=["POST"])
        api.add_url_rule("/login/oauth2/token", "token", self.token, methods=["POST"])
        api.add_url_rule("/main/jwks", "jwks", self.jwks)
        return api

    def token(self) -> Response:
        """A refresh of an access token."""
        with self.twin.lock:
            return self.twin.access.refresh(request.form)

    def jwks(self) -> Response:
        """The keys of signed payloads, for anybody."""
        with self.twin.lock:
            return answer(self.twin.signer.key_set())

    def course(self, course: str) -> Response:
        """One course."""
        return shown(forms.course_form(self._course(course)))

    def progress(self, course: str, user: str) -> Response:
        """How far one learner is; each reading brings a record that lags nearer to what happened."""
        found, learner = self._course(course), self._user(user)
        shown_now = forms.progress_form(self.twin.site, learner.id, found)
        standing = self.twin.site.standing(learner.id, found.id)
        standing.lag_reads = max(0, standing.lag_reads - 1)
        return shown(shown_now)

    def bulk_progress(self, course: str) -> Response:
        """How far all students are."""
        found = self._course(course)
        if not found.requirement_count():
            return plain(400, "no progress available because this course is not module based")
        site = self.twin.site
        students = [site.learners[one] for one in site.students_of(found.id)]
        return self._paged([forms.member_form(site, one, found) for one in students])

    def modules(self, course: str) -> Response:
        """The modules of a course: staff see those that are not published as well, and so does a service user."""
        found, include = self._course(course), set(request.args.getlist("include[]"))
        standing = self._standing(found)
        rows = [forms.module_form(standing, found, one, include) for one in found.modules]
        for row in rows:
            row["items_url"] = f"{self.twin.base_url()}/api/v1/courses/{found.id}/modules/{row['id']}/items"
        return self._paged(rows)

    def items(self, course: str, module: str) -> Response:
        """The items of one module."""
        found, include = self._course(course), set(request.args.getlist("include[]"))
        part: Module | None = next((one for one in found.modules if str(one.id) == module), None)
        if part is None:
            raise NoSuch
        standing = self._standing(found)
        return self._paged([forms.item_form(standing, found, part, item, include) for item in part.items])

    def enrolments(self, course: str) -> Response:
        """Enrolments in a course; without states those that are active or invited."""
        found, states = self._course(course), request.args.getlist("state[]") or ["active", "invited"]
        if set(states) - set(ENROLMENT_STATES):
            return plain(400, "invalid state")
        types, user = request.args.getlist("type[]"), request.args.get("user_id")
        learner = self._user(user).id if user else None
        rows = [
            forms.enrolment_form(self.twin.site, one)
            for one in self.twin.site.enrolments_in(found.id, learner)
            if one.state in states and (not types or one.type in types)
        ]
        return self._paged(rows)

    def submissions(self, course: str) -> Response:
        """What the named learners handed in, one for each assignment of the course."""
        found, include = self._course(course), set(request.args.getlist("include[]"))
        learners = [self._user(one).id for one in request.args.getlist("student_ids[]")]
        site = self.twin.site
        return self._paged(
            [
                forms.submission_form(learner, assignment, site.submission(learner, found.id, assignment), include)
                for learner in learners
                for assignment in found.assignments
            ]
        )

    def profile(self, user: str) -> Response:
        """A person's profile."""
        return shown(forms.profile_form(self._user(user)))

    def observers(self, user: str) -> Response:
        """Who observes a person."""
        known = self.twin.site.learners
        return self._paged([forms.user_form(known[one]) for one in self._user(user).observers if one in known])

    def custom_data(self, user: str, scope: str) -> Response:
        """What an integrator stored about a person, below a path of keys."""
        found: Any = self._user(user).custom_data.get(request.args.get("ns", ""))
        for key in scope.split("/"):
            found = found.get(key) if isinstance(found, dict) else None
        return plain(400, "no data for scope") if found is None else shown({"data": found})

    def courses(self, account: str) -> Response:
        """The courses of an account."""
        if account not in {"self", "1", "79"}:
            raise NoSuch
        states = request.args.getlist("state[]")
        rows = [one for one in self.twin.site.courses.values() if one.state != "deleted"]
        return self._paged([forms.course_form(one) for one in rows if not states or one.state in states])

    def enrol(self, course: str) -> Response:
        """Enrol, or put the existing enrolment of that section into the state asked for."""
        found = self._course(course)
        wish = _wish()
        if wish is None:
            return plain(400, "unknown or missing member of enrollment")
        if found.state == "completed":
            return plain(400, "Can't add an enrollment to a concluded course.")
        learner, section = self._user(wish["user_id"]), int(wish.get("course_section_id") or 0)
        state = wish.get("enrollment_state", "invited")
        made = self.twin.site.enrol(learner.id, found.id, section=section, state=state)
        return shown(forms.enrolment_form(self.twin.site, made))

    def _route(self, api: Blueprint, path: str, view: Callable[..., Response], known: set[str]) -> None:
        api.add_url_rule(path, view.__name__, self._guarded(view, known), methods=["GET"])

    def _guarded(self, view: Callable[..., Response], known: set[str] | None) -> Callable[..., Response]:
        def guarded(**places: str) -> Response:
            with self.twin.lock:
                refused = self.twin.access.refuse(request.headers.get("Authorization"), request.path)
                if refused is None and known is not None:
                    refused = _refuse_question(known)
                try:
                    response = refused or view(**places)
                except NoSuch:
                    response = error(404, _NOT_FOUND)
            standing = self.twin.rate.standing()
            left = 700.0 if standing.remaining is None else float(standing.remaining)
            response.headers["X-Request-Cost"] = "0.0214"
            response.headers["X-Rate-Limit-Remaining"] = str(left)
            return response

        return guarded

    def _paged(self, rows: list[Any]) -> Response:
        address = f"{self.twin.link_base or self.twin.base_url()}{request.path.removeprefix('/canvas')}"
        return paged(rows, address=address, cap=self.twin.page_cap)

    def _course(self, named: str) -> Course:
        found = self.twin.site.courses.get(_local(named))
        if found is None or found.state == "deleted":
            raise NoSuch
        return found

    def _user(self, named: str) -> Learner:
        found = self.twin.site.learners.get(_local(named))
        if found is None:
            raise NoSuch
        return found

    def _standing(self, course: Course) -> Standing | None:
        """Of the learner for whom the states of modules are asked."""
        named = request.args.get("student_id")
        return None if named is None else self.twin.site.standing(self._user(named).id, course.id)


def _local(named: str) -> int:
    return int(named) % SHARD_SIZE if named.isascii() and named.isdigit() else -1


def _refuse_question(known: set[str]) -> Response | None:
    """A body in a GET is refused by what stands before Canvas; a parameter that it does not know, only here."""
    if request.get_data():
        return Response("Bad request: GET with a body\n", status=403, content_type="text/html")
    unknown = set(request.args) - known
    return plain(400, f"unknown parameters: {', '.join(sorted(unknown))}") if unknown else None


def _wish() -> dict[str, str] | None:
    """The members of `enrollment` out of a form or JSON."""
    if request.is_json:
        document = request.get_json(silent=True)
        given = document.get("enrollment") if isinstance(document, dict) else None
    else:
        given = {key.removeprefix("enrollment[").removesuffix("]"): value for key, value in request.form.items()}
    known = {"user_id", "type", "enrollment_state", "course_section_id", "notify"}
    if not isinstance(given, dict) or set(given) - known or given.get("type") != "StudentEnrollment":
        return None
    return {key: str(value) for key, value in given.items()} if given.get("user_id") else None
