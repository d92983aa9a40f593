"""A learner's record out of Moodle's web services: completion, profile, grades, activities (contract 2.3 to 2.7)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pipeline.errors import NotReady, Rejected
from pipeline.lms.moodle.services import Services, number
from pipeline.values import Attempt, Hold, Learner, Module, ModuleState, Prerequisite, PrerequisiteState, Score

COMPLETION = "core_completion_get_course_completion_status"
PROFILE = "core_user_get_users_by_field"
GRADES = "gradereport_user_get_grade_items"
MODULES = "core_completion_get_activities_completion_status"
#: stands for a time that Moodle does not tell
EPOCH = datetime.fromtimestamp(0, UTC)


def completed_at(services: Services, learner: str, course: str) -> datetime | None:
    """When the course's own rule was met: the latest criterion time (contract 2.4); None: not yet.

    EPOCH where Moodle says that the course is completed and not when, for example of one that was imported.
    """
    status = services.ask(COMPLETION, courseid=course, userid=learner)["completionstatus"]
    times = [int(part["timecompleted"]) for part in status["completions"] if part.get("timecompleted")]
    if not status["completed"]:
        return None
    return datetime.fromtimestamp(max(times), UTC) if times else EPOCH


def holds(learner: Learner) -> tuple[Hold, ...]:
    """A locked account. A suspended enrolment has no record at all (contract 2.8): that is told as a refusal."""
    if not learner.suspended:
        return ()
    return (Hold(kind="suspended", reason="the learner's account is suspended in Moodle", where=PROFILE),)


def profile(services: Services, learner: str, *, supervisor_field: str) -> Learner:
    found = services.listing(PROFILE, **{"field": "id", "values[0]": learner})
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
        given_name=" ".join(str(user.get("firstname") or "").split()) or None,
        family_name=" ".join(str(user.get("lastname") or "").split()) or None,
    )


def scores(
    services: Services, learner: str, course: str, *, attempts: Mapping[str, tuple[Attempt, ...]]
) -> tuple[Score, ...]:
    """Every graded item with points on its own scale; `attempts` are those of quizzes, by the quiz's id.

    Raises:
        NotReady: the grades are not there yet, or are being worked out anew (contract 2.6).
    """
    answer = services.ask(GRADES, courseid=course, userid=learner)
    items = [item for grades in answer["usergrades"] for item in grades["gradeitems"]]
    if any(item.get("gradeneedsupdate") for item in items):
        raise NotReady("Moodle is still computing the grades")
    if items and all(item.get("graderaw") is None for item in items):
        raise NotReady("Moodle shows no grade yet")
    return tuple(_score(item, attempts) for item in items)


def _score(item: Mapping[str, Any], attempts: Mapping[str, tuple[Attempt, ...]]) -> Score:
    """Contract 2.6: percent is (raw - min) / (max - min) * 100; none where nothing is graded."""
    raw, low, high = number(item.get("graderaw")), number(item.get("grademin")), number(item.get("grademax"))
    low, high = low or Decimal(0), high or Decimal(0)
    graded = raw is not None and high > low
    points = raw - low if raw is not None and graded else None
    of_quiz = str(item.get("iteminstance")) if item.get("itemmodule") == "quiz" else ""
    return Score(
        item=str(item.get("itemname") or "course total"),
        percent=None if points is None else points / (high - low) * 100,
        total=item["itemtype"] == "course",
        overridden=bool(item.get("gradeisoverridden")),
        points=points,
        out_of=high - low if graded else None,
        attempts=attempts.get(of_quiz, ()),
    )


def modules(services: Services, learner: str, course: str) -> tuple[Module, ...]:
    answer = services.ask(MODULES, courseid=course, userid=learner)
    sections = services.listing(
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


def _module_state(status: Mapping[str, Any]) -> ModuleState:
    """Contract 2.5: 1 and 2 are complete, 3 and 4 failed; completed by a teacher is Moodle's nearest to exempt."""
    if status["state"] not in {1, 2}:
        return ModuleState.INCOMPLETE
    return ModuleState.EXEMPT if status.get("overrideby") else ModuleState.COMPLETE
