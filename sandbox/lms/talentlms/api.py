"""The API, version 1: arguments as pairs in the path, HTTP Basic with the key as user (contract 2.2 to 4)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import Blueprint, jsonify, request
from werkzeug.wrappers import Response

from sandbox.plain_answers import proxy_page

if TYPE_CHECKING:
    from sandbox.lms.talentlms import TalentLms


#: calls in an hour on a small plan (contract 2.1)
HOURLY = 2000


class Wrong(Exception):
    """A call that the API refuses, with the status and the message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def error(status: int, message: str) -> Response:
    """An error in the vendor's form."""
    kind = "api_error" if status >= 500 else "invalid_request_error"
    document = {"error": {"type": kind, "message": message}}
    return Response(json.dumps(document), status=status, content_type="application/json")


class Api:
    """The routes of one portal."""

    def __init__(self, twin: TalentLms) -> None:
        self.twin = twin

    def blueprint(self) -> Blueprint:
        """All routes."""
        api = Blueprint("talentlms", __name__, url_prefix="/talentlms/api/v1")
        for path, view, method in (
            ("/users/<pairs>", self.user, "GET"),
            ("/courses", self.courses, "GET"),
            ("/courses/<pairs>", self.course, "GET"),
            ("/getuserstatusincourse/<pairs>", self.standing, "GET"),
            ("/addusertocourse", self.add_user, "POST"),
            ("/ratelimit", self.rate_limit, "GET"),
        ):
            api.add_url_rule(path, view.__name__, self._guarded(view), methods=[method])
        return api

    def user(self, pairs: str) -> Any:
        """One user."""
        return self.twin.portal.user_form(self._user(_arguments(pairs, "id")["id"]))

    def courses(self) -> Any:
        """All courses."""
        return [self.twin.portal.course_form(one, whole=False) for one in self.twin.portal.courses.values()]

    def course(self, pairs: str) -> Any:
        """One course with its learners and units."""
        return self.twin.portal.course_form(self._course(_arguments(pairs, "id")["id"]), whole=True)

    def standing(self, pairs: str) -> Any:
        """A learner in a course."""
        said = _arguments(pairs, "course_id", "user_id")
        learner, course = self._user(said["user_id"]), self._course(said["course_id"])
        standing = self.twin.portal.standings.get((learner.id, course.id))
        if standing is None:
            raise Wrong(400, "The requested user is not enrolled in the requested course")
        return self.twin.portal.standing_form(course, standing)

    def add_user(self) -> Any:
        """Enrol."""
        unknown = set(request.form) - {"user_id", "course_id", "role"}
        if unknown or {"user_id", "course_id"} - set(request.form):
            raise Wrong(400, "A required parameter is missing or a parameter is not known")
        learner, course = self._user(request.form["user_id"]), self._course(request.form["course_id"])
        if (learner.id, course.id) in self.twin.portal.standings:
            raise Wrong(400, "The requested user is already enrolled in the requested course")
        role = request.form.get("role", "learner")
        self.twin.portal.enrol(learner.id, course.id, role)
        return [{"user_id": str(learner.id), "course_id": str(course.id), "role": role}]

    def rate_limit(self) -> Any:
        """The calls that are left in this hour; asking is not one of them."""
        return {
            "limit": str(HOURLY),
            "remaining": self.twin.remaining,
            "reset": str(int(time.time()) + self.twin.reset_in),
            "formatted_reset": "",
        }

    def _user(self, ref: str) -> Any:
        return _known(self.twin.portal.learners, ref, "user")

    def _course(self, ref: str) -> Any:
        return _known(self.twin.portal.courses, ref, "course")

    def _guarded(self, view: Callable[..., Any]) -> Callable[..., Response]:
        """The view for those who show the key; anybody else gets a page, as of a portal that is not there."""

        def guarded(**places: str) -> Response:
            shown = request.authorization
            named = shown is not None and (shown.type, shown.username, shown.password) == ("basic", self.twin.key, "")
            if not named:
                return proxy_page(401)
            try:
                with self.twin.lock:
                    response: Response = jsonify(view(**places))
                    return response
            except Wrong as wrong:
                return error(wrong.status, str(wrong))

        return guarded


def _arguments(pairs: str, *names: str) -> dict[str, str]:
    said = dict(pair.partition(":")[::2] for pair in pairs.split(","))
    if set(said) != set(names):
        raise Wrong(400, f"Expected the parameters {', '.join(names)}")
    return said


def _known(among: dict[int, Any], ref: str, kind: str) -> Any:
    found = among.get(int(ref)) if ref.isascii() and ref.isdigit() else None
    if found is None:
        raise Wrong(404, f"The requested {kind} does not exist")
    return found
