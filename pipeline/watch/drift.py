"""Drift: what the LMSs and platforms have, held against what the programs say. Nothing is changed anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import structlog

from pipeline.adapters import LMSS
from pipeline.configuration.loading import Configuration
from pipeline.configuration.programs import Award, Program
from pipeline.contracts import Account, Platform
from pipeline.courses import Course
from pipeline.errors import Failure, Outage, Rejected, Throttled
from pipeline.steps.gather import unpaused
from pipeline.steps.lane.asking import beside
from pipeline.values import Template

log = structlog.get_logger(__name__)


class Drift(StrEnum):
    """How an LMS or a platform has moved away from the programs."""

    NO_PROGRAM = "no-program"
    COURSE_GONE = "course-gone"
    COURSE_CLOSED = "course-closed"
    NEVER_COMPLETED = "never-completed"
    TEMPLATE_GONE = "template-gone"
    TEMPLATE_UNUSABLE = "template-unusable"
    ATTRIBUTE_UNKNOWN = "attribute-unknown"
    FORMAT_MISSING = "format-missing"
    REPEATABLE = "repeatable"
    NOT_ASKED = "not-asked"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that does not fit. `subject` is the course, the template, or the attribute of an award.

    `passing`: an outage, no drift.
    """

    kind: Drift
    account: str
    detail: str
    program: str = ""
    subject: str = ""
    passing: bool = False


def accounts(config: Configuration) -> tuple[Account, ...]:
    """The accounts that can be asked: every LMS, and the platforms at which a program issues."""
    used = {award.account for program in config.programs.values() for award in program.awards}
    return (*config.lms.values(), *(account for name, account in config.platforms.items() if name in used))


def examine(config: Configuration, account: Account) -> tuple[Finding, ...]:
    """What of one account does not fit the programs. A failure to ask is a finding too."""
    look = _lms if account.adapter in LMSS else _platform
    try:
        return tuple(look(config, account))
    except Failure as failure:
        passing = isinstance(failure, Outage | Throttled)
        found = Finding(kind=Drift.NOT_ASKED, account=account.name, detail=failure.detail, passing=passing)
    except Exception as defect:
        log.exception("defect", account=account.name)
        found = Finding(kind=Drift.NOT_ASKED, account=account.name, detail=f"defect: {type(defect).__name__}")
    return (found,)


def _lms(config: Configuration, account: Account) -> Iterator[Finding]:
    adapter = LMSS[account.adapter](account)
    with unpaused(adapter):
        courses = {course.ref: course for course in adapter.courses()}
    programs = {one.course: one for one in config.programs.values() if one.source == account.name}
    for ref, program in programs.items():
        yield from _course(account, program, courses.get(ref))
    for ref, course in courses.items():
        if course.open and ref not in programs and ref not in account.without_program:
            title = f"“{course.title}” ({course.code})" if course.code else f"“{course.title}”"
            detail = f"course {ref}, {title}, has no program: who completes it gets no credential"
            yield Finding(kind=Drift.NO_PROGRAM, account=account.name, subject=ref, detail=detail)


def _course(account: Account, program: Program, course: Course | None) -> Iterator[Finding]:
    label, ref = LMSS[account.adapter].label, program.course
    if course is None:
        kind, detail = Drift.COURSE_GONE, f"{label} does not list course {ref}: it is gone, or hidden from us"
    elif not course.open:
        kind, detail = Drift.COURSE_CLOSED, f"course {ref} is closed at {label}"
        detail += f": {course.reason}" if course.reason else ""
    elif course.completes is False:
        kind, detail = Drift.NEVER_COMPLETED, f"nobody can complete course {ref} at {label}: {course.reason}"
    else:
        return
    yield Finding(kind=kind, account=account.name, program=program.name, subject=ref, detail=detail)


def _platform(config: Configuration, account: Account) -> Iterator[Finding]:
    """Ask within the account's pace, which the lanes share; a platform that is down is left to their probes."""
    with beside(account, patience=60) as platform:
        for program in config.programs.values():
            for award in program.awards:
                if award.account == account.name:
                    yield from _template(platform, program, award)


def _template(platform: Platform, program: Program, award: Award) -> Iterator[Finding]:
    try:
        template = platform.template(award.template)
    except Rejected as refusal:
        template, reason = None, f": {refusal.detail}"
    else:
        reason = ""
    if template is not None and template.usable:
        yield from _unfitting(platform, program, award, template)
        return
    if template is None:
        kind, detail = Drift.TEMPLATE_GONE, f"{platform.label} has no template {award.template}{reason}"
    else:
        kind, detail = Drift.TEMPLATE_UNUSABLE, f"template {award.template} cannot be used: {template.reason}"
    yield Finding(kind=kind, account=award.account, program=program.name, subject=award.template, detail=detail)


def _unfitting(platform: Platform, program: Program, award: Award, template: Template) -> Iterator[Finding]:
    """What the program asks of a template that is there, and that this one does not have. None: it is not told."""
    said = f"template {award.template} of {platform.label}"
    found = partial(Finding, account=award.account, program=program.name)
    missing = sorted(set(award.formats) - template.formats) if template.formats is not None else []
    if missing:
        detail = f"{said} issues no {' and no '.join(missing)}"
        yield found(kind=Drift.FORMAT_MISSING, subject=award.template, detail=detail)
    known = template.attributes if template.attributes is not None else frozenset(award.attributes)
    for name in sorted(set(award.attributes) - known):
        detail = f"{said} knows no attribute `{name}`; known: {', '.join(sorted(known)) or 'none'}"
        yield found(kind=Drift.ATTRIBUTE_UNKNOWN, subject=name, detail=detail)
    # where each is looked up before it is issued, the platform has no guard that could be switched on
    if template.repeatable and not platform.looks_first:
        detail = f"{said} lets a learner have it twice: the platform does not help against duplicates"
        yield found(kind=Drift.REPEATABLE, subject=award.template, detail=detail)
