"""Teachable: hears webhooks that prove nothing, and reads back over the API of version 1 (contract lms/teachable)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from marshmallow import Schema, fields

from pipeline import clock
from pipeline.contracts import Account, Lms
from pipeline.courses import Course, EnrolmentState
from pipeline.lms.teachable import catalogue, enrolments, quizzes, records
from pipeline.lms.teachable.limits import pause
from pipeline.lms.teachable.rest import API, Rest
from pipeline.lms.teachable.webhooks import hear_events
from pipeline.options import Address, Secret
from pipeline.settings import settings
from pipeline.transport import Client, OpenGate
from pipeline.values import Event, Fact, Record, Score
from pipeline.webhook import Announcement, Request

#: where each fact is read
_SOURCES: Mapping[Fact, str] = {
    Fact.PROFILE: records.USER,
    Fact.COMPLETION: records.PROGRESS,
    Fact.SCORES: quizzes.RESPONSES,
    Fact.ATTEMPTS: quizzes.RESPONSES,
    Fact.MODULES: records.PROGRESS,
    Fact.HOLDS: enrolments.ENROLMENTS,
    Fact.PREREQUISITES: records.USER,
}
_ALWAYS = frozenset({Fact.PROFILE, Fact.COMPLETION})


class TeachableSchema(Schema):
    """One school."""

    key = Secret(required=True)
    api = Address(load_default="https://developers.teachable.com")
    #: whether the school's quizzes are known to keep every response of a learner, not only the last (contract 2.5)
    keeps_responses = fields.Boolean(load_default=False)


class Teachable(Lms):
    """One school. A course is complete at 100 % of its published lectures; quizzes play no part (contract 4)."""

    name = "teachable"
    label = "Teachable"
    options = TeachableSchema
    provides = _ALWAYS | {
        Fact.SCORES, Fact.ATTEMPTS, Fact.MODULES, Fact.HOLDS, Fact.PREREQUISITES, Fact.CLAIM,
    }  # fmt: skip
    hears = "webhook `Enrollment.completed` behind a secret address"
    entrance = frozenset({"path"})
    #: a sweep reads every enrolment of a course, 20 in a call, of 10,000 calls a month (contract 2.1)
    sweep_every = timedelta(hours=6)

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self.rest = Rest(
            Client(
                system=self.label,
                base_url=account.options["api"],
                headers={"apiKey": account.options["key"], "Accept": "application/json"},
                timeout=settings().call_timeout,
                gate=OpenGate(),
                pause=pause,
            )
        )
        self.structure = catalogue.structure(account.name)

    @classmethod
    def supplies(cls, options: Mapping[str, Any]) -> frozenset[Fact]:
        return cls.provides if options.get("keeps_responses") else cls.provides - {Fact.ATTEMPTS}

    def hear(self, request: Request) -> Announcement:
        return hear_events(request)

    def completions(self, *, course: str, since: datetime, known: frozenset[str]) -> Iterator[Event]:
        return enrolments.completions(self.rest, course, since)

    def courses(self) -> tuple[Course, ...]:
        return catalogue.courses(self.rest)

    def enrol(self, *, learner: str, course: str) -> EnrolmentState:
        return enrolments.enrol(self.rest, learner, course)

    def record(self, *, learner: str, course: str, needs: frozenset[Fact], prerequisites: tuple[str, ...]) -> Record:
        rest = self.rest
        completed_at, modules = records.completion(rest, learner, course, lectures=Fact.MODULES in needs)
        person = records.person(rest, learner)
        own = person.taken(course)
        return Record(
            learner=person.learner,
            course=course,
            course_code="",
            course_title=own.title if own and own.title else catalogue.title(rest, self.structure, course),
            completed_at=completed_at,
            read_at=clock.now(),
            sources={fact: f"GET {API}{path}" for fact, path in _SOURCES.items() if fact in needs | _ALWAYS},
            scores=self._scores(learner, course, needs),
            modules=modules,
            prerequisites=tuple(records.prerequisite(person, other) for other in prerequisites),
            holds=enrolments.holds(rest, person, course) if Fact.HOLDS in needs else (),
        )

    def _scores(self, learner: str, course: str, needs: frozenset[Fact]) -> tuple[Score, ...]:
        if not needs & {Fact.SCORES, Fact.ATTEMPTS}:
            return ()
        found = quizzes.scores(self.rest, self.structure, learner, course)
        return tuple(found if Fact.ATTEMPTS in needs else (replace(one, attempts=()) for one in found))
