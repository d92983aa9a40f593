"""Who is in a course: the sweep for completions, what stands behind "not enrolled", and enrolling (1.6, 2.8, 3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from pipeline import clock
from pipeline.courses import EnrolmentState
from pipeline.errors import Rejected
from pipeline.lms.moodle import records
from pipeline.lms.moodle.services import NotEnrolled, Services
from pipeline.values import Event

ENROLLED = "core_enrol_get_enrolled_users"
#: learners in one answer: without a limit Moodle writes out a whole course at once
_PAGE = 100


def enrolled(services: Services, course: str, *, which: str) -> Iterator[str]:
    """The learners of a course, each once. `which` is `onlyactive` or `onlysuspended`.

    A page may be short because the service account may not see everybody on it, so only an empty one is the last.
    """
    options = {which: 1, "limitnumber": _PAGE, "sortby": "id"}
    seen: set[str] = set()
    start = 0
    while True:
        form: dict[str, object] = {"courseid": course}
        for place, (name, value) in enumerate({**options, "limitfrom": start}.items()):
            form |= {f"options[{place}][name]": name, f"options[{place}][value]": value}
        page = [str(row["id"]) for row in services.listing(ENROLLED, **form)]
        if not set(page) - seen:
            return
        yield from (ref for ref in dict.fromkeys(page) if ref not in seen)
        seen.update(page)
        start += _PAGE


def completions(services: Services, course: str, *, since: datetime, known: frozenset[str]) -> Iterator[Event]:
    """The completions of a course: Moodle has to be asked learner by learner, so that known ones are passed over.

    The row's id, which is the key of the webhook's event, is in no answer (contract 1.6).
    """
    for learner in enrolled(services, course, which="onlyactive"):
        if learner in known:
            continue
        try:
            at = records.completed_at(services, learner, course)
        except NotEnrolled:
            continue  # left meanwhile
        # one without a time was imported: how old it is nobody can tell, so that only a webhook announces it
        if at is not None and at >= max(since, records.EPOCH + timedelta(seconds=1)):
            key = f"completed:{course}:{learner}:{int(at.timestamp())}"
            yield Event(key=key, learner=learner, course=course, occurred_at=min(at, clock.now()), swept=True)


def enrol(services: Services, learner: str, course: str, *, role: int) -> EnrolmentState:
    """Enrol by hand, unless there is an enrolment: a call would re-activate a suspended one and drop its end (3).

    Raises:
        Rejected: an enrolment exists and is suspended or over, or Moodle refuses learner or course.
    """
    if any(str(row["id"]) == course for row in services.listing("core_enrol_get_users_courses", userid=learner)):
        return EnrolmentState.EXISTED
    refuse_suspended(services, learner, course)
    fields = {"roleid": role, "userid": learner, "courseid": course}
    services.change("enrol_manual_enrol_users", **{f"enrolments[0][{name}]": value for name, value in fields.items()})
    return EnrolmentState.MADE


def refuse_suspended(services: Services, learner: str, course: str) -> None:
    """Tell a suspended enrolment from none at all, which the error code does not (contract 2.2).

    Raises:
        Rejected: the learner has an enrolment that is not active.
    """
    if learner in enrolled(services, course, which="onlysuspended"):
        raise Rejected("the learner's enrolment is suspended or over in Moodle; it is not changed from here")
