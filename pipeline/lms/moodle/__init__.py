"""Moodle: hears the plug-ins that announce completions, reads back over web services (contract lms/moodle)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from marshmallow import Schema, fields, validate

from pipeline import clock
from pipeline.contracts import Account, Lms
from pipeline.courses import Course, EnrolmentState
from pipeline.errors import Misconfigured, NotReady
from pipeline.lms.moodle import catalogue, enrolments, records, statements
from pipeline.lms.moodle.completion_event import hear_event
from pipeline.lms.moodle.quizzes import ATTEMPTS, ATTEMPTS_BEFORE_51, QUIZZES, quizzes
from pipeline.lms.moodle.services import NotEnrolled, Services, understood
from pipeline.options import Address, Secret, Secrets
from pipeline.settings import settings
from pipeline.transport import Client, OpenGate
from pipeline.values import Event, Fact, Record
from pipeline.webhook import Announcement, Request

_ALWAYS = frozenset({Fact.PROFILE, Fact.COMPLETION})


class MoodleSchema(Schema):
    """One Moodle site."""

    site = Address(required=True)
    token = Secret(required=True)
    #: what a plug-in shows: in the body (local_webhooks), as Bearer token (tool_trigger), as password (logstore_xapi)
    secrets = Secrets(required=True)
    #: short name of the profile field that holds the supervisor's e-mail address (contract 2.8: none in core)
    supervisor_field = fields.String(load_default="manageremail")
    #: number of the role with which learners are enrolled: 5 on a site whose roles are as installed (contract 3)
    learner_role = fields.Integer(load_default=5, validate=validate.Range(min=1))
    #: the function that lists attempts at a quiz; the shorter name is that of Moodle up to 5.0
    attempts_from = fields.String(load_default=ATTEMPTS, validate=validate.OneOf([ATTEMPTS, ATTEMPTS_BEFORE_51]))
    #: `quizzes`: time spent is what finished attempts at quizzes took, which is all that Moodle's core knows of time
    time_spent = fields.String(load_default=None, validate=validate.OneOf(["quizzes"]))
    #: whether events come from logstore_xapi and say the learner's name (its setting "send name")
    names_in_events = fields.Boolean(load_default=False)


class Moodle(Lms):
    """One Moodle site; its web services answer 200 to everything, also to errors."""

    name = "moodle"
    label = "Moodle"
    options = MoodleSchema
    provides = frozenset(Fact) - {Fact.CREDENTIALS}
    hears = "webhook of local_webhooks or tool_trigger, or statements of logstore_xapi; each shows a shared secret"
    entrance = frozenset[str]()
    sweep_every = timedelta(minutes=15)

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        client = Client(
            system=self.label,
            base_url=account.options["site"],
            headers={},
            timeout=settings().call_timeout,
            gate=OpenGate(),
        )
        self.services = Services(client, account.options["token"])

    @classmethod
    def supplies(cls, options: Mapping[str, Any]) -> frozenset[Fact]:
        untold = {Fact.TIME: not options["time_spent"], Fact.CLAIM: not options["names_in_events"]}
        return cls.provides - {fact for fact, missing in untold.items() if missing}

    def hear(self, request: Request) -> Announcement:
        hear = statements.hear_statements if request.path == statements.PATH else hear_event
        return hear(request, self.account.options["secrets"])

    def completions(self, *, course: str, since: datetime, known: frozenset[str]) -> Iterator[Event]:
        with understood():
            yield from enrolments.completions(self.services, course, since=since, known=known)

    def record(self, *, learner: str, course: str, needs: frozenset[Fact], prerequisites: tuple[str, ...]) -> Record:
        with understood():
            return self._record(learner, course, needs, prerequisites)

    def _record(self, learner: str, course: str, needs: frozenset[Fact], prerequisites: tuple[str, ...]) -> Record:
        try:
            completed_at = records.completed_at(self.services, learner, course)
        except NotEnrolled as refusal:
            with suppress(Misconfigured):  # one more right, for one more word: not worth stopping the account
                enrolments.refuse_suspended(self.services, learner, course)
            raise refusal from None
        if completed_at is None:
            raise NotReady("Moodle does not show the course as completed")
        options, services = self.account.options, self.services
        about = catalogue.course(services, course)
        profile = records.profile(services, learner, supervisor_field=options["supervisor_field"])
        timed = Fact.TIME in needs and options["time_spent"]
        asked = timed or Fact.ATTEMPTS in needs
        taken = quizzes(services, learner, course, function=options["attempts_from"]) if asked else ()
        attempts = {quiz.ref: quiz.attempts for quiz in taken} if Fact.ATTEMPTS in needs else {}
        scored = needs & {Fact.SCORES, Fact.ATTEMPTS}
        return Record(
            learner=profile,
            course=course,
            course_code=about.code,
            course_title=about.title,
            completed_at=clock.now() if completed_at == records.EPOCH else completed_at,
            read_at=clock.now(),
            sources=self._sources(needs),
            scores=records.scores(services, learner, course, attempts=attempts) if scored else (),
            modules=records.modules(services, learner, course) if Fact.MODULES in needs else (),
            prerequisites=tuple(records.prerequisite(services, learner, other) for other in prerequisites),
            time_spent=sum((quiz.took for quiz in taken), timedelta()) if timed else None,
            holds=records.holds(profile) if Fact.HOLDS in needs else (),
        )

    def _sources(self, needs: frozenset[Fact]) -> Mapping[Fact, str]:
        """Where each fact that was needed was read: the names of functions."""
        attempts = f"{QUIZZES}, {self.account.options['attempts_from']}"
        places = {
            Fact.PROFILE: records.PROFILE,
            Fact.SUPERVISOR: records.PROFILE,
            Fact.HOLDS: records.PROFILE,
            Fact.COMPLETION: records.COMPLETION,
            Fact.PREREQUISITES: records.COMPLETION,
            Fact.SCORES: records.GRADES,
            Fact.ATTEMPTS: attempts,
            Fact.TIME: attempts,
            Fact.MODULES: records.MODULES,
        }
        wanted = (needs | _ALWAYS) & self.supplies(self.account.options)
        return {fact: place for fact, place in places.items() if fact in wanted}

    def courses(self) -> tuple[Course, ...]:
        with understood():
            return catalogue.courses(self.services)

    def enrol(self, *, learner: str, course: str) -> EnrolmentState:
        with understood():
            return enrolments.enrol(self.services, learner, course, role=self.account.options["learner_role"])
