"""`programs/*.yaml`: what a learner has to have done, what is issued for it, who is told.

A program's version is the hash of its checked content. A decision keeps the version, and the content is kept
with it, so that editing a file never changes what was already decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from marshmallow import Schema, fields, validate

from pipeline.configuration.accounts import NAME
from pipeline.configuration.documents import Document, Fault
from pipeline.configuration.rules import criteria_from, kept_criteria, read_criteria
from pipeline.configuration.templates import TYPE, fitting, unmapped
from pipeline.contracts import Account, Criterion
from pipeline.options import Duration
from pipeline.store.decisions import content_hash
from pipeline.values import AUTOMATIC, Fact, Format, Trigger

#: what attribute texts may refer to; platforms show attributes to the public, so nothing that reaches the learner
PLACEHOLDERS = (
    "score",
    "completed_on",
    "title",
    "learner_name",
    "learner_ref",
    "course_code",
    "course_title",
    "issued_on",
    "expires_on",
    "program",
)


class AwardSchema(Schema):
    """One credential at one platform account."""

    account = fields.String(required=True)
    #: without it, `templates` of the account say which
    template = fields.String(load_default="", validate=validate.Length(min=1, max=64))
    formats = fields.List(
        fields.Enum(Format, by_value=True), load_default=lambda: [Format.CERTIFICATE], validate=validate.Length(min=1)
    )
    attributes = fields.Dict(keys=fields.String(), values=fields.String(), load_default=dict)


class CredentialSchema(Schema):
    """What is issued, and where."""

    title = fields.String(validate=validate.Length(min=1, max=200))
    description = fields.String(required=True, validate=validate.Length(min=1, max=2000))
    criteria = fields.String(load_default="", validate=validate.Length(max=4000))
    valid_for = Duration(load_default=None, allow_none=True)
    show_name = fields.Boolean(load_default=True)
    at = fields.List(fields.Nested(AwardSchema), required=True, validate=validate.Length(min=1))


class TimingSchema(Schema):
    """When: a review window before issuing, how long to wait for a lagging LMS, how far back to look."""

    issue_after = Duration(load_default=timedelta(0))
    wait_for_lms = Duration(load_default=timedelta(hours=24))
    #: completions from this day on are swept; without it only those after the program was added
    sweep_from = fields.Date(load_default=None, allow_none=True)


class NotifySchema(Schema):
    """Who is told by mail."""

    learner = fields.Boolean(load_default=True)
    supervisor = fields.Boolean(load_default=False)
    #: tell the learner what is missing when the criteria are not met
    gap = fields.Boolean(load_default=True)
    linkedin = fields.Boolean(load_default=True)


class WithdrawalSchema(Schema):
    """How credentials are taken back."""

    #: triggers that are carried out without a second person
    automatic = fields.List(fields.Enum(Trigger, by_value=True, validate=validate.OneOf(AUTOMATIC)), required=True)


class ProgramSchema(Schema):
    """One program file. What a criterion may say is checked by the criterion's own schema."""

    program = fields.String(required=True, validate=NAME)
    title = fields.String(required=True, validate=validate.Length(min=1, max=200))
    #: what kind of course it is: a free word by which accounts map templates
    type = fields.String(validate=TYPE)
    source = fields.String(required=True)
    course = fields.String(required=True, validate=validate.Length(min=1, max=64))
    criteria = fields.Dict(keys=fields.String(), required=True, validate=validate.Length(min=1))
    credential = fields.Nested(CredentialSchema, required=True)
    timing = fields.Nested(TimingSchema, load_default=lambda: TimingSchema().load({}))
    notify = fields.Nested(NotifySchema, load_default=lambda: NotifySchema().load({}))
    downstream = fields.List(fields.String(), load_default=list)
    #: without a default, so that programs of before keep their version
    withdrawal = fields.Nested(WithdrawalSchema)


