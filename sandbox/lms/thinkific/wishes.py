"""What may be asked of this twin: the shapes of the control bodies, and an enrolment changed as one asks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sandbox.lms.thinkific.site import Course, Enrolment, Part, Site, instant
from sandbox.lms.thinkific.webhooks import SEND
from sandbox.lms.twin import require_both
from sandbox.shapes import (
    Check,
    Field,
    Problem,
    Refused,
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

GRAPHQL_CODES = ("RATE_LIMITED", "MAX_QUERY_COST_EXCEEDED", "INTERNAL_SERVER_ERROR", "FORBIDDEN", "")


def _share(value: Any, at: str) -> list[Problem]:
    good = not number(value, at) and 0 <= value <= 1
    return [] if good else [Problem(at, "must be a share of the course, from 0 to 1")]


def _percent(value: Any, at: str) -> list[Problem]:
    try:
        good = not isinstance(value, bool) and 0 <= float(value) <= 100
    except (TypeError, ValueError):
        good = False
    return [] if good else [Problem(at, "must be a percentage, such as 86.5")]


def _moment(value: Any, at: str) -> list[Problem]:
    try:
        good = isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        good = False
    return [] if good else [Problem(at, "must be an instant such as 2026-10-01T19:20:05Z")]


_PART: Check = structure({"id": may(count), "name": need(text)})
#: how a quiz was answered; without `finished` it is
_ANSWERS: Check = structure(
    {"attempts": may(count), "correct": need(count), "incorrect": need(count), "finished": may(flag)}
)
_STANDING: Mapping[str, Field] = {
    "learner": need(count),
    "course": need(count),
    "score": may(_percent),
    "quizzes": may(mapping(_ANSWERS)),
    "modules": may(mapping(one_of(("complete", "incomplete")))),
    "percentage": may(_share),
    "lag_reads": may(count),
}
LEARNER: Check = structure(
    {"id": need(count), "name": need(any_text), "email": need(email), "custom_fields": may(mapping(any_text))}
)
COURSE: Check = structure(
    {
        "id": need(count),
        "name": need(text),
        "slug": may(text),
        "modules": may(listing(_PART)),
        "quizzes": may(listing(_PART)),
    }
)
ENROLMENT: Check = structure(
    {
        "learner": need(count),
        "course": need(count),
        "free_trial": may(flag),
        "expired": may(flag),
        "again": may(flag),  # a further row beside the one that exists
    }
)
PROGRESS: Check = structure(_STANDING)
COMPLETE: Check = structure({**_STANDING, "completed_at": may(_moment), "send": may(SEND)})
SETTINGS: Check = structure(
    {
        "key": may(text),
        "subdomain": may(text),
        "token": may(text),
        "tenant_id": may(text),
        "page_cap": may(count),
        "whole_days": may(flag),  # `updated_after` compares days, not instants
        "graphql_error": may(one_of(GRAPHQL_CODES)),
        "graphql_reset": may(text),
    }
)


def existing(site: Site, body: Mapping[str, Any]) -> tuple[int, Course]:
    """The learner's id and the course that a body names.

    Raises:
        Refused: there is none of that id.
    """
    require_both(body, site.learners, site.courses)
    return body["learner"], site.courses[body["course"]]


def apply(site: Site, enrolment: Enrolment, course: Course, body: Mapping[str, Any]) -> None:
    """Change an enrolment. `score` hands in every quiz that is not named, with so many of 1000 right answers.

    Raises:
        Refused: a quiz or a chapter is not of the course.
    """
    named = {_of(course.quizzes, name, "quizzes"): how for name, how in body.get("quizzes", {}).items()}
    if "score" in body:
        right = round(float(body["score"]) * 10)
        even = {"correct": right, "incorrect": 1000 - right}
        named = {**{quiz: even for quiz in course.quizzes if quiz not in named}, **named}
    for quiz, how in named.items():
        site.hand_in(enrolment.learner, course.id, quiz, **how)
    for name, state in body.get("modules", {}).items():
        chapter = _of(course.chapters, name, "modules").id
        (enrolment.done.add if state == "complete" else enrolment.done.discard)(chapter)
        enrolment.share = len(enrolment.done) / len(course.chapters)
    enrolment.share = body.get("percentage", enrolment.share)
    enrolment.completed_at = enrolment.completed_at if enrolment.share >= 1 else None
    enrolment.lag_reads = body.get("lag_reads", enrolment.lag_reads)
    enrolment.updated_at = instant()


def _of(parts: tuple[Part, ...], named: str, member: str) -> Part:
    found = next((one for one in parts if named in {str(one.id), one.name}), None)
    if found is None:
        raise Refused([Problem(f"{member}.{named}", "is not of the course")])
    return found
