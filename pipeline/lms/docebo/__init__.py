"""Docebo: hears its webhook, which proves nothing itself, and reads back over the REST API (contract lms/docebo)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from pipeline import clock
from pipeline.contracts import Account, Lms
from pipeline.courses import Course, EnrolmentState
from pipeline.lms.docebo import catalogue, enrolling, people, records
from pipeline.lms.docebo.course_completed import hear_message
from pipeline.lms.docebo.enrolments import ENROLMENTS, enrolments_of
from pipeline.lms.docebo.rest import Rest
from pipeline.oauth import Grant, tokens
from pipeline.options import Address, Secret
from pipeline.settings import settings
from pipeline.transport import Client, OpenGate
from pipeline.values import Event, Fact, Record
from pipeline.webhook import Announcement, Request

TOKEN = "/oauth2/token"  # noqa: S105 - an address
#: where each fact is read
_SOURCES: Mapping[Fact, str] = {
    Fact.PROFILE: f"GET {people.USER}",
    Fact.COMPLETION: f"GET {ENROLMENTS}",
    Fact.SCORES: f"GET {ENROLMENTS}",
    Fact.TIME: f"GET {ENROLMENTS}",
    Fact.PREREQUISITES: f"GET {ENROLMENTS}",
    Fact.HOLDS: f"GET {people.USER}, GET {ENROLMENTS}",
    Fact.SUPERVISOR: f"GET {people.MANAGERS}, GET {people.USER}",
}
_ALWAYS = frozenset({Fact.PROFILE, Fact.COMPLETION})


class DoceboSchema(Schema):
    """One Docebo platform."""

    site = Address(required=True)
    client_id = fields.String(required=True)
    client_secret = Secret(required=True)
    grant: fields.String = fields.String(
        load_default="client_credentials", validate=validate.OneOf(["client_credentials", "password"])
    )
    #: of the grant `password`: the user in whose name Confer asks
    username = fields.String(load_default=None)
    password = Secret(load_default=None)
    #: the only `original_domain` whose messages are taken; without it those of any
    domain = fields.String(load_default=None)
    #: what the status of a course is called that learners can take; which words there are is not documented
    open_states = fields.List(fields.String(), load_default=["published"], validate=validate.Length(min=1))

    @validates_schema
    def _whole(self, data: Mapping[str, Any], **_: Any) -> None:
        person = [name for name in ("username", "password") if data.get(name)]
        if len(person) != (2 if data.get("grant") == "password" else 0):
            raise ValidationError("write username and password with `grant: password`, and only then", "grant")


class Docebo(Lms):
    """One Docebo platform. A course is completed by a rule of its own settings, or by an administrator's hand."""

    name = "docebo"
    label = "Docebo"
    options = DoceboSchema
    provides = frozenset(_SOURCES)
    hears = "webhook course.enrollment.completed, single or grouped, behind HTTP Basic or a secret address"
    entrance = frozenset({"basic", "path"})
    sweep_every = timedelta(hours=1)

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        client = Client(
            system=self.label,
            base_url=account.options["site"],
            headers={"Accept": "application/json"},
            timeout=settings().call_timeout,
            gate=OpenGate(),
        )
        self.rest = Rest(client, tokens(Grant(client=client, path=TOKEN, form=_form(account.options))))

    def hear(self, request: Request) -> Announcement:
        return hear_message(request, domain=self.account.options["domain"])

    def completions(self, *, course: str, since: datetime, known: frozenset[str]) -> Iterator[Event]:
        return catalogue.completions(self.rest, course, since)

    def courses(self) -> tuple[Course, ...]:
        return catalogue.courses(self.rest, {state.lower() for state in self.account.options["open_states"]})

    def enrol(self, *, learner: str, course: str) -> EnrolmentState:
        return enrolling.enrol(self.rest, learner, course)

    def record(self, *, learner: str, course: str, needs: frozenset[Fact], prerequisites: tuple[str, ...]) -> Record:
        found = enrolments_of(self.rest, learner, course, *prerequisites)
        done = records.require_completed(found.get(course))
        person = people.person(self.rest, learner)
        manager = people.supervisor_email(self.rest, learner) if Fact.SUPERVISOR in needs else None
        return Record(
            learner=people.learner(person, supervisor_email=manager),
            course=course,
            course_code=done["course_code"] or "",
            course_title=done["course_name"] or "",
            completed_at=done["enrollment_completion_date"],
            read_at=clock.now(),
            sources={fact: place for fact, place in _SOURCES.items() if fact in needs | _ALWAYS},
            scores=(records.total(done),) if Fact.SCORES in needs else (),
            prerequisites=tuple(records.prerequisite(other, found) for other in prerequisites),
            time_spent=records.time_spent(done) if Fact.TIME in needs else None,
            holds=(*people.holds(person), *records.holds(done)) if Fact.HOLDS in needs else (),
        )


def _form(options: Mapping[str, Any]) -> dict[str, str]:
    """The request for a token (contract 2.1)."""
    names = ("client_id", "client_secret", *(("username", "password") if options["grant"] == "password" else ()))
    return {"grant_type": options["grant"], "scope": "api", **{name: options[name] for name in names}}