@dataclass(frozen=True, kw_only=True)
class Award:
    """One credential at one platform account."""

    account: str
    template: str
    formats: tuple[Format, ...]
    attributes: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Program:
    """A checked program file. `version` is its content hash, `document` the content as JSON data.

    Of an award that names no template, both hold the one that was selected: mapping another one is another version.
    """

    name: str
    title: str
    course_type: str | None
    source: str
    course: str
    criteria: tuple[Criterion, ...]
    credential_title: str
    description: str
    narrative: str
    valid_for: timedelta | None
    show_name: bool
    awards: tuple[Award, ...]
    issue_after: timedelta
    wait_for_lms: timedelta
    sweep_from: date | None
    tell_learner: bool
    tell_supervisor: bool
    tell_gap: bool
    linkedin: bool
    downstream: tuple[str, ...]
    #: triggers of a withdrawal that nobody has to approve
    withdrawn_at_once: frozenset[Trigger]
    version: str
    document: Mapping[str, Any]
    file: str

    @property
    def needs(self) -> frozenset[Fact]:
        """The facts that have to be read to judge by this program and to tell who is to be told."""
        supervisor = {Fact.SUPERVISOR} if self.tell_supervisor else set()
        return frozenset({Fact.SCORES, *supervisor}.union(*(criterion.asks for criterion in self.criteria)))

    @property
    def prerequisites(self) -> tuple[str, ...]:
        """Other courses whose completion the criteria ask for."""
        return tuple(dict.fromkeys(course for criterion in self.criteria for course in criterion.courses()))

    @property
    def required_credentials(self) -> tuple[str, ...]:
        """Other programs whose credential the criteria ask for."""
        return tuple(dict.fromkeys(name for criterion in self.criteria for name in criterion.credentials()))


def read_program(document: Document, faults: list[Fault], platforms: Mapping[str, Account]) -> Program | None:
    """The program of one file; None where it has faults, which are added to `faults`.

    Args:
        platforms: the platform accounts, by name; templates that awards leave out are selected from what they map.
    """
    before = len(faults)
    loaded = document.load(ProgramSchema(), faults=faults)
    criteria = read_criteria(document, faults)
    if len(faults) > before or loaded is None:
        return None
    _select_templates(document, loaded, platforms, faults)
    return _program(loaded, criteria, file=document.file)


def program_from(document: Mapping[str, Any]) -> Program:
    """The program as it was when a decision was made by it, from the content kept with the decision."""
    loaded = ProgramSchema().load(dict(document))
    return _program(loaded, criteria_from(document["criteria"]), file="")


def _select_templates(
    document: Document, loaded: dict[str, Any], platforms: Mapping[str, Account], faults: list[Fault]
) -> None:
    """Write the selected template into every award that names none. An unknown account is a fault of its own."""
    for index, award in enumerate(loaded["credential"]["at"]):
        account = platforms.get(award["account"])
        if award["template"] or account is None:
            continue
        kind = {"course_type": loaded.get("type"), "formats": award["formats"]}
        found = fitting(account, **kind)
        if len(found) == 1:
            award["template"] = found[0]
        else:
            faults.append(document.fault(("credential", "at", index), unmapped(account, found, **kind)))


def _program(loaded: dict[str, Any], criteria: tuple[Criterion, ...], *, file: str) -> Program:
    content = dict(ProgramSchema().dump(loaded))
    content["criteria"] = kept_criteria(criteria)
    content["credential"]["title"] = content["credential"].get("title") or loaded["title"]
    credential, timing, notify = loaded["credential"], loaded["timing"], loaded["notify"]
    return Program(
        name=loaded["program"],
        title=loaded["title"],
        course_type=loaded.get("type"),
        source=loaded["source"],
        course=loaded["course"],
        criteria=criteria,
        credential_title=content["credential"]["title"],
        description=credential["description"],
        narrative=credential["criteria"],
        valid_for=credential["valid_for"],
        show_name=credential["show_name"],
        awards=tuple(Award(**{**award, "formats": tuple(award["formats"])}) for award in credential["at"]),
        issue_after=timing["issue_after"],
        wait_for_lms=timing["wait_for_lms"],
        sweep_from=timing["sweep_from"],
        tell_learner=notify["learner"],
        tell_supervisor=notify["supervisor"],
        tell_gap=notify["gap"],
        linkedin=notify["linkedin"],
        downstream=tuple(loaded["downstream"]),
        withdrawn_at_once=frozenset(loaded.get("withdrawal", {}).get("automatic", ())),
        version=content_hash(content),
        document=content,
        file=file,
    )
