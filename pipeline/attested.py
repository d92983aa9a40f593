"""What persons and outside systems attested, as criteria take it: a word instead of the record, or beside it.

Each attestation has author, reason and validity. A check honours the ones about itself and cites them in its
evidence; their reasons, which may be personal, stay with the attestations.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pipeline.attestation import Attestation, AttestationKind
from pipeline.contracts import Criterion
from pipeline.values import Check, Outcome, Record

_TEMPERING = frozenset({AttestationKind.APPEAL, AttestationKind.EXEMPTION, AttestationKind.ACCOMMODATION})


def attested(record: Record, kind: AttestationKind, about: str, items: Iterable[str] = ()) -> tuple[Attestation, ...]:
    """The attestations of one kind about a criterion, in the order in which they were made.

    Args:
        about: the criterion.
        items: its graded items, modules, courses: an attestation may name one of them instead of the criterion, or
            beside it. One that names another item is not about this check.
    """
    found = [said for said in record.attestations if said.kind is kind]
    if not found:
        return ()
    known, about = {same(item) for item in items if item}, same(about)
    return tuple(
        said
        for said in found
        if same(said.about) in known or (same(said.about) == about and (not said.item or same(said.item) in known))
    )


def exempt(record: Record, about: str, *names: str) -> bool:
    """Whether one item of a criterion, known by any of these names, is waived."""
    known = {same(name) for name in names if name}
    said = attested(record, AttestationKind.EXEMPTION, about, names)
    return any(same(one.item or one.about) in known for one in said)


def temper(
    check: Check, record: Record, *, about: str, items: Iterable[str] = (), whole: str = "", adapted: bool = False
) -> Check:
    """The check with what was attested about it.

    A contested result holds, whatever it is. An exemption from the whole criterion passes. An accommodation that the
    criterion could not apply by itself (`adapted`: it has) has a person decide.

    Args:
        whole: the item that the check is all about, so that an exemption from it is one from the whole.
    """
    if not any(said.kind in _TEMPERING for said in record.attestations):
        return check
    items = tuple(items)
    appeals = attested(record, AttestationKind.APPEAL, about, items)
    if appeals:
        return replace(check, outcome=Outcome.HOLD, reason=f"in appeal ({cited(appeals)}); {check.reason}")
    if check.outcome is Outcome.PASS:
        return check
    waived = attested(record, AttestationKind.EXEMPTION, about, [whole])
    if waived:
        return replace(check, outcome=Outcome.PASS, reason=f"exempt ({cited(waived)}); {check.reason}")
    eased = () if adapted else attested(record, AttestationKind.ACCOMMODATION, about, items)
    if eased:
        return replace(check, outcome=Outcome.HOLD, reason=f"accommodated ({cited(eased)}); {check.reason}")
    return check


def approval(criterion: Criterion, record: Record, about: str) -> Check:
    """The check of something that only a person can judge: their last word, and doubt until there is one."""
    words = attested(record, AttestationKind.APPROVAL, about)
    threshold = f"{about.replace('_', ' ')} approved"
    if not words or words[-1].approved is None:
        reason = f"nobody has decided about {about.replace('_', ' ')}"
        return criterion.check(
            record, Outcome.HOLD, threshold=threshold, seen="no approval", reason=reason, where="attestations"
        )
    word = words[-1]
    outcome, seen = (Outcome.PASS, "approved") if word.approved else (Outcome.FAIL, "not approved")
    return criterion.check(
        record, outcome, threshold=threshold, seen=seen, reason=f"{seen} ({cited([word])})",
        where=f"attestation {word.id}",
    )  # fmt: skip


def cited(attestations: Iterable[Attestation]) -> str:
    """Attestations by number and author, as evidence refers to them."""
    return ", ".join(f"{said.id} by {said.author}" for said in attestations)


def same(name: str) -> str:
    """A name as it is compared: people write `Final Exam` and `final exam` and mean one thing."""
    return " ".join(name.casefold().split())
