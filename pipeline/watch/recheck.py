"""Recheck: what we issued at a platform account, held against what it has, both ways. Nothing is changed there.

Both sides are streamed: a page of the platform's list is looked up here by its ids, and each row that was met is
stamped; what then carries no fresh stamp was not listed. So it takes as little memory for a hundred thousand
credentials as for ten. A list may lag behind, therefore whatever speaks of a credential of ours is read once more by
itself before it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipeline import clock
from pipeline.audit.trail import change
from pipeline.configuration.loading import Configuration
from pipeline.contracts import Account, Platform
from pipeline.errors import Failure, Misconfigured, Outage, Rejected, Throttled
from pipeline.stages import CredentialState
from pipeline.steps.claim import learn
from pipeline.steps.lane.asking import beside
from pipeline.store.cases import Case
from pipeline.store.credentials import CredentialRow
from pipeline.store.database import reading, transaction
from pipeline.values import Held, Standing
from pipeline.watch.holdings import MEANINGS, Difference, Finding, differences

log = structlog.get_logger(__name__)

ACTOR = "confer.recheck"
#: credentials that are looked up and stamped together
_TOGETHER = 200
#: credentials of one account that a run reads one by one; lists that are wrong altogether must not take all night
_READ_ALONE = 200
#: the longest wait for a place in the account's pace, in seconds
_PATIENCE = 120.0
_OURS = "confer-"

Told = Callable[[int], object]


@dataclass(kw_only=True)
class _Run:
    """One account, while it is rechecked."""

    account: Account
    platform: Platform
    began: datetime
    told: Told
    reads: int
    unread: int = 0
    listed: list[str] = field(default_factory=list)


def recheck(
    config: Configuration, account: Account, *, template: str | None = None, told: Told = lambda _: None
) -> Iterator[Finding]:
    """Every difference of one account, as it is found. What was learnt about claims is written down.

    Args:
        template: only this one.
        told: is called with the number of credentials compared since the last call.
    """
    try:
        with beside(account, patience=_PATIENCE, gives_way=True) as platform:
            run = _Run(account=account, platform=platform, began=clock.now(), told=told, reads=_READ_ALONE)
            for one in [template] if template else _templates(config, account.name):
                yield from _template(run, one)
            yield from _unlisted(run)
            if run.unread:
                detail = f"{run.unread} further credentials may differ; a run reads {_READ_ALONE} one by one"
                yield Finding(kind=Difference.NOT_COMPARED, account=account.name, detail=detail)
    except Failure as failure:
        yield _not_asked(account, failure)
    except Exception as defect:
        log.exception("defect", account=account.name)
        yield _not_asked(account, Rejected(f"defect: {type(defect).__name__}"))


def _not_asked(account: Account, failure: Failure, template: str = "") -> Finding:
    return Finding(
        kind=Difference.NOT_ASKED, account=account.name, template=template, detail=failure.detail,
        passing=isinstance(failure, Outage | Throttled),
    )  # fmt: skip


def _templates(config: Configuration, account: str) -> list[str]:
    """The templates of the programs, and those under which something was issued before."""
    used = {one.template for program in config.programs.values() for one in program.awards if one.account == account}
    order = CredentialRow.order["template"].as_string()
    with reading() as session:
        issued = session.scalars(select(order).filter_by(account=account).distinct()).all()
    return sorted(used.union(filter(None, issued)))


def _template(run: _Run, template: str) -> Iterator[Finding]:
    """All that the platform lists of a template. One that it refuses does not keep the others from being compared."""
    held = run.platform.held(template)
    try:
        while page := list(islice(held, _TOGETHER)):
            yield from _page(run, page)
    except (Rejected, Misconfigured) as refusal:
        if isinstance(refusal, Misconfigured) and refusal.whole_account:
            raise
        yield _not_asked(run.account, refusal, template)
        return
    run.listed.append(template)


def _page(run: _Run, page: list[Held]) -> Iterator[Finding]:
    """Compare a page: stamp the rows, note the claims, read again what differs; then what no row is about."""
    by_ref = {one.platform_ref: one for one in page}
    with transaction() as session:
        rows = _locked(session, run.account.name, by_ref)
        doubts = []
        for row in rows:
            held = by_ref[str(row.platform_ref)]
            learn(session, row, held, actor=ACTOR)
            if row.differs or differences(row, held, today=run.began.date()):
                doubts.append(row)
            else:
                row.checked_at = clock.now()
    run.told(len(page))
    for row in doubts:
        if run.reads:
            yield from _alone(run, row.id)
        elif row.state != CredentialState.CONFIRMED:  # those that are have no stamp now, and are counted at the end
            run.unread += 1
    known = {row.platform_ref for row in rows}
    strangers = [one for ref, one in by_ref.items() if ref not in known]
    if strangers:
        yield from _strangers(run, strangers)


def _locked(session: Session, account: str, refs: Collection[str]) -> list[CredentialRow]:
    """The rows of these credentials, locked; their cases before them, as everybody does."""
    ours = (CredentialRow.account == account, CredentialRow.platform_ref.in_(refs))
    cases = select(CredentialRow.case_id).where(*ours)
    session.execute(select(Case.id).where(Case.id.in_(cases)).order_by(Case.id).with_for_update())
    query = select(CredentialRow).where(*ours).order_by(CredentialRow.id).with_for_update()
    return list(session.scalars(query))


def _unlisted(run: _Run) -> Iterator[Finding]:
    """What is confirmed here and was in no list, read by itself; a new one may not be listed yet."""
    settled = run.began - run.account.settles_within
    query = select(CredentialRow.id).where(
        CredentialRow.account == run.account.name,
        CredentialRow.state == CredentialState.CONFIRMED,
        CredentialRow.confirmed_at < settled,
        (CredentialRow.checked_at.is_(None)) | (CredentialRow.checked_at < run.began),
        CredentialRow.order["template"].as_string().in_(run.listed),
    )
    # each is stamped when it was read, and so is not found again; those that waited longest come first
    longest = query.order_by(CredentialRow.checked_at.is_not(None), CredentialRow.checked_at, CredentialRow.id)
    while run.reads:
        with reading() as session:
            ids = session.scalars(longest.limit(min(_TOGETHER, run.reads))).all()
        if not ids:
            return
        for one in ids:
            yield from _alone(run, one)
    with reading() as session:
        run.unread += session.scalar(select(func.count()).select_from(query.subquery())) or 0


def _alone(run: _Run, credential_id: str) -> Iterator[Finding]:
    """Read one credential of ours by itself, note in what it differs, and tell it."""
    with reading() as session:
        row = session.get_one(CredentialRow, credential_id)
    held = run.platform.read(str(row.platform_ref))
    run.reads -= 1
    run.told(0)
    with transaction() as session:
        session.get_one(Case, row.case_id, with_for_update=True)
        row = session.get_one(CredentialRow, credential_id, with_for_update=True)
        if held is not None:
            learn(session, row, held, actor=ACTOR)
        kinds = differences(row, held, today=run.began.date())
        _note(session, row, kinds)
        row.checked_at = clock.now()
    for kind in kinds:
        yield _finding(run, kind, str(row.platform_ref), str(row.order["template"]), case=row.case_id)


def _note(session: Session, row: CredentialRow, kinds: Collection[Difference]) -> None:
    """Keep in what a credential differs, for whoever asks about its case; each change of it once in the ledger."""
    differs = ",".join(kinds) or None
    if differs != row.differs:
        change(
            session, row, None, kind="credential.differs" if kinds else "credential.agrees", actor=ACTOR,
            facts={"differences": list(kinds)}, differs=differs,
        )  # fmt: skip


def _strangers(run: _Run, helds: list[Held]) -> Iterator[Finding]:
    """Credentials there of whose id no row is: ours by their reference, or issued by somebody else."""
    there = [one for one in helds if one.standing in {Standing.LIVE, Standing.UNPUBLISHED}]
    refs = {one.ref for one in there if one.ref}
    with reading() as session:
        query = select(CredentialRow).where(CredentialRow.account == run.account.name, CredentialRow.ref.in_(refs))
        rows = {row.ref: row for row in session.scalars(query)}
        unclear = _lane_is_unclear(session, run.account.name)
    for held in there:
        if held.ref in rows:
            yield from _of_a_row(run, held, rows[held.ref].id)
        elif held.ref and held.ref.startswith(_OURS):
            detail = "no row has it: was the database restored from a backup?"
            yield _finding(run, Difference.UNRECORDED, held.platform_ref, held.template, more=detail)
        elif held.standing is Standing.LIVE and not unclear:
            yield _finding(run, Difference.EXTRA, held.platform_ref, held.template)


def _lane_is_unclear(session: Session, account: str) -> bool:
    """Whether the lane may just have made something there that it has not recorded yet."""
    calling = select(CredentialRow.id).where(
        CredentialRow.account == account,
        CredentialRow.due_at.is_not(None),
        CredentialRow.state.in_([CredentialState.CALLING, CredentialState.UNSURE]),
    )
    return session.scalar(calling.limit(1)) is not None


def _of_a_row(run: _Run, held: Held, credential_id: str) -> Iterator[Finding]:
    """A credential that bears the reference of a row, and not the id that the row has."""
    if not run.reads:
        run.unread += 1
        return
    again = run.platform.read(held.platform_ref)
    run.reads -= 1
    run.told(0)
    with transaction() as session:
        case = session.get_one(CredentialRow, credential_id).case_id
        session.get_one(Case, case, with_for_update=True)
        row = session.get_one(CredentialRow, credential_id, with_for_update=True, populate_existing=True)
        kind = _kind_beside(row, again)
        if kind is Difference.UNRECORDED:
            _note(session, row, (kind,))
    if kind is not None:
        adopted = f"its row is {row.state}; replay the case, and it is found and recorded"
        more = adopted if kind is Difference.UNRECORDED else ""
        yield _finding(run, kind, held.platform_ref, held.template, case=row.case_id, more=more)


def _kind_beside(row: CredentialRow, held: Held | None) -> Difference | None:
    gone = held is None or held.standing not in {Standing.LIVE, Standing.UNPUBLISHED}
    if gone or row.platform_ref == held.platform_ref:  # type: ignore[union-attr]  # gone says that it is there
        return None
    if row.state in {CredentialState.WITHDRAWN, CredentialState.CANCELLED}:
        return Difference.STILL_LIVE
    if row.state in {CredentialState.PLANNED, CredentialState.UNSURE, CredentialState.REJECTED}:
        return Difference.UNRECORDED
    return None if row.state == CredentialState.CALLING else Difference.TWICE


def _finding(run: _Run, kind: Difference, ref: str, template: str, *, case: str = "", more: str = "") -> Finding:
    detail = f"credential {ref} of template {template} {MEANINGS[kind]}" + (f" ({more})" if more else "")
    return Finding(kind=kind, account=run.account.name, template=template, subject=ref, case=case, detail=detail)
