"""Corrections as persons ask for them: another name on what was issued, theirs or the one that the LMS has now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.audit.trail import record
from pipeline.configuration.loading import configuration
from pipeline.configuration.staff import Person, Role
from pipeline.errors import Failure
from pipeline.review.refusals import NotAllowed, NotPossible, Unknown
from pipeline.stages import OVER, CredentialState, Stage
from pipeline.steps.afterwards.replacing import NOT_ISSUED, begin_correction
from pipeline.steps.gather import lms, read_record
from pipeline.steps.turn import WakeUp
from pipeline.store.cases import Case
from pipeline.store.corrections import Correction
from pipeline.store.credentials import CredentialRow, credentials_of
from pipeline.store.database import reading, transaction
from pipeline.store.decisions import content_hash
from pipeline.store.ids import new_id
from pipeline.store.learners import LearnerRow
from pipeline.store.withdrawals import open_withdrawal
from pipeline.values import Learner

log = structlog.get_logger(__name__)

_LONGEST = 300
#: a case that was held here has issued credentials, and only has to tell of them
_TOLD = frozenset({Stage.NOTIFY, Stage.DOWNSTREAM})


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the credentials are to say. Without a name: what the LMS says now."""

    reason: str
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Corrected:
    """A kept correction, and where the case stands with it."""

    id: str
    stage: str
    wakeups: tuple[WakeUp, ...]


def correct(person: Person, case_id: str, wish: Wish) -> Corrected:
    """Have the credentials of a case say another name: changed in place, or withdrawn and issued anew.

    Raises:
        Unknown, NotAllowed, NotPossible: nothing was changed.
    """
    if not person.may(Role.REVIEWER):
        raise NotAllowed(f"to correct a credential takes the role {Role.REVIEWER.value}")
    if not wish.reason.strip():
        raise NotPossible("a correction needs a reason")
    found = _from_lms(person, case_id) if wish.name is None else None
    name = _checked(found.name if found else wish.name or "")
    with transaction() as session:
        case = _case(session, person, case_id, locked=True)
        rows = [row for row in credentials_of(session, case.id, locked=True) if row.state not in OVER]
        _refuse(session, case, rows)
        row = _keep(session, case, person, wish, name=name, found=found)
        if not _changes(rows, row):
            raise NotPossible("every credential of the case says so already")
        wakeups = begin_correction(session, case, row, actor=person.actor)
        made = Corrected(id=row.id, stage=case.stage, wakeups=tuple(wakeups))
    log.info("correction_requested", case=case_id, actor=person.actor)
    return made


def _case(session: Session, person: Person, case_id: str, *, locked: bool = False) -> Case:
    case = session.get(Case, case_id, with_for_update=locked)
    if case is None or not person.covers(case.program):
        raise Unknown(f"there is no case {case_id[:60]}")
    return case


def _checked(name: str) -> str:
    """A name in one line.

    Raises:
        NotPossible: it is none.
    """
    plain = " ".join(name.split())
    if not plain or len(plain) > _LONGEST or not plain.isprintable():
        raise NotPossible(f"a name has 1 to {_LONGEST} characters that can be printed")
    return plain


def _from_lms(person: Person, case_id: str) -> Learner:
    """The learner as the LMS knows them now; asked outside any transaction."""
    with reading() as session:
        case = _case(session, person, case_id)
        learner = session.get_one(LearnerRow, case.learner_id).ref
    program = configuration().programs.get(case.program)
    if program is None:
        raise NotPossible(f"the program {case.program} is gone from the configuration; write the name yourself")
    try:
        return read_record(lms(case.source), program, learner=learner).learner
    except Failure as failure:
        raise NotPossible(f"the LMS did not tell: {failure.detail}") from None


def _refuse(session: Session, case: Case, rows: Sequence[CredentialRow]) -> None:
    if open_withdrawal(session, case.id):
        raise NotPossible("a withdrawal of the case is asked for; it has to be refused first")
    if not rows:
        raise NotPossible(
            f"the case is {case.stage} and has no credential; correct the name in the LMS, and look again"
        )
    issuing = case.stage == Stage.ISSUE or (case.stage == Stage.HELD and case.resume == Stage.ISSUE)
    if issuing and all(row.state in NOT_ISSUED and row.owner is None for row in rows):
        return
    done = case.stage == Stage.DONE or (case.stage == Stage.HELD and case.resume in _TOLD)
    if not done:
        raise NotPossible(f"the case is {case.stage}; correct it when that is done")
    elsewhere = sorted(row.account for row in rows if row.state != CredentialState.CONFIRMED)
    if elsewhere:
        raise NotPossible(f"something is under way with the credential at {', '.join(elsewhere)}; wait for it")
    gone = sorted(row.account for row in rows if row.account not in configuration().platforms)
    if gone:
        raise NotPossible(f"{', '.join(gone)} is gone from accounts.yaml")


def _keep(
    session: Session, case: Case, person: Person, wish: Wish, *, name: str, found: Learner | None
) -> Correction:
    """The name stays out of the ledger, which holds nothing personal; its hash is there."""
    row = Correction(
        id=new_id("correction"), case_id=case.id, name=name, given_name=found.given_name if found else None,
        family_name=found.family_name if found else None,
        email=found.email.strip() or None if found else None,
        source=case.source if found else "person", reason=wish.reason.strip(), made_by=person.actor,
        made_at=clock.now(),
    )  # fmt: skip
    session.add(row)
    facts = {
        "correction": row.id, "source": row.source,
        "sha256": content_hash([row.name, row.given_name, row.family_name, row.email, row.reason]),
    }  # fmt: skip
    record(
        session, subject=case.id, kind="correction.requested", actor=person.actor, facts=facts,
        rule_version=case.rule_version,
    )  # fmt: skip
    return row


def _changes(rows: Sequence[CredentialRow], wanted: Correction) -> bool:
    """Whether any credential says something else now; an address is compared as platforms do."""
    email = (wanted.email or "").casefold()
    return any(
        row.order["name"] != wanted.name or (email and row.order["email"].strip().casefold() != email) for row in rows
    )
