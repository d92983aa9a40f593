"""What persons and outside systems state about a learner, checked before it is kept.

An attestation names its author and a reason. An outside system may state only what `staff.yaml` lets it, and sends
the same key with a repeat.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema
from sqlalchemy import select

from pipeline import clock
from pipeline.attestation import Attestation, AttestationKind
from pipeline.configuration.loading import configuration
from pipeline.configuration.staff import Person, Role
from pipeline.review.refusals import NotAllowed, NotPossible, Unknown
from pipeline.steps.attest import attest, withdraw
from pipeline.steps.turn import WakeUp
from pipeline.store.attestations import AttestationRow, as_row
from pipeline.store.database import transaction
from pipeline.store.decisions import as_json
from pipeline.store.ids import new_id
from pipeline.store.learners import learner_id

#: what an outside system may state at all
_OF_SYSTEMS = frozenset({AttestationKind.APPROVAL, AttestationKind.SCORE, AttestationKind.TIME})
#: what an accommodation may set for one learner: another threshold of a score, another minimum of time
_ADAPTED = {"points", "out_of", "hours"}
_LARGEST = Decimal(1_000_000)


class AttestationSchema(Schema):
    """One attestation as it is sent. `learner` is the id at the LMS account `source`."""

    source = fields.String(required=True)
    learner = fields.String(required=True, validate=validate.Length(min=1, max=64))
    program = fields.String(load_default=None, allow_none=True)
    kind = fields.Enum(AttestationKind, by_value=True, required=True)
    about = fields.String(load_default="", validate=validate.Length(max=200))
    item = fields.String(load_default="", validate=validate.Length(max=200))
    reason = fields.String(required=True, validate=validate.Length(min=1, max=1000))
    approved = fields.Boolean(load_default=None, allow_none=True, truthy={True}, falsy={False})
    points = fields.Decimal(load_default=None, allow_none=True, validate=validate.Range(min=0, max=_LARGEST))
    out_of = fields.Decimal(
        load_default=None, allow_none=True, validate=validate.Range(min=0, min_inclusive=False, max=_LARGEST)
    )
    hours = fields.Decimal(load_default=None, allow_none=True, validate=validate.Range(min=0, max=_LARGEST))
    name = fields.String(load_default=None, allow_none=True, validate=validate.Length(min=1, max=300))
    #: the same for a repeat of the same attestation
    key = fields.String(load_default=None, allow_none=True, validate=validate.Length(min=1, max=200))
    valid_from = fields.AwareDateTime(load_default=None, allow_none=True)
    valid_until = fields.AwareDateTime(load_default=None, allow_none=True)

    @validates_schema
    def _whole(self, data: dict[str, Any], **_: Any) -> None:
        """What each kind has to say.

        Raises:
            ValidationError: naming the member that is missing or too much.
        """
        wanted = {
            AttestationKind.APPROVAL: {"approved"},
            AttestationKind.SCORE: {"points", "out_of"},
            AttestationKind.TIME: {"hours"},
        }.get(data["kind"], set())
        faults = {name: ["is needed for this kind"] for name in wanted if data[name] is None}
        may_have = _ADAPTED if data["kind"] is AttestationKind.ACCOMMODATION else wanted
        extra = {"approved", "points", "out_of", "hours"} - may_have
        faults |= {name: ["does not belong to this kind"] for name in extra if data[name] is not None}
        if data["kind"] in {*_OF_SYSTEMS, AttestationKind.EXEMPTION, AttestationKind.ACCOMMODATION}:
            faults |= {} if data["about"] else {"about": ["say what it is about, such as `portfolio` or `modules`"]}
        if (data["points"] is None) != (data["out_of"] is None):
            faults |= {"out_of": ["belongs to `points`: write both, such as 3.5 of 5"]}
        begins, ends = data["valid_from"], data["valid_until"]
        if begins and ends and ends <= begins:
            faults["valid_until"] = ["has to lie after valid_from"]
        if faults:
            raise ValidationError(faults)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A kept attestation. `new` is false for a repeat."""

    id: str
    new: bool
    wakeups: tuple[WakeUp, ...]


def state(person: Person, loaded: dict[str, Any]) -> Kept:
    """Keep an attestation that has passed `AttestationSchema`.

    Raises:
        NotAllowed: the person, or the system, may not state this.
        NotPossible: it refers to a program or an LMS account that there is not.
    """
    _refuse(person, loaded)
    said = Attestation(
        id=new_id("attestation"), author=person.actor, made_at=clock.now(),
        **{name: loaded[name] for name in ("kind", "about", "item", "reason", "approved", "points", "out_of",
                                           "hours", "name")},
    )  # fmt: skip
    key = f"{person.actor}:{loaded['key']}" if loaded["key"] else None
    with transaction() as session:
        known = session.scalar(select(AttestationRow.id).filter_by(key=key)) if key else None
        if known:
            return Kept(id=known, new=False, wakeups=())
        learner = learner_id(session, source=loaded["source"], ref=loaded["learner"])
        row = as_row(
            said, learner_id=learner, program=loaded["program"], document=as_json(said), key=key,
            valid_from=loaded["valid_from"], valid_until=loaded["valid_until"],
        )  # fmt: skip
        wakeups = attest(session, row, actor=person.actor)
    return Kept(id=row.id, new=True, wakeups=tuple(wakeups))


def take_back(person: Person, attestation: str, reason: str) -> list[WakeUp]:
    """Withdraw an attestation: one's own, or as an administrator anybody's.

    Raises:
        Unknown, NotAllowed, NotPossible: nothing was changed.
    """
    if not reason.strip():
        raise NotPossible("withdrawing an attestation needs a reason")
    with transaction() as session:
        row = session.get(AttestationRow, attestation, with_for_update=True)
        if row is None or (row.program and not person.covers(row.program)):
            raise Unknown(f"there is no attestation {attestation[:60]}")
        if row.author != person.actor and not person.may(Role.ADMINISTRATOR):
            raise NotAllowed("only its author or an administrator can withdraw an attestation")
        return withdraw(session, row, actor=person.actor, reason=reason.strip())


def _refuse(person: Person, loaded: dict[str, Any]) -> None:
    config = configuration()
    if loaded["source"] not in config.lms:
        raise NotPossible(f"there is no LMS account {loaded['source'][:60]}")
    program = loaded["program"]
    if program and program not in config.programs:
        raise NotPossible(f"there is no program {program[:60]}")
    if person.programs and (not program or not person.covers(program)):
        raise NotAllowed(f"{person.name} states something about {', '.join(person.programs)} only; name the program")
    if person.role is Role.SYSTEM:
        if loaded["kind"] not in _OF_SYSTEMS or loaded["about"] not in person.states:
            raise NotAllowed(f"{person.name} may state: {', '.join(person.states)}")
    elif not person.may(Role.REVIEWER):
        raise NotAllowed(f"to state something takes the role {Role.REVIEWER.value}")
