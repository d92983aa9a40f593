"""Quizzes: the only scores there are, found lecture by lecture, with every learner's responses (contract 2.5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from marshmallow import fields

from pipeline.lms.teachable.catalogue import Structure, lectures
from pipeline.lms.teachable.rest import Rest, WrappedSchema
from pipeline.reading import Instant, Lenient, Points, Ref, Words, loaded
from pipeline.values import Attempt, Score

OF_LECTURE = "courses/{course}/lectures/{lecture}/quizzes"
QUIZ = "courses/{course}/lectures/{lecture}/quizzes/{quiz}"
RESPONSES = "courses/{course}/lectures/{lecture}/quizzes/{quiz}/responses"


class _OfLectureSchema(Lenient):
    quiz_ids = fields.List(Ref(), required=True)


class _QuizSchema(WrappedSchema):
    wrapper = "quiz"
    name = Words(load_default="", allow_none=True)


class _ResponsesSchema(WrappedSchema):
    """All learners' responses; only those of one are looked into, so that nobody else's can be in the way."""

    wrapper = "quiz_responses"
    graded = fields.Boolean(load_default=None, allow_none=True)
    lecture_name = Words(load_default="", allow_none=True)
    responses = fields.List(fields.Dict(), required=True)


class _ResponseSchema(Lenient):
    submitted_at = Instant(load_default=None, allow_none=True)
    percent_correct = Points(load_default=None, allow_none=True)


@dataclass(frozen=True, kw_only=True)
class _Response:
    percent: Decimal | None
    at: datetime | None


def scores(rest: Rest, known: Structure, learner: str, course: str) -> Iterator[Score]:
    """One score for each quiz that the lectures have, whether or not the learner answered it."""
    for lecture in lectures(rest, known, course):
        listed = known.kept(rest, _OfLectureSchema(), OF_LECTURE, course=course, lecture=lecture)
        for quiz in listed.get("quiz_ids", []):
            places = {"course": course, "lecture": lecture, "quiz": quiz}
            name = known.kept(rest, _QuizSchema(), QUIZ, **places).get("name")
            found = rest.maybe(_ResponsesSchema(), RESPONSES, **places)
            if found is not None:
                yield _score(name or found["lecture_name"] or f"quiz {quiz}", found, learner)


def _score(name: str, found: Mapping[str, Any], learner: str) -> Score:
    """The latest response counts, and without their order none does: no pass mark and no best is documented."""
    rows = [row for row in found["responses"] if str(row.get("student_id")) == learner]
    given = [_response(row, graded=found["graded"]) for row in rows]
    timed = [(one.at, one) for one in given if one.at is not None]
    if len(timed) < len(given) and len(given) > 1:
        return Score(item=name, percent=None)
    ordered = [one for _, one in sorted(timed, key=lambda pair: pair[0])] if timed else given
    return Score(
        item=name,
        percent=ordered[-1].percent if ordered else None,
        attempts=tuple(Attempt(number=place, percent=one.percent, at=one.at) for place, one in enumerate(ordered, 1)),
    )


def _response(row: Any, *, graded: bool | None) -> _Response:
    """One response. A share beyond 0 to 1 is on a scale that is not known, and no grade."""
    read = loaded(_ResponseSchema(), row, system="Teachable", what=RESPONSES)
    share: Decimal | None = read["percent_correct"]
    counts = share is not None and graded is not False and 0 <= share <= 1
    return _Response(percent=share * 100 if share is not None and counts else None, at=read["submitted_at"])
