"""What may be asked of the Moodle site by a test: the shapes of the bodies of its control API."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.moodle import ATTEMPT_STATES, BY_HAND, STATES
from sandbox.moodle_senders import SEND
from sandbox.shapes import (
    Check,
    Field,
    Problem,
    any_text,
    count,
    email,
    flag,
    listing,
    mapping,
    may,
    need,
    number,
    one_of,
    structure,
    text,
)


def _percent(value: Any, at: str) -> list[Problem]:
    try:
        good = not isinstance(value, bool) and 0 <= Decimal(str(value)) <= 1000
    except InvalidOperation:
        good = False
    return [] if good else [Problem(at, "must be a percentage, such as 91.5")]


LEARNER: Check = structure(
    {
        "id": need(count),
        "name": may(text),
        "firstname": may(any_text),
        "lastname": may(any_text),
        "email": need(email),
        "username": may(text),
        "supervisor_email": may(email, nullable=True),
        "idnumber": may(any_text, nullable=True),
        "suspended": may(flag),
        "fields": may(mapping(any_text)),
    }
)
LEARNERS: Check = structure({"learners": need(listing(LEARNER))})
COURSE: Check = structure(
    {
        "id": need(count),
        "shortname": need(text),
        "fullname": need(text),
        "idnumber": may(any_text),
        "modules": may(listing(structure({"cmid": need(count), "modname": need(text), "name": need(text)}))),
        "prerequisites": may(listing(count)),
        "enablecompletion": may(flag),
        "has_criteria": may(flag),
        "visible": may(flag),
        "grade_max": may(number),
        "manual_enrolment": may(flag),
    }
)
ENROLMENT: Check = structure(
    {"learner": need(count), "course": need(count), "suspended": may(flag), "enrolled": may(flag)}
)
SITE: Check = structure(
    {
        "name": may(text),
        "token": may(text),
        "functions": may(listing(text), nullable=True),
        "web_services": may(flag),
        "debug": may(flag),
        "before_51": may(flag),
    }
)
_ATTEMPT: Check = structure(
    {"score": need(_percent, nullable=True), "seconds": need(count), "state": may(one_of(ATTEMPT_STATES))}
)
_STANDING: dict[str, Field] = {
    "learner": need(count),
    "course": need(count),
    "score": may(_percent, nullable=True),
    "total": may(_percent, nullable=True),
    "scores": may(mapping(_percent)),
    "attempts": may(mapping(listing(_ATTEMPT))),
    "completed_at": may(count),
    "modules": may(mapping(one_of((*STATES, *BY_HAND)))),
    "overridden": may(flag),
    "lag_ms": may(count),
    "lag_reads": may(count),
    "grade_lag_reads": may(count),
    "needs_update_reads": may(count),
}
PROGRESS: Check = structure(_STANDING)
COMPLETE: Check = structure({**_STANDING, "completed": may(flag), "send": may(SEND, nullable=True)})
COMPLETE_MANY: Check = structure(
    {"completions": need(listing(COMPLETE)), "parallel": may(count), "send": may(SEND, nullable=True)}
)
RESEND: Check = structure({"objectid": need(count), "send": need(SEND)})
