"""Other courses were completed, other credentials are held; what is contested or cannot be told is for a person."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

from pipeline.attested import approval, exempt, temper
from pipeline.contracts import Criterion
from pipeline.values import Check, Fact, Outcome, Prerequisite, PrerequisiteState, Record


class PrerequisitesSchema(Schema):
    """`prerequisites: {courses: ["11"], credentials: [first-aid]}`: course ids of the LMS, programs of ours."""

    courses = fields.List(fields.String(), load_default=list)
    #: programs whose credential the learner has to hold, and that has not expired or been withdrawn
    credentials = fields.List(fields.String(), load_default=list)
    #: a person attests the courses (an approval about `prerequisites`), because the LMS cannot tell
    attested = fields.Boolean(load_default=False)

    @validates_schema
    def _something(self, data: dict[str, Any], **_: Any) -> None:
        """Something has to be asked for.

        Raises:
            ValidationError: neither courses nor credentials are named.
        """
        if not data.get("courses") and not data.get("credentials"):
            raise ValidationError("name `courses` of the LMS, `credentials` of other programs, or both")


class Prerequisites(Criterion):
    """Every named course is completed and every named credential held, or waived by an exemption that names it."""

    name = "prerequisites"
    label = "prerequisites"
    options = PrerequisitesSchema
    needs = frozenset({Fact.PREREQUISITES})

    @property
    def asks(self) -> frozenset[Fact]:
        return self.needs if self.courses() else frozenset()

    def courses(self) -> tuple[str, ...]:
        return () if self.values["attested"] else tuple(self.values["courses"])

    def credentials(self) -> tuple[str, ...]:
        return tuple(self.values["credentials"])

    def judge(self, record: Record) -> Check:
        wanted = [("course", ref) for ref in self.values["courses"]] + [
            ("credential", ref) for ref in self.credentials()
        ]
        states: dict[tuple[str, str], Prerequisite] = {(one.kind, one.course): one for one in record.prerequisites}
        said = approval(self, record, self.name) if self.values["attested"] and self.values["courses"] else None
        found = [self._state(record, kind, ref, states.get((kind, ref)), said) for kind, ref in wanted]
        outcome, reason = _outcome(found)
        places = [record.sources.get(Fact.PREREQUISITES, "not read")] if self.courses() else []
        places += [said.where] if said else []
        places += [record.sources.get(Fact.CREDENTIALS, "not read")] if self.credentials() else []
        met = sum(one.state is PrerequisiteState.MET for one in found)
        check = self.check(
            record, outcome, threshold=f"completed: {_named(found)}", seen=f"{met} of {len(found)} completed",
            where=", ".join(dict.fromkeys(places)), reason=reason,
        )  # fmt: skip
        return temper(check, record, about=self.name, items=[ref for _, ref in wanted])

    def _state(
        self, record: Record, kind: Any, ref: str, known: Prerequisite | None, said: Check | None
    ) -> Prerequisite:
        """One prerequisite as it stands: waived, attested, or as the record has it."""
        unclear = Prerequisite(course=ref, kind=kind, state=PrerequisiteState.UNCLEAR)
        if exempt(record, self.name, ref):
            return Prerequisite(course=ref, kind=kind, state=PrerequisiteState.MET)
        if kind == "course" and said is not None:
            return Prerequisite(course=ref, kind=kind, state=_OF_APPROVAL[said.outcome], reason=said.reason)
        return known or unclear


_OF_APPROVAL = {
    Outcome.PASS: PrerequisiteState.MET,
    Outcome.FAIL: PrerequisiteState.UNMET,
    Outcome.HOLD: PrerequisiteState.UNCLEAR,
}


def _outcome(found: list[Prerequisite]) -> tuple[Outcome, str]:
    unmet = [one for one in found if one.state is PrerequisiteState.UNMET]
    unclear = [one for one in found if one.state is PrerequisiteState.UNCLEAR]
    if unmet:
        return Outcome.FAIL, f"not completed: {_named(unmet)}"
    if unclear:
        why = "; ".join(dict.fromkeys(one.reason for one in unclear if one.reason))
        return Outcome.HOLD, f"unclear: {_named(unclear)}" + (f" ({why})" if why else "")
    return Outcome.PASS, "all met"


def _named(found: list[Prerequisite]) -> str:
    """`course 11, 13, credential first-aid`"""
    kinds = dict.fromkeys(one.kind for one in found)
    return ", ".join(f"{kind} " + ", ".join(one.course for one in found if one.kind == kind) for kind in kinds)
