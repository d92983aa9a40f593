"""Receive: every event of a stored delivery finds its case, or opens one; none is ever counted twice."""

from __future__ import annotations

from decimal import Decimal

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.attestation import Attestation, AttestationKind
from pipeline.audit.trail import open_case, record
from pipeline.configuration.loading import configuration
from pipeline.settings import settings
from pipeline.stages import Stage
from pipeline.steps.afterwards.again import case_after, hold_after_withdrawal
from pipeline.steps.attest import attest
from pipeline.steps.telling.alerting import alert
from pipeline.steps.turn import ATTEMPTS, WakeUp, advance
from pipeline.store.attestations import as_row
from pipeline.store.cases import Case
from pipeline.store.database import transaction
from pipeline.store.decisions import as_json, event_from, reported_score_from
from pipeline.store.deliveries import Delivery, DeliveryState, EventRow, known_event
from pipeline.store.ids import new_id
from pipeline.store.learners import learner_id
from pipeline.store.withdrawals import approved_withdrawal
from pipeline.values import Event, ReportedScore

log = structlog.get_logger(__name__)

ACTOR = "confer.receive"


def receive(delivery_id: str) -> list[WakeUp]:
    """Open the cases of one delivery. Safe to repeat, and safe beside others that see the same events.

    Everything happens in one transaction; when another worker opened the same case in the same moment, the
    unique key refuses ours, and the second look finds theirs.
    """
    structlog.contextvars.bind_contextvars(delivery=delivery_id)
    for _ in range(3):
        try:
            with transaction() as session:
                return _receive(session, delivery_id)
        except IntegrityError:
            log.info("met_another_worker")
        except Exception as defect:
            log.exception("defect")
            _count_attempt(delivery_id, type(defect).__name__)
            return []
    return []


def _receive(session: Session, delivery_id: str) -> list[WakeUp]:
    delivery = session.get(Delivery, delivery_id, with_for_update=True)
    if delivery is None or delivery.state != DeliveryState.STORED:
        return []
    wakeups: list[WakeUp] = []
    uncovered: list[str] = []
    for document in delivery.events:
        event = event_from(document)
        if _is_known(session, delivery.source, event):
            continue
        program = configuration().program_for(source=delivery.source, course=event.course)
        if program is None:
            uncovered += [] if _meant(delivery.source, event.course) else [event.course]
        else:
            wakeups += _to_case(session, delivery, event, program.name)
    for document in delivery.scores:
        wakeups += _keep_score(session, delivery, reported_score_from(document))
    delivery.due_at = None
    if uncovered:
        _hold_uncovered(session, delivery, sorted(set(uncovered)))
    else:
        delivery.state, delivery.error_kind, delivery.error = DeliveryState.RECEIVED, None, None
    return wakeups


def _meant(source: str, course: str) -> bool:
    """Whether the account says that this course is to have no program."""
    account = configuration().lms.get(source)
    return account is not None and course in account.without_program


def _hold_uncovered(session: Session, delivery: Delivery, courses: list[str]) -> None:
    """An administrator has to add a program. They are told once a day per course, however many complete it."""
    delivery.state, delivery.error_kind = DeliveryState.HELD, "misconfigured"
    delivery.error = f"no program covers course {', '.join(courses)} of {delivery.source}"
    facts = {"source": delivery.source, "courses": courses}
    record(session, subject=delivery.id, kind="delivery.held", actor=ACTOR, facts=facts, rule_version=None)
    for course in courses:
        alert(
            session, key=f"{delivery.source}:{course}:uncovered:{clock.now():%Y-%m-%d}", severity="failure",
            title="No program",
            summary=f"No program covers course {course} of {delivery.source}, which is completed.",
            facts=[("Delivery", delivery.id)],
        )  # fmt: skip
    log.error("no_program", source=delivery.source, courses=", ".join(courses))


def _is_known(session: Session, source: str, event: Event) -> bool:
    """Whether the event was seen before; what a sweep saw without being told of the claim takes it over."""
    known = known_event(session, source=source, event=event)
    if known is None:
        return False
    if known.claim is None and event.claim is not None:
        known.claim = as_json(event.claim)
    return True


