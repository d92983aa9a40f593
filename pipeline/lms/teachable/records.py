"""A learner's record out of Teachable's API: the person, their courses, progress, lectures (contract 2.2, 2.4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marshmallow import fields

from pipeline.errors import NotReady
from pipeline.lms.teachable.rest import PageSchema, Rest, WrappedSchema
from pipeline.reading import Instant, Lenient, Ref, Words
from pipeline.values import Learner, Module, ModuleState, Prerequisite, PrerequisiteState

USER = "users/{learner}"
PROGRESS = "courses/{course}/progress"


class _RowSchema(Lenient):
    course_id = Ref(required=True)
    #: the name has either key (contract 2.2)
    course_name = Words(load_default="", allow_none=True)
    name = Words(load_default="", allow_none=True)
    enrolled_at = Instant(load_default=None, allow_none=True)
    completed_at = Instant(load_default=None, allow_none=True)
    is_active_enrollment = fields.Boolean(load_default=None, allow_none=True)


class _UserSchema(WrappedSchema):
    wrapper = "user"
    id = Ref(required=True)
    email = Words(load_default="", allow_none=True)
    name = Words(load_default="", allow_none=True)
    src = Words(load_default=None, allow_none=True)
    courses = fields.List(fields.Nested(_RowSchema), required=True)


class _LectureSchema(Lenient):
    id = Ref(required=True)
    name = Words(load_default="", allow_none=True)
    is_completed = fields.Boolean(required=True, allow_none=True)


class _SectionSchema(Lenient):
    name = Words(load_default="", allow_none=True)
    lectures = fields.List(fields.Nested(_LectureSchema), required=True)


class _StandingSchema(Lenient):
    completed_at = Instant(required=True, allow_none=True)
    lecture_sections = fields.List(fields.Nested(_SectionSchema), required=True)


class _ProgressSchema(PageSchema):
    course_progress = fields.Nested(_StandingSchema, required=True)


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A course as the person's own list has it. `active` is None where Teachable does not tell."""

    course: str
    title: str
    active: bool | None
    enrolled_at: datetime | None
    completed_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Person:
    """A user with every course of theirs."""

    learner: Learner
    courses: tuple[Taken, ...]

    def taken(self, course: str) -> Taken | None:
        """The person's row of a course; of several, one that is active."""
        rows = [one for one in self.courses if one.course == course]
        return next((one for one in rows if one.active), rows[0] if rows else None)


def person(rest: Rest, learner: str) -> Person:
    """The person. Teachable has no word for a locked account."""
    found = rest.one(_UserSchema(), USER, learner=learner)
    return Person(
        learner=Learner(
            ref=learner, name=found["name"] or "", email=found["email"] or "", sis_id=found["src"] or None
        ),
        courses=tuple(
            Taken(
                course=row["course_id"],
                title=row["course_name"] or row["name"] or "",
                active=row["is_active_enrollment"],
                enrolled_at=row["enrolled_at"],
                completed_at=row["completed_at"],
            )
            for row in found["courses"]
        ),
    )


def completion(rest: Rest, learner: str, course: str, *, lectures: bool) -> tuple[datetime, tuple[Module, ...]]:
    """When the learner completed the course and, where asked for, each lecture.

    A lecture that was added later is not completed, and the completion stays (contract, careful 6).

    Raises:
        NotReady: not completed. Rejected: the learner is not in the course.
    """
    pages = rest.pages(_ProgressSchema(), PROGRESS, _lectures, [("user_id", learner)], course=course)
    first = next(pages)
    completed_at: datetime | None = first["course_progress"]["completed_at"]
    if completed_at is None:
        raise NotReady("Teachable does not show the course as completed by the learner")
    modules = tuple(_modules(first)) if lectures else ()
    for page in pages if lectures else ():
        modules += tuple(_modules(page))
    return completed_at, modules


def prerequisite(found: Person, course: str) -> Prerequisite:
    """Another course. Where the person's list does not have it, nothing is said against them: unclear."""
    rows = [one for one in found.courses if one.course == course]
    if not rows:
        reason = "Teachable does not list the course among the learner's"
        return Prerequisite(course=course, state=PrerequisiteState.UNCLEAR, reason=reason)
    met = any(one.completed_at is not None for one in rows)
    return Prerequisite(course=course, state=PrerequisiteState.MET if met else PrerequisiteState.UNMET)


def _lectures(page: dict[str, Any]) -> list[Any]:
    """The rows by which progress is paged: lectures, whatever sections they are in (contract 2.1)."""
    return [lecture for section in page["course_progress"]["lecture_sections"] for lecture in section["lectures"]]


def _modules(page: dict[str, Any]) -> Iterable[Module]:
    for section in page["course_progress"]["lecture_sections"]:
        for lecture in section["lectures"]:
            named = ": ".join(part for part in (section["name"], lecture["name"]) if part)
            state = ModuleState.COMPLETE if lecture["is_completed"] else ModuleState.INCOMPLETE
            yield Module(ref=lecture["id"], name=named or lecture["id"], state=state)
