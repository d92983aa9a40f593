"""A learner's record out of Moodle's web services: completion, profile, grades, activities (contract 2.3 to 2.7)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pipeline import clock
from pipeline.errors import NotReady, Rejected
from pipeline.lms.moodle.services import Services
from pipeline.values import Learner, Module, ModuleState, Prerequisite, PrerequisiteState, Score


def completed_at(services: Services, learner: str, course: str) -> datetime | None:
    """When the course's own rule was met: the latest criterion time (contract 2.4); None: not yet."""
    answer = services.ask("core_completion_get_course_completion_status", courseid=course, userid=learner)
    status = answer["completionstatus"]
    times = [int(part["timecompleted"]) for part in status["completions"] if part.get("timecompleted")]
    if not status["completed"]:
        return None
    return datetime.fromtimestamp(max(times), UTC) if times else clock.now()


def profile(services: Services, learner: str, *, supervisor_field: str) -> Learner:
    found = services.ask("core_user_get_users_by_field", **{"field": "id", "values[0]": learner})
    if len(found) != 1:
        raise Rejected("Moodle shows no such learner; if there is one, the service account lacks a capability")
    user = found[0]
    custom = {field["shortname"]: str(field["value"]).strip() for field in user.get("customfields", [])}
    return Learner(
        ref=learner,
        name=" ".join(str(user.get("fullname") or "").split()),
        email=str(user.get("email") or "").strip(),
        supervisor_email=custom.get(supervisor_field) or None,
        sis_id=str(user.get("idnumber") or "") or None,
        suspended=bool(user.get("suspended")),
    )


def scores(services: Services, learner: str, course: str) -> tuple[Score, ...]:
    answer = services.ask("gradereport_user_get_grade_items", courseid=course, userid=learner)
    items = [item for grades in answer["usergrades"] for item in grades["gradeitems"]]
    if any(item.get("gradeneedsupdate") for item in items):
        raise NotReady("Moodle is still computing the grades")
    if items and all(item.get("graderaw") is None for item in items):
        raise NotReady("Moodle shows no grade yet")
    return tuple(
        Score(
            item=str(item.get("itemname") or "course total"),
            percent=_percent(item),
            total=item["itemtype"] == "course",
            overridden=bool(item.get("gradeisoverridden")),
        )
        for item in items
    )


def modules(services: Services, learner: str, course: str) -> tuple[Module, ...]:
    answer = services.ask("core_completion_get_activities_completion_status", courseid=course, userid=learner)
    sections = services.ask(
        "core_course_get_contents",
        **{"courseid": course, "options[0][name]": "excludecontents", "options[0][value]": 1},
    )
    names = {module["id"]: str(module["name"]) for section in sections for module in section["modules"]}
    return tuple(
        Module(
            ref=str(status["cmid"]),
            name=names.get(status["cmid"], f"{status['modname']} {status['cmid']}"),
            state=_module_state(status),
        )
        for status in answer["statuses"]
    )


def prerequisite(services: Services, learner: str, course: str) -> Prerequisite:
    """A course that was left is not told apart from one never entered (contract 2.7): unclear, not unmet."""
    try:
        met = completed_at(services, learner, course) is not None
    except Rejected as unclear:
        return Prerequisite(course=course, state=PrerequisiteState.UNCLEAR, reason=unclear.detail)
    return Prerequisite(course=course, state=PrerequisiteState.MET if met else PrerequisiteState.UNMET)


def _percent(item: Mapping[str, Any]) -> Decimal | None:
    """Contract 2.6: (raw - min) / (max - min) * 100; None where nothing is graded."""
    raw = item.get("graderaw")
    low, high = Decimal(item.get("grademin") or 0), Decimal(item.get("grademax") or 0)
    if raw is None or high <= low:
        return None
    return (Decimal(raw) - low) / (high - low) * 100


def _module_state(status: Mapping[str, Any]) -> ModuleState:
    """Contract 2.5: 1 and 2 are complete, 3 and 4 failed; set by a teacher is Moodle's nearest to exempt."""
    if status.get("overrideby"):
        return ModuleState.EXEMPT
    return ModuleState.COMPLETE if status["state"] in {1, 2} else ModuleState.INCOMPLETE
