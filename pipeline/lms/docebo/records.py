"""A learner's record out of an enrolment: completion, score, time, holds; and of others, prerequisites."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from pipeline import clock
from pipeline.errors import NotReady, Rejected
from pipeline.lms.docebo.enrolments import ENROLMENTS, Enrolment, Status, is_learner
from pipeline.values import Hold, Prerequisite, PrerequisiteState, Score

#: `enrollment_score` is taken for a percentage; no page says so (contract 2.4)
_FULL = Decimal(100)
_WHERE = f"GET {ENROLMENTS}"


def require_completed(found: Enrolment | None) -> Enrolment:
    """The enrolment of a learner who has completed the course.

    Raises:
        NotReady: not yet, or not shown yet.
        Rejected: there is no enrolment that could become one, or a status says nothing that is known.
    """
    if found is None:
        raise Rejected("Docebo shows no enrolment of the learner in the course")
    if not is_learner(found):
        raise Rejected("Docebo shows the user enrolled as other than a learner")
    if found["enrollment_status"] is Status.SUSPENDED:
        raise Rejected("the enrolment is suspended in Docebo")
    if found["enrollment_status"] is Status.UNKNOWN:
        raise Rejected("the enrolment has a status in Docebo that is not known")
    if found["enrollment_status"] is not Status.COMPLETED:
        raise NotReady("Docebo does not show the course as completed")
    if found["enrollment_completion_date"] is None:
        raise NotReady("Docebo does not show yet when the course was completed")
    return found


def total(found: Enrolment) -> Score:
    """The course score, which is the only one that Docebo tells.

    Raises:
        Rejected: it can be no percentage.
    """
    percent: Decimal | None = found["enrollment_score"]
    if percent is not None and not 0 <= percent <= _FULL:
        raise Rejected("the course's score in Docebo is not between 0 and 100, so it is no percentage")
    return Score(item="course total", percent=percent, total=True)


def time_spent(found: Enrolment) -> timedelta | None:
    """The time in the course; seconds, though no page says so (contract 2.6)."""
    seconds: int | None = found["enrollment_time_spent"]
    return None if seconds is None else timedelta(seconds=seconds)


def holds(found: Enrolment) -> tuple[Hold, ...]:
    """An enrolment whose dates of validity leave out the present (contract 2.6)."""
    begin, end = found["enrollment_validity_begin_datetime"], found["enrollment_validity_end_datetime"]
    now, made = clock.now(), []
    if begin is not None and begin > now:
        made.append(Hold(kind="flagged", reason="the enrolment is not valid yet in Docebo", where=_WHERE))
    if end is not None and end <= now:
        made.append(Hold(kind="expired", reason="the enrolment's validity in Docebo has ended", where=_WHERE))
    return tuple(made)


def prerequisite(course: str, found: Mapping[str, Enrolment]) -> Prerequisite:
    """Another course, out of the learner's enrolments in several.

    Without an enrolment the token's user may just not see it, and completed ones are removed: unclear.
    """
    status = found[course]["enrollment_status"] if course in found else None
    if status is None:
        state, reason = PrerequisiteState.UNCLEAR, "Docebo shows no enrolment of the learner in that course"
    elif status is Status.UNKNOWN:
        state, reason = PrerequisiteState.UNCLEAR, "the enrolment has a status in Docebo that is not known"
    elif status is Status.COMPLETED and is_learner(found[course]):
        state, reason = PrerequisiteState.MET, ""
    else:
        state, reason = PrerequisiteState.UNMET, f"the enrolment in Docebo is {status}"
    return Prerequisite(course=course, state=state, reason=reason)
