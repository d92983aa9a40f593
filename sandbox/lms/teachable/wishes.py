"""What may be asked of this twin: the shapes of the control bodies, courses made of them, a standing changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.lms.teachable.deliveries import SEND
from sandbox.lms.teachable.school import Course, Enrolment, Lecture, Quiz, Response, School, instant, moment
from sandbox.lms.twin import require_both
from sandbox.shapes import (
    Check,
    Field,
    Problem,
    Refused,
    any_text,
    count,
    either,
    email,
    flag,
    listing,
    mapping,
    may,
    need,
    one_of,
    structure,
    text,
)


def _when(value: Any, at: str) -> list[Problem]:
    try:
        moment(value)
    except (TypeError, ValueError):
        return [Problem(at, "must be an instant with its timezone")]
    return []


def positive(value: Any, at: str) -> list[Problem]:
    """A whole number above 0."""
    return count(value, at) or ([] if value else [Problem(at, "must be above 0")])


def _percent(value: Any, at: str) -> list[Problem]:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100
    return [] if good else [Problem(at, "must be a percentage, such as 86.5")]


_QUIZ: Check = structure({"id": may(count), "name": need(text, nullable=True), "graded": may(flag)})
_MODULE: Check = structure(
    {
        "id": may(count),
        "name": need(text),
        "section": may(text),
        "is_published": may(flag),
        "quizzes": may(listing(_QUIZ)),
    }
)
COURSE: Check = structure(
    {"id": need(count), "name": need(text), "is_published": may(flag), "modules": may(listing(_MODULE))}
)
LEARNER: Check = structure(
    {
        "id": need(count),
        "name": need(any_text),
        "email": need(email),
        "src": may(text, nullable=True),
        "phone_number": may(text, nullable=True),
    }
)
ENROLMENT: Check = structure(
    {
        "learner": need(count),
        "course": need(count),
        "active": may(flag),
        "enrolled_at": may(_when),
        "expires_at": may(_when, nullable=True),
    }
)
#: of a quiz: one percentage, or several in order, or each with its time
_RESPONSE: Check = structure({"percent": need(_percent), "submitted_at": may(_when)})
_RESPONSES: Check = either(_percent, listing(either(_percent, _RESPONSE)))
_PROGRESS: Mapping[str, Field] = {
    "learner": need(count),
    "course": need(count),
    "score": may(_percent),
    "quizzes": may(mapping(_RESPONSES)),
    "modules": may(mapping(one_of(("complete", "incomplete")))),
    "lag_reads": may(count),
    "reset": may(flag),  # an administrator takes all progress back
}
PROGRESS: Check = structure(_PROGRESS)
COMPLETE: Check = structure({**_PROGRESS, "completed_at": may(_when), "send": may(SEND)})
_SETTINGS: Mapping[str, Field] = {
    "key": may(text),
    "page_cap": may(positive),
    "wraps_user": may(flag),
    "wraps_responses": may(flag),
    "names_course": may(one_of(("name", "course_name"))),
    "plan_has_api": may(flag),
    "array_payloads": may(flag),
}
SETTINGS: Check = structure(_SETTINGS)
SETTING_NAMES = tuple(_SETTINGS)


def course_from(body: Mapping[str, Any]) -> Course:
    """The course that a checked body describes. Ids that it leaves out are made of the course's."""
    modules = body.get("modules", [{"name": "Intro"}, {"name": "Test", "quizzes": [{"name": "Final quiz"}]}])
    return Course(
        id=body["id"],
        name=body["name"],
        is_published=body.get("is_published", True),
        lectures=tuple(_lecture(body["id"], number, one) for number, one in enumerate(modules, 1)),
    )


def _lecture(course: int, number: int, body: Mapping[str, Any]) -> Lecture:
    id_ = body.get("id", course * 1000 + number)
    return Lecture(
        id=id_,
        name=body["name"],
        section=body.get("section", "Week 1"),
        is_published=body.get("is_published", True),
        quizzes=tuple(
            Quiz(id=one.get("id", id_ * 10 + place), name=one["name"], graded=one.get("graded", True))
            for place, one in enumerate(body.get("quizzes", []), 1)
        ),
    )


def seed() -> tuple[Course, ...]:
    """The courses that every school has."""
    exam = {"name": "Exam", "section": "Week 2", "quizzes": [{"name": "Final quiz"}]}
    return tuple(
        course_from({"id": id_, "name": name, "modules": [*({"name": lecture} for lecture in lectures), exam]})
        for id_, name, lectures in (
            (1886748, "Fire Safety", ("Intro", "Extinguishers", "Ways out")),
            (1886749, "Food Hygiene", ("Washing hands", "The cold chain")),
        )
    )


def existing(school: School, body: Mapping[str, Any]) -> Course:
    """The course that a body names, whose learner is there as well.

    Raises:
        Refused: there is none of that id.
    """
    require_both(body, school.learners, school.courses)
    return school.courses[body["course"]]


def apply(enrolment: Enrolment, course: Course, body: Mapping[str, Any]) -> None:
    """Change a standing. `score` answers every quiz that is not named. A completion stays whatever else changes.

    Raises:
        Refused: a quiz or a lecture is not of the course.
    """
    if body.get("reset"):
        enrolment.completed_at, enrolment.lectures, enrolment.responses = None, set(), {}
    for named, state in body.get("modules", {}).items():
        lecture = course.lecture(named)
        if lecture is None:
            raise Refused([Problem(f"modules.{named}", "is no lecture of the course")])
        (enrolment.lectures.add if state == "complete" else enrolment.lectures.discard)(lecture.id)
    wishes = {} if "score" not in body else {str(quiz.id): body["score"] for quiz in course.quizzes()}
    for named, given in body.get("quizzes", {}).items():
        found = next((one for one in course.quizzes() if named in {str(one.id), one.name}), None)
        if found is None:
            raise Refused([Problem(f"quizzes.{named}", "is no quiz of the course")])
        wishes[str(found.id)] = given
    for named, given in wishes.items():
        rows = given if isinstance(given, list) else [given]
        enrolment.responses[int(named)] = [_response(place, one) for place, one in enumerate(rows)]
    enrolment.lag_reads = body.get("lag_reads", enrolment.lag_reads)


def _response(place: int, given: Any) -> Response:
    body = given if isinstance(given, Mapping) else {"percent": given}
    submitted_at = instant(moment(body.get("submitted_at", f"2026-09-{1 + place:02}T10:00:00Z")))
    return Response(correct=body["percent"] / 100, submitted_at=submitted_at)
