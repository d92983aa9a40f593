"""Moodle: hears `local_webhooks` and `tool_trigger`, reads back over web services (contract lms/moodle)."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from pipeline import clock
from pipeline.contracts import Account, Lms
from pipeline.errors import NotReady, Rejected
from pipeline.lms.moodle import records
from pipeline.lms.moodle.completion_event import hear_event
from pipeline.lms.moodle.services import Services
from pipeline.options import Address, Secret, Secrets
from pipeline.settings import settings
from pipeline.transport import Client, OpenGate
from pipeline.values import Fact, Record
from pipeline.webhook import Announcement, Request


class MoodleSchema(Schema):
    """One Moodle site."""

    site = Address(required=True)
    token = Secret(required=True)
    secrets = Secrets(required=True)
    #: 200 for a sender that takes nothing else: tool_trigger compares exactly (contract 1.3)
    success_status = fields.Integer(load_default=202, validate=validate.OneOf([200, 202]))
    #: short name of the profile field that holds the supervisor's e-mail address (contract 2.8: none in core)
    supervisor_field = fields.String(load_default="manageremail")


class Moodle(Lms):
    """One Moodle site; its web services answer 200 to everything, also to errors."""

    name = "moodle"
    label = "Moodle"
    options = MoodleSchema
    provides = frozenset(
        {Fact.PROFILE, Fact.COMPLETION, Fact.SCORES, Fact.MODULES, Fact.PREREQUISITES, Fact.SUPERVISOR}
    )

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

    def hear(self, request: Request) -> Announcement:
        return hear_event(request, self.account.options["secrets"])

    def record(self, *, learner: str, course: str, needs: frozenset[Fact], prerequisites: tuple[str, ...]) -> Record:
        completed_at = records.completed_at(self.services, learner, course)
        if completed_at is None:
            raise NotReady("Moodle does not show the course as completed")
        about = self.services.ask("core_course_get_courses_by_field", field="id", value=course)["courses"]
        if not about:
            raise Rejected("Moodle knows no such course")
        return Record(
            learner=records.profile(
                self.services, learner, supervisor_field=self.account.options["supervisor_field"]
            ),
            course=course,
            course_code=str(about[0]["shortname"]),
            course_title=str(about[0]["fullname"]),
            completed_at=completed_at,
            read_at=clock.now(),
            sources={
                Fact.PROFILE: "core_user_get_users_by_field",
                Fact.COMPLETION: "core_completion_get_course_completion_status",
                Fact.SCORES: "gradereport_user_get_grade_items",
                Fact.MODULES: "core_completion_get_activities_completion_status",
                Fact.PREREQUISITES: "core_completion_get_course_completion_status",
            },
            scores=records.scores(self.services, learner, course) if Fact.SCORES in needs else (),
            modules=records.modules(self.services, learner, course) if Fact.MODULES in needs else (),
            prerequisites=tuple(records.prerequisite(self.services, learner, other) for other in prerequisites),
        )
