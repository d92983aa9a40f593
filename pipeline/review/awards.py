"""Awarding again: a person lets a learner, whose credential was withdrawn, earn it anew. All is judged again."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from pipeline.configuration.staff import Person, Role
from pipeline.review.refusals import Changed, NotAllowed, NotPossible, Unknown
from pipeline.stages import Stage
from pipeline.steps.afterwards.again import case_after
from pipeline.steps.turn import WakeUp
from pipeline.store.cases import Case
from pipeline.store.database import transaction
from pipeline.store.decisions import content_hash

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Again:
    """The case in which a program is awarded again. `new` is false where there was one already."""

    case: str
    stage: str
    new: bool
    wakeups: tuple[WakeUp, ...] = ()


def award_again(person: Person, case_id: str, reason: str) -> Again:
    """Open a new case for the learner of a withdrawn one; of any number of calls at once one opens it.

    Raises:
        Unknown, NotAllowed, Changed, NotPossible: nothing was changed.
    """
    if not person.may(Role.REVIEWER):
        raise NotAllowed(f"to award a program again takes the role {Role.REVIEWER.value}")
    if not reason.strip():
        raise NotPossible("to award a program again needs a reason")
    try:
        with transaction() as session:
            case = session.get(Case, case_id, with_for_update=True)
            if case is None or not person.covers(case.program):
                raise Unknown(f"there is no case {case_id[:60]}")
            if case.stage != Stage.WITHDRAWN:
                raise NotPossible(f"the case is {case.stage}; only what was withdrawn is awarded again")
            there = session.scalars(select(Case).filter_by(follows_id=case.id).limit(1)).first()
            if there:
                return Again(case=there.id, stage=there.stage, new=False)
            facts = {"sha256": content_hash(reason.strip())}
            made, wakeups = case_after(session, case, event=None, actor=person.actor, facts=facts)
    except IntegrityError:  # a new completion opened it in the same moment
        raise Changed("the learner has another case since this moment; look at it") from None
    log.info("awarded_again", case=made.id, actor=person.actor)
    return Again(case=made.id, stage=made.stage, new=True, wakeups=tuple(wakeups))