def _keep_score(session: Session, delivery: Delivery, score: ReportedScore) -> list[WakeUp]:
    """A result that the LMS tells only once is kept as its attestation about the learner."""
    program = configuration().program_for(source=delivery.source, course=score.course)
    if program is None:
        return []  # scores of courses without a program decide nothing; their completions are told of
    said = Attestation(
        id=new_id("attestation"), kind=AttestationKind.SCORE, about=score.item, author=f"lms:{delivery.source}",
        reason=f"reported as attempt {score.attempt}" if score.attempt else "reported", made_at=score.at,
        points=score.percent, out_of=Decimal(100),
    )  # fmt: skip
    learner = learner_id(session, source=delivery.source, ref=score.learner)
    row = as_row(
        said, learner_id=learner, program=program.name, document=as_json(said),
        key=f"{delivery.source}:{score.key}",
    )  # fmt: skip
    return attest(session, row, actor=ACTOR)


def _to_case(session: Session, delivery: Delivery, event: Event, program: str) -> list[WakeUp]:
    learner = learner_id(session, source=delivery.source, ref=event.learner)
    latest = (
        select(Case).filter_by(program=program, learner_id=learner).order_by(Case.generation.desc()).with_for_update()
    )
    case = session.scalars(latest.limit(1)).first()
    facts = {"delivery": delivery.id, "event": event.key, "occurred_at": event.occurred_at.isoformat()}
    wakeups: list[WakeUp] = []
    was_closed = case is not None and case.stage == Stage.CLOSED
    if case is None:
        case = _new_case(delivery, event, program, learner)
        open_case(session, case, actor=ACTOR, facts=facts)
        wakeups = [WakeUp(task=Stage.GATHER.value, id=case.id)]
    elif _completed_since_withdrawn(session, case, event):
        before = case.id
        case, _ = case_after(session, case, event=(delivery.id, event), actor=ACTOR, facts=facts)
        hold_after_withdrawal(session, case, withdrawn=before, actor=ACTOR)
    elif case.stage in {Stage.FAILED, Stage.INFORM} or _completed_since_closed(case, event):
        # a new completion after a failed check: the record may be better now
        wakeups = advance(session, case, Stage.GATHER, kind="event.reopened", actor=ACTOR, **facts)
        if case.follows_id and was_closed:
            hold_after_withdrawal(session, case, withdrawn=case.follows_id, actor=ACTOR)
            wakeups = []
    else:
        record(session, subject=case.id, kind="event.duplicate", actor=ACTOR, facts=facts, rule_version=None)
        log.info("duplicate_event", case=case.id)
    session.add(
        EventRow(
            id=new_id("event"), delivery_id=delivery.id, source=delivery.source, key=event.key,
            learner=event.learner, course=event.course, occurred_at=event.occurred_at, case_id=case.id,
            swept=event.swept, claim=as_json(event.claim) if event.claim else None,
        )
    )  # fmt: skip
    session.flush()
    return wakeups


def _completed_since_closed(case: Case, event: Event) -> bool:
    return case.stage == Stage.CLOSED and event.occurred_at > case.entered_at


def _completed_since_withdrawn(session: Session, case: Case, event: Event) -> bool:
    """A completion before the decision to withdraw is what was withdrawn, however late it is announced."""
    withdrawal = approved_withdrawal(session, case.id)
    return bool(withdrawal and withdrawal.decided_at and event.occurred_at > withdrawal.decided_at)


def _new_case(delivery: Delivery, event: Event, program: str, learner: str) -> Case:
    now = clock.now()
    return Case(
        id=new_id("case"), source=delivery.source, course=event.course, program=program, learner_id=learner,
        generation=1, delivery_id=delivery.id, event_key=event.key, occurred_at=event.occurred_at,
        opened_at=now, changed_at=now, entered_at=now, stage=Stage.GATHER.value, due_at=now, announced_at=now,
    )  # fmt: skip


def _count_attempt(delivery_id: str, error: str) -> None:
    with transaction() as session:
        delivery = session.get(Delivery, delivery_id, with_for_update=True)
        if delivery is None or delivery.state != DeliveryState.STORED:
            return
        delivery.attempts += 1
        delivery.error_kind, delivery.error = "defect", error
        if delivery.attempts >= ATTEMPTS:
            delivery.state, delivery.due_at = DeliveryState.HELD, None
            facts = {"error": error}
            record(session, subject=delivery.id, kind="delivery.held", actor=ACTOR, facts=facts, rule_version=None)
            alert(
                session, key=f"{delivery.id}:held", severity="failure", title="Delivery held",
                summary=f"A delivery of {delivery.source} cannot be received: {error}.",
                facts=[("Delivery", delivery.id)],
            )  # fmt: skip
        else:
            delivery.due_at = clock.now() + settings().retry_interval
