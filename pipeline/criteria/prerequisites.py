"""Other courses were completed first; what the LMS will not tell is for a person."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from pipeline.contracts import Criterion
from pipeline.values import Check, Fact, Outcome, PrerequisiteState, Record


class PrerequisitesSchema(Schema):
    """`prerequisites: {courses: ["11"]}`, the LMS's own course ids."""

    courses = fields.List(fields.String(), required=True, validate=validate.Length(min=1))


class Prerequisites(Criterion):
    """Every named course is completed."""

    name = "prerequisites"
    label = "prerequisites"
    options = PrerequisitesSchema
    needs = frozenset({Fact.PREREQUISITES})

    def courses(self) -> tuple[str, ...]:
        return tuple(self.values["courses"])

    def judge(self, record: Record) -> Check:
        states = {prerequisite.course: prerequisite for prerequisite in record.prerequisites}
        courses = self.courses()
        known = {
            course: states[course].state if course in states else PrerequisiteState.UNCLEAR for course in courses
        }
        unmet = [course for course in courses if known[course] is PrerequisiteState.UNMET]
        unclear = [course for course in courses if known[course] is PrerequisiteState.UNCLEAR]
        if unmet:
            outcome, reason = Outcome.FAIL, f"not completed: course {', '.join(unmet)}"
        elif unclear:
            why = "; ".join(states[course].reason for course in unclear if course in states and states[course].reason)
            outcome, reason = Outcome.HOLD, f"unclear: course {', '.join(unclear)}" + (f" ({why})" if why else "")
        else:
            outcome, reason = Outcome.PASS, "all met"
        return Check(
            criterion=self.name,
            outcome=outcome,
            threshold=f"completed: course {', '.join(courses)}",
            seen=f"{sum(state is PrerequisiteState.MET for state in known.values())} of {len(courses)} completed",
            where=record.sources.get(Fact.PREREQUISITES, "not read"),
            read_at=record.read_at,
            reason=reason,
        )
