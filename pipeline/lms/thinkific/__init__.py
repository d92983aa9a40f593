"""Thinkific: hears signed webhooks, reads enrolments over REST and scores over GraphQL (contract lms/thinkific)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from marshmallow import Schema, fields, validate

from pipeline import clock
from pipeline.contracts import Account, Lms
from pipeline.courses import Course, EnrolmentState
from pipeline.lms.thinkific import catalogue, enrolments, graphql, people
from pipeline.lms.thinkific.rest import API, Rest, pause
from pipeline.lms.thinkific.webhooks import Terms, hear_webhook
from pipeline.options import Address, Duration, Secret, Secrets
from pipeline.settings import settings
from pipeline.transport import Client, OpenGate
from pipeline.values import Event, Fact, Record, Score
from pipeline.webhook import Announcement, Request

#: where each fact is read
_SOURCES: Mapping[Fact, str] = {
    Fact.PROFILE: f"GET {API}{people.USER}",
    Fact.SUPERVISOR: f"GET {API}{people.USER}",
    Fact.COMPLETION: f"GET {API}{enrolments.ENROLMENTS}",
    Fact.PREREQUISITES: f"GET {API}{enrolments.ENROLMENTS}",
    Fact.HOLDS: f"GET {API}{enrolments.ENROLMENTS}",
    Fact.SCORES: f"POST {graphql.PATH} {graphql.SUBMISSIONS}",
}
_ALWAYS = frozenset({Fact.PROFILE, Fact.COMPLETION})


class ThinkificSchema(Schema):
    """One Thinkific site."""

    #: one host for all sites; the subdomain says which
    api = Address(load_default="https://api.thinkific.com")
    subdomain = fields.String(required=True, validate=validate.Regexp(r"^[A-Za-z0-9-]+$"))
    key = Secret(required=True)
    #: what signs the webhooks: the API key of a private integration, or the client secret of an app
    secrets = Secrets(required=True)
    #: an API access token for GraphQL, where the API key is not taken; without it no scores are read
    token = Secret(load_default=None)
    #: the label of the custom profile field that holds the supervisor's address; null: there is none
    supervisor_field = fields.String(load_default="Manager email", allow_none=True, validate=validate.Length(min=1))
    #: the only site whose events are taken; without it whatever one of the secrets has signed
    tenant_id = fields.String(load_default=None)
    #: how old an event may be: nothing else in it says when it was sent
    max_age = Duration(load_default=timedelta(days=7))


class Thinkific(Lms):
    """One Thinkific site. A course is complete when all of its lessons are."""

    name = "thinkific"
    label = "Thinkific"
    options = ThinkificSchema
    provides = frozenset({*_SOURCES, Fact.CLAIM})
    hears = "webhook `enrollment.completed`, signed with HMAC-SHA256; `quiz.attempted` for results"
    entrance = frozenset()
    sweep_every = timedelta(hours=1)

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        options = account.options
        self.rest = Rest(self._client({"X-Auth-API-Key": options["key"], "X-Auth-Subdomain": options["subdomain"]}))

    @classmethod
    def supplies(cls, options: Mapping[str, Any]) -> frozenset[Fact]:
        """Results that events report are no fact of the record: they are kept as attestations."""
        without = {Fact.SCORES: options.get("token"), Fact.SUPERVISOR: options.get("supervisor_field")}
        return cls.provides - {fact for fact, option in without.items() if not option}

    def hear(self, request: Request) -> Announcement:
        options = self.account.options
        terms = Terms(keys=options["secrets"], tenant_id=options["tenant_id"], max_age=options["max_age"])
        return hear_webhook(request, terms)

    def completions(self, *, course: str, since: datetime, known: frozenset[str]) -> Iterator[Event]:
        return enrolments.completions(self.rest, course, since)

    def courses(self) -> tuple[Course, ...]:
        return catalogue.courses(self.rest)

    def enrol(self, *, learner: str, course: str) -> EnrolmentState:
        return enrolments.enrol(self.rest, learner, course)

    def record(self, *, learner: str, course: str, needs: frozenset[Fact], prerequisites: tuple[str, ...]) -> Record:
        found = enrolments.completed(self.rest, learner, course)
        read = (needs | _ALWAYS) & self.supplies(self.account.options)
        supervisor_field = self.account.options["supervisor_field"] if Fact.SUPERVISOR in read else None
        about = catalogue.about(self.rest, course)
        return Record(
            learner=people.profile(self.rest, learner, supervisor_field=supervisor_field),
            course=course,
            course_code=about.code,
            course_title=about.title,
            completed_at=enrolments.completed_at(found),
            read_at=clock.now(),
            sources={fact: where for fact, where in _SOURCES.items() if fact in read},
            scores=self._scores(learner, course) if Fact.SCORES in read else (),
            prerequisites=tuple(enrolments.prerequisite(self.rest, learner, other) for other in prerequisites),
            holds=enrolments.holds(found) if Fact.HOLDS in read else (),
        )

    def _scores(self, learner: str, course: str) -> tuple[Score, ...]:
        return graphql.scores(
            self._client({"Authorization": f"Bearer {self.account.options['token']}"}), learner, course
        )

    def _client(self, proof: Mapping[str, str]) -> Client:
        return Client(
            system=self.label,
            base_url=self.account.options["api"],
            headers={"Accept": "application/json", **proof},
            timeout=settings().call_timeout,
            gate=OpenGate(),
            pause=pause,
        )
