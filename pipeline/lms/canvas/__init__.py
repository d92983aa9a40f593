"""Canvas: hears Live Events, signed or not, and reads back over the REST API (contract lms/canvas)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pipeline import clock
from pipeline.contracts import Account, Lms
from pipeline.courses import Course, EnrolmentState
from pipeline.errors import NotReady
from pipeline.lms.canvas import catalogue, enrolments, modules, records, submissions, supervisors
from pipeline.lms.canvas.access import CanvasClient, access
from pipeline.lms.canvas.live_events import Terms, hear_events
from pipeline.lms.canvas.options import CanvasSchema
from pipeline.lms.canvas.rest import API, SYSTEM, Rest
from pipeline.lms.canvas.signed import key_set
from pipeline.settings import settings
from pipeline.transport import OpenGate
from pipeline.values import Event, Fact, Learner, Record
from pipeline.webhook import Announcement, Request

#: where each fact is read
_SOURCES: Mapping[Fact, str] = {
    Fact.PROFILE: records.PROFILE,
    Fact.COMPLETION: records.PROGRESS,
    Fact.SCORES: submissions.SUBMISSIONS,
    Fact.ATTEMPTS: submissions.SUBMISSIONS,
    Fact.MODULES: modules.MODULES,
    Fact.TIME: enrolments.ENROLMENTS,
    Fact.HOLDS: enrolments.ENROLMENTS,
    Fact.PREREQUISITES: records.PROGRESS,
}
_ALWAYS = frozenset({Fact.PROFILE, Fact.COMPLETION})
_OF_ENROLMENTS = frozenset({Fact.SCORES, Fact.ATTEMPTS, Fact.TIME, Fact.HOLDS})
_OF_SUBMISSIONS = frozenset({Fact.SCORES, Fact.ATTEMPTS, Fact.MODULES})


class Canvas(Lms):
    """One Canvas site. A course is complete when every requirement of its modules is met; grades play no part."""

    name = "canvas"
    label = SYSTEM
    options = CanvasSchema
    provides = frozenset(Fact) - {Fact.CREDENTIALS}
    hears = "Live Events in Canvas format over HTTPS, signed as JWT (RS256) or behind a secret address"
    entrance = frozenset({"path", "basic"})
    sweep_every = timedelta(hours=1)

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        client = CanvasClient(
            system=self.label,
            base_url=account.options["site"],
            headers={"Accept": "application/json"},
            timeout=settings().call_timeout,
            gate=OpenGate(),
        )
        self.rest = Rest(client, access(client, account.options))

    @classmethod
    def supplies(cls, options: Mapping[str, Any]) -> frozenset[Fact]:
        return cls.provides if options.get("supervisor") else cls.provides - {Fact.SUPERVISOR}

    @classmethod
    def needs_entrance(cls, options: Mapping[str, Any]) -> frozenset[str]:
        return frozenset() if options.get("jwks") else cls.entrance

    def hear(self, request: Request) -> Announcement:
        options = self.account.options
        terms = Terms(
            keys=key_set(options["jwks"]) if options["jwks"] else None,
            root_account_uuid=options["root_account_uuid"],
            max_age=options["max_age"],
        )
        return hear_events(request, terms)

    def completions(self, *, course: str, since: datetime, known: frozenset[str]) -> Iterator[Event]:
        return catalogue.completions(self.rest, course, since)

    def courses(self) -> tuple[Course, ...]:
        return catalogue.courses(self.rest, self.account.options["account"])

    def enrol(self, *, learner: str, course: str) -> EnrolmentState:
        return enrolments.enrol(self.rest, learner, course)

    def record(self, *, learner: str, course: str, needs: frozenset[Fact], prerequisites: tuple[str, ...]) -> Record:
        rest = self.rest
        completed_at = records.completed_at(rest, learner, course)
        if completed_at is None:
            raise NotReady("Canvas does not show every requirement of the course's modules as met")
        about = records.about(rest, course)
        enrolled = enrolments.enrolments(rest, learner, course) if needs & _OF_ENROLMENTS else []
        handed_in = (
            submissions.submissions(rest, learner, course, history=Fact.ATTEMPTS in needs)
            if needs & _OF_SUBMISSIONS
            else []
        )
        scored = bool(needs & {Fact.SCORES, Fact.ATTEMPTS})
        total = (enrolments.total(enrolled, which=self.account.options["total"]),) if scored else ()
        return Record(
            learner=self._learner(learner, needs),
            course=course,
            course_code=about["course_code"] or "",
            course_title=about["name"] or "",
            completed_at=completed_at,
            read_at=clock.now(),
            sources={fact: f"GET {API}{path}" for fact, path in _SOURCES.items() if fact in needs | _ALWAYS},
            scores=(*submissions.scores(handed_in), *total) if scored else (),
            modules=modules.modules(rest, learner, course, handed_in) if Fact.MODULES in needs else (),
            prerequisites=tuple(records.prerequisite(rest, learner, other) for other in prerequisites),
            time_spent=enrolments.time_spent(enrolled) if Fact.TIME in needs else None,
            holds=enrolments.holds(enrolled) if Fact.HOLDS in needs else (),
        )

    def _learner(self, learner: str, needs: frozenset[Fact]) -> Learner:
        options, found = self.account.options, records.profile(self.rest, learner)
        if Fact.SUPERVISOR not in needs or options["supervisor"] is None:
            return found
        if options["supervisor"] == "observer":
            return replace(found, supervisor_email=supervisors.observer_email(self.rest, learner))
        namespace, field = options["supervisor_namespace"], options["supervisor_field"]
        email = supervisors.custom_data_email(self.rest, learner, namespace=namespace, field=field)
        return replace(found, supervisor_email=email)
