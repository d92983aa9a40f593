"""One credential at one platform account: planned with the decision, confirmed by the platform, at most once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column, validates

from pipeline.stages import OVER, CredentialState
from pipeline.store.cases import Case
from pipeline.store.database import Row
from pipeline.store.learners import LearnerRow
from pipeline.values import PrerequisiteState

#: of a credential that its holder has
_HELD = (CredentialState.CONFIRMED.value, CredentialState.CORRECTING.value)


class CredentialRow(Row):
    """One credential. The unique key is the promise: one per learner, program, generation and account.

    `order` is what the platform is asked for, frozen with the decision. `ref` is our reference at the
    platform, derived from the unique key, so that even a restored backup finds what was issued after it.
    """

    __tablename__ = "credentials"
    __table_args__ = (
        UniqueConstraint("learner_id", "program", "generation", "account"),
        UniqueConstraint("ref"),
        Index("credentials_due", "account", "due_at", "id"),
        Index("credentials_rank", "account", "rank_at", "id"),
        Index("credentials_program_rank", "account", "program", "rank_at"),
        Index("credentials_platform_ref", "account", "platform_ref"),
        Index("credentials_confirmed", "account", "confirmed_at"),
        Index("credentials_replaces", "replaces_id"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    learner_id: Mapped[str] = mapped_column(ForeignKey("learners.id"))
    program: Mapped[str] = mapped_column(String(64))
    generation: Mapped[int]
    account: Mapped[str] = mapped_column(String(64))
    ref: Mapped[str] = mapped_column(String(80))
    order: Mapped[dict[str, Any]]
    rule_version: Mapped[str] = mapped_column(String(64))

    state: Mapped[str] = mapped_column(String(16), default=CredentialState.PLANNED)
    platform_ref: Mapped[str | None] = mapped_column(String(200))
    url: Mapped[str | None] = mapped_column(String(1000))
    confirmed_at: Mapped[datetime | None]

    #: the credential of an earlier generation whose place this one takes
    replaces_id: Mapped[str | None] = mapped_column(String(40))
    withdrawn_at: Mapped[datetime | None]
    #: why it was or is to be withdrawn: a code, fit for the public
    withdraw_reason: Mapped[str | None] = mapped_column(String(64))
    #: whether the learner took it, as far as the platform tells
    claim_state: Mapped[str | None] = mapped_column(String(16))
    claimed_at: Mapped[datetime | None]
    #: when it was last held against what the platform has
    checked_at: Mapped[datetime | None]
    #: in what the platform's copy differed then: words of `pipeline.watch.holdings.Difference`, by commas
    differs: Mapped[str | None] = mapped_column(String(100))

    due_at: Mapped[datetime | None]
    #: its place among what waits, never before it is due: see `pipeline.traffic.ranks`
    rank_at: Mapped[datetime | None]
    owner: Mapped[str | None] = mapped_column(String(80))
    attempts: Mapped[int] = mapped_column(default=0)
    crashes: Mapped[int] = mapped_column(default=0)
    #: when the last call that may have had an effect had ended at the latest
    unclear_since: Mapped[datetime | None]
    #: when it last failed together with the platform
    failed_at: Mapped[datetime | None]
    error_kind: Mapped[str | None] = mapped_column(String(32))
    error: Mapped[str | None] = mapped_column(String(1000))

    @validates("due_at")
    def _keep_rank(self, key: str, due: datetime | None) -> datetime | None:
        """What waits for nothing has no rank, and nobody's rank is before it is due: the claim relies on it."""
        del key
        if due is None:
            self.rank_at = None
        elif self.rank_at is None or self.rank_at < due:
            self.rank_at = due
        return due


def credentials_of(session: Session, case_id: str, *, locked: bool = False) -> Sequence[CredentialRow]:
    """The credentials of a case in the order in which they were planned; those that are over too."""
    query = select(CredentialRow).filter_by(case_id=case_id).order_by(CredentialRow.id)
    return session.scalars(query.with_for_update() if locked else query).all()


def awaits_another(session: Session, row: CredentialRow) -> bool:
    """Whether the credential whose place this one takes is not over yet: until then nothing is issued."""
    before = session.get(CredentialRow, row.replaces_id) if row.replaces_id else None
    return before is not None and before.state not in OVER


def next_generation(session: Session, *, learner_id: str, program: str) -> int:
    """A number that no award of this program to this learner has had; lock their case before."""
    found = [
        session.scalar(select(func.max(kind.generation)).filter_by(learner_id=learner_id, program=program)) or 0
        for kind in (Case, CredentialRow)
    ]
    return max(found) + 1


def standing_of(session: Session, *, learner_id: str, program: str, on: date) -> tuple[PrerequisiteState, str]:
    """Whether a learner holds a credential of a program on a day, and why not.

    One that somebody with the same address or number at another LMS account holds may well be theirs: that is for
    a person to say.
    """
    confirmed = select(CredentialRow).filter_by(program=program).where(CredentialRow.state.in_(_HELD))
    own = session.scalars(confirmed.filter_by(learner_id=learner_id)).all()
    if any(_runs(row, on) for row in own):
        return PrerequisiteState.MET, ""
    if own:
        return PrerequisiteState.UNMET, "the credential has expired"
    replaced = select(CredentialRow.id).filter_by(program=program, learner_id=learner_id)
    replaced = replaced.where(CredentialRow.replaces_id.is_not(None), CredentialRow.state.not_in(OVER))
    if session.scalar(replaced.limit(1)):
        return PrerequisiteState.UNCLEAR, "the credential is being replaced"
    me = session.get_one(LearnerRow, learner_id)
    same = [LearnerRow.sis_id == me.sis_id] if me.sis_id else []
    same += [LearnerRow.email_key == me.email_key] if me.email_key else []
    others = confirmed.join(LearnerRow, LearnerRow.id == CredentialRow.learner_id).where(or_(*same)) if same else None
    if others is not None and any(_runs(row, on) for row in session.scalars(others)):
        return PrerequisiteState.UNCLEAR, "held under another LMS account with the same address or number"
    return PrerequisiteState.UNMET, "no such credential was issued"


def _runs(row: CredentialRow, on: date) -> bool:
    expires: str | None = row.order.get("expires_on")
    return expires is None or date.fromisoformat(expires) >= on
