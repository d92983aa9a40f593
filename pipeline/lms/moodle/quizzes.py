"""Attempts at quizzes and the time they took: all that Moodle's core tells of either (contract 2.6, 2.8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from pipeline.lms.moodle.services import Services, number
from pipeline.values import Attempt

#: the function was renamed in Moodle 5.1 (contract 2.6)
ATTEMPTS, ATTEMPTS_BEFORE_51 = "mod_quiz_get_user_quiz_attempts", "mod_quiz_get_user_attempts"
QUIZZES = "mod_quiz_get_quizzes_by_courses"


@dataclass(frozen=True, kw_only=True)
class Quiz:
    """One quiz of a course with a learner's attempts, and how long those took that have ended."""

    ref: str
    attempts: tuple[Attempt, ...]
    took: timedelta


def quizzes(services: Services, learner: str, course: str, *, function: str) -> tuple[Quiz, ...]:
    """Every quiz of the course, as far as the service account may see it."""
    listed = services.ask(QUIZZES, **{"courseids[0]": course})["quizzes"]
    found = []
    for quiz in listed:
        asked = {"quizid": quiz["id"], "userid": learner, "status": "all"}
        rows = [row for row in services.ask(function, **asked)["attempts"] if not row.get("preview")]
        attempts = tuple(_attempt(row, out_of=number(quiz.get("sumgrades"))) for row in rows)
        took = sum((_took(row) for row in rows), timedelta())
        found.append(Quiz(ref=str(quiz["id"]), attempts=attempts, took=took))
    return tuple(found)


def _attempt(row: Mapping[str, Any], *, out_of: Decimal | None) -> Attempt:
    """An attempt's own grade is on the scale of the quiz's questions; only a finished one has any."""
    got = number(row.get("sumgrades")) if row["state"] == "finished" else None
    percent = got / out_of * 100 if got is not None and out_of else None
    ended = row.get("timefinish")
    at = datetime.fromtimestamp(int(ended), UTC) if ended else None
    return Attempt(number=int(row["attempt"]), percent=percent, at=at)


def _took(row: Mapping[str, Any]) -> timedelta:
    begun, ended = int(row.get("timestart") or 0), int(row.get("timefinish") or 0)
    return timedelta(seconds=ended - begun) if 0 < begun <= ended else timedelta()
