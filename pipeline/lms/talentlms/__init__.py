"""TalentLMS: announces nothing that can be heard, so it is swept, and read back over its API (contract talentlms)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from marshmallow import Schema, fields, validate

from pipeline import clock
from pipeline.contracts import Account, Lms
from pipeline.courses import Course, EnrolmentState
from pipeline.lms.talentlms import catalogue, records
from pipeline.lms.talentlms.portal import Portal
from pipeline.options import Address, Secret
from pipeline.values import Event, Fact, Record
from pipeline.webhook import Announcement, Invalid, Request

#: where each fact is read
_SOURCES: Mapping[Fact, str] = {
    Fact.PROFILE: records.USER,
    Fact.SUPERVISOR: records.USER,
    Fact.PREREQUISITES: records.USER,
    Fact.HOLDS: f"{records.USER}, {records.STANDING}",
    Fact.COMPLETION: records.STANDING,
    Fact.SCORES: records.STANDING,
    Fact.MODULES: records.STANDING,
    Fact.TIME: records.STANDING,
}
_ALWAYS = frozenset({Fact.PROFILE, Fact.COMPLETION})


class TalentLmsSchema(Schema):
    """One portal."""

    site = Address(required=True)
    key = Secret(required=True)
    #: the custom field of a user that holds the supervisor's e-mail address: TalentLMS has none of its own
    supervisor_field = fields.String(load_default=None, validate=validate.Regexp(r"^custom_field_\d+$"))
    #: whether a course's list of learners says when each completed it; without that each costs a call
    dated_lists = fields.Boolean(load_default=True)


class TalentLms(Lms):
    """One portal; both its versions of the API give an administrator's rights, of which only reading is used."""

    name = "talentlms"
    label = "TalentLMS"
    options = TalentLmsSchema
    provides = frozenset(_SOURCES)
    hears = ""
    entrance = frozenset[str]()
    sweep_every = timedelta(minutes=15)

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self.portal = Portal(account.options["site"], account.options["key"])

    @classmethod
    def supplies(cls, options: Mapping[str, Any]) -> frozenset[Fact]:
        return cls.provides if options["supervisor_field"] else cls.provides - {Fact.SUPERVISOR}

    def hear(self, request: Request) -> Announcement:
        """Whatever comes is nobody's: no webhook is documented (contract 1.1)."""
        raise Invalid({"": ["TalentLMS sends no webhooks; its completions are swept"]})

    def completions(self, *, course: str, since: datetime, known: frozenset[str]) -> Iterator[Event]:
        dated: bool = self.account.options["dated_lists"]
        return catalogue.completions(self.portal, course, since=since, known=known, dated=dated)

    def record(self, *, learner: str, course: str, needs: frozenset[Fact], prerequisites: tuple[str, ...]) -> Record:
        options = self.account.options
        standing = records.standing(self.portal, learner, course)
        completed_at = records.completed_at(standing)
        user = records.user(self.portal, learner)
        profile = records.profile(user, learner, supervisor_field=options["supervisor_field"])
        entry = records.in_course(user, course)
        wanted = (needs | _ALWAYS) & self.supplies(options)
        return Record(
            learner=profile,
            course=course,
            course_code="",  # told only with every learner of the course (contract 4)
            course_title=entry["name"] if entry is not None else "",
            completed_at=completed_at,
            read_at=clock.now(),
            sources={fact: place for fact, place in _SOURCES.items() if fact in wanted},
            scores=records.scores(standing) if Fact.SCORES in needs else (),
            modules=records.modules(standing) if Fact.MODULES in needs else (),
            prerequisites=tuple(records.prerequisite(user, other) for other in prerequisites),
            time_spent=records.time_spent(standing) if Fact.TIME in needs else None,
            holds=records.holds(profile, standing) if Fact.HOLDS in needs else (),
        )

    def courses(self) -> tuple[Course, ...]:
        return catalogue.courses(self.portal)

    def enrol(self, *, learner: str, course: str) -> EnrolmentState:
        return catalogue.enrol(self.portal, learner, course)
