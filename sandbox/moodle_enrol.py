"""The web service function that enrols by hand, with what makes it dangerous: it overwrites what exists."""

from __future__ import annotations

from typing import Any

from sandbox.moodle import Moodle
from sandbox.moodle_errors import InvalidParameter, Trouble

#: roles as a new site has them
STUDENT = 5
_ASSIGNABLE = (3, 4, STUDENT)


def enrol_users(moodle: Moodle, values: dict[str, Any]) -> None:
    """`enrol_manual_enrol_users`: all or none, and `null` for success, also where everybody was enrolled before."""
    rows = values["enrolments"]
    for row in rows:
        if row["courseid"] not in moodle.courses:
            raise InvalidParameter(f"course {row['courseid']}")
        if not moodle.course(row["courseid"]).manual_enrolment:
            raise Trouble("wsnoinstance", f"course {row['courseid']}")
        if row["roleid"] not in _ASSIGNABLE:
            raise Trouble("wsusercannotassign", f"role {row['roleid']}")
        moodle.learner(row["userid"])
    for row in rows:
        enrolment = moodle.enrol(row["userid"], row["courseid"])
        # an enrolment that was suspended is active again by a plain call (contract 3)
        enrolment.suspended = row["suspend"]
