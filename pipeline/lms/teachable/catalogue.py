"""The school's courses and what is in one: it changes seldom, and a school may ask 100 times a minute in all."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

from marshmallow import Schema, fields

from pipeline import clock
from pipeline.courses import Course
from pipeline.lms.teachable.rest import PageSchema, Rest, WrappedSchema
from pipeline.reading import Lenient, Ref, Words

COURSES = "courses"
COURSE = "courses/{course}"

#: what was read of a course's structure is good for so long (contract, careful 7)
KEPT_FOR = timedelta(minutes=15)


class _CourseSchema(Lenient):
    id = Ref(required=True)
    name = Words(load_default="", allow_none=True)
    is_published = fields.Boolean(load_default=True, allow_none=True)


class _CoursesSchema(PageSchema):
    courses = fields.List(fields.Nested(_CourseSchema), required=True)


class _LectureSchema(Lenient):
    id = Ref(required=True)
    is_published = fields.Boolean(load_default=None, allow_none=True)


class _SectionSchema(Lenient):
    is_published = fields.Boolean(load_default=None, allow_none=True)
    lectures = fields.List(fields.Nested(_LectureSchema), load_default=list)


class _OutlineSchema(WrappedSchema):
    wrapper = "course"
    name = Words(load_default="", allow_none=True)
    lecture_sections = fields.List(fields.Nested(_SectionSchema), required=True)


class Structure:
    """What is in the courses of one account. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: dict[tuple[str, tuple[str, ...]], tuple[datetime, dict[str, Any]]] = {}

    def kept(self, rest: Rest, schema: Schema, path: str, **places: str) -> dict[str, Any]:
        """An object as it was read a while ago, or is read now; empty where there is none.

        Each is kept by itself: reading a long course may meet the limit, and has to go on from there, not begin anew.
        """
        name, now = (path, tuple(places.values())), clock.now()
        with self._lock:
            known = self._read.get(name)
        if known is not None and timedelta(0) <= now - known[0] < KEPT_FOR:
            return known[1]
        found = rest.maybe(schema, path, (), **places)
        if found is None:
            return {}
        with self._lock:
            self._read = {key: one for key, one in self._read.items() if now - one[0] < KEPT_FOR}
            self._read[name] = (now, found)
        return found


_KNOWN: dict[str, Structure] = {}
_KNOWN_LOCK = threading.Lock()


def structure(account: str) -> Structure:
    """What is known of this account, the same for all of the process: adapters come and go."""
    with _KNOWN_LOCK:
        return _KNOWN.setdefault(account, Structure())


def title(rest: Rest, known: Structure, course: str) -> str:
    """The course's name; empty where Teachable does not show the course."""
    return str(known.kept(rest, _OutlineSchema(), COURSE, course=course).get("name") or "")


def lectures(rest: Rest, known: Structure, course: str) -> list[str]:
    """The lectures that learners see; none where Teachable does not show the course."""
    sections = known.kept(rest, _OutlineSchema(), COURSE, course=course).get("lecture_sections", [])
    return [
        lecture["id"]
        for section in sections
        for lecture in section["lectures"]
        if section["is_published"] is not False and lecture["is_published"] is not False
    ]


def courses(rest: Rest) -> tuple[Course, ...]:
    """Every course. Whether one has a published lecture, and so can be completed, would cost a call for each."""
    return tuple(
        Course(
            ref=row["id"],
            code="",
            title=row["name"] or "",
            open=row["is_published"] is True,
            reason="" if row["is_published"] is True else "the course is not published",
        )
        for row in rest.every(_CoursesSchema(), "courses", COURSES)
    )
