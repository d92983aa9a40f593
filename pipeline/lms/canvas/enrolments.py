"""Enrolments: the course score, time, what speaks against issuing, and how one is made (contract 2.6, 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from marshmallow import fields

from pipeline.courses import EnrolmentState
from pipeline.errors import Rejected
from pipeline.lms.canvas.rest import API, Rest
from pipeline.reading import Lenient, Points
from pipeline.values import Hold, Score

ENROLMENTS = "courses/{course}/enrollments"
#: the states there are; those in which a learner takes part come first, since a learner may have several
_STATES = ("active", "completed", "inactive", "invited", "creation_pending", "rejected", "deleted")
_HOLDS = {
    "completed": ("expired", "the enrolment is concluded in Canvas"),
    "inactive": ("suspended", "the enrolment is inactive in Canvas"),
    "invited": ("flagged", "the learner has not accepted the invitation to the course in Canvas"),
    "creation_pending": ("flagged", "the learner's Canvas account is not finished"),
    "rejected": ("flagged", "the learner declined the invitation to the course in Canvas"),
    "deleted": ("flagged", "the learner was taken out of the course in Canvas"),
}
#: a learner with one of these needs no other enrolment
_TAKES_PART = frozenset({"active", "invited", "creation_pending"})


class _GradesSchema(Lenient):
    current_score = Points(load_default=None, allow_none=True)
    final_score = Points(load_default=None, allow_none=True)


class _EnrolmentSchema(Lenient):
    enrollment_state = fields.String(required=True)
    total_activity_time = fields.Integer(load_default=None, allow_none=True, strict=True)
    grades = fields.Nested(_GradesSchema, load_default=dict, allow_none=True)


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """A learner in one section of a course. `current` leaves out ungraded work, `final` counts it as 0."""

    state: str
    seconds: int | None
    current: Decimal | None
    final: Decimal | None


def enrolments(rest: Rest, learner: str, course: str) -> list[Enrolment]:
    """Every enrolment as a student, whatever became of it; the one that counts comes first."""
    query = [("user_id", learner), ("type[]", "StudentEnrollment"), *(("state[]", state) for state in _STATES)]
    found = [
        Enrolment(
            state=row["enrollment_state"],
            seconds=row["total_activity_time"],
            current=(row["grades"] or {}).get("current_score"),
            final=(row["grades"] or {}).get("final_score"),
        )
        for row in rest.every(_EnrolmentSchema(), ENROLMENTS, query, course=course)
    ]
    return sorted(found, key=_rank)


def total(found: Sequence[Enrolment], *, which: str) -> Score:
    """The course score, `current` or `final`."""
    percent = (found[0].current if which == "current" else found[0].final) if found else None
    return Score(item="course total", percent=percent, total=True)


def time_spent(found: Sequence[Enrolment]) -> timedelta | None:
    """Canvas's activity time, the longest of a learner's sections: they may share it, so it is not added up."""
    seconds = [one.seconds for one in found if one.seconds is not None and one.seconds >= 0]
    return timedelta(seconds=min(max(seconds), 10**9)) if seconds else None


def holds(found: Sequence[Enrolment]) -> tuple[Hold, ...]:
    """What speaks against issuing, unless one enrolment is active.

    Raises:
        Rejected: there is none at all.
    """
    if not found:
        raise Rejected("Canvas says the learner was never a student of the course")
    if found[0].state == "active":
        return ()
    kind, reason = _HOLDS.get(found[0].state, ("flagged", "the enrolment has a state that is not known"))
    return (Hold(kind=kind, reason=reason, where=f"GET {API}{ENROLMENTS}"),)


def enrol(rest: Rest, learner: str, course: str) -> EnrolmentState:
    """Enrol as an active student, without a mail from Canvas.

    Canvas puts an enrolment that exists into the state asked for (contract 3), so it is asked first.

    Raises:
        Rejected: the learner's enrolment was suspended, concluded or declined.
    """
    left = [one.state for one in enrolments(rest, learner, course) if one.state != "deleted"]
    if not _TAKES_PART.isdisjoint(left):
        return EnrolmentState.EXISTED
    if left:
        reason = _HOLDS[left[0]][1] if left[0] in _HOLDS else "the enrolment has a state that is not known"
        raise Rejected(f"{reason}; it is not taken up again")
    form = {
        "enrollment[user_id]": learner,
        "enrollment[type]": "StudentEnrollment",
        "enrollment[enrollment_state]": "active",
        "enrollment[notify]": "false",
    }
    rest.post(ENROLMENTS, form, course=course)
    return EnrolmentState.MADE


def _rank(one: Enrolment) -> int:
    return _STATES.index(one.state) if one.state in _STATES else len(_STATES)
