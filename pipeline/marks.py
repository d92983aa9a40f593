"""What a learner reached in one graded item, as an exact share of the possible: the record's or an attested one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from pipeline.attestation import Attestation, AttestationKind
from pipeline.attested import attested, cited, exempt
from pipeline.values import Fact, Record, Score

#: what no grade book holds; a number beyond it is a fault of whoever sent it, and its exact fraction could be huge
_LARGEST = Decimal(1_000_000_000)
_FINEST = -30
TOTAL = "course total"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A share of 1, or why there is none. `waived`: an exemption says that it is not needed."""

    share: Fraction | None
    seen: str
    where: str
    reason: str = ""
    waived: bool = False


def mark_of(record: Record, item: str, *, attempt: str | None, attested_only: bool) -> Mark:
    """The mark of one graded item.

    Args:
        item: its name; empty: the course total.
        attempt: `best`, `last` or `first`; None: what the LMS counts, and of attested ones the last.
        attested_only: the LMS is not asked.
    """
    name = item or TOTAL
    if item and exempt(record, "score", item):
        return Mark(share=None, seen="exempt", where="attestations", reason=f"{item} is waived", waived=True)
    if attested_only:
        return _attested(record, item, attempt)
    where = record.sources.get(Fact.SCORES, "not read")
    found = [score for score in record.scores if (score.item == item if item else score.total)]
    if len(found) != 1:
        reason = f"{name} names {len(found)} scores" if found else f"the LMS reports no score for {name}"
        return Mark(share=None, seen="several" if found else "none", where=where, reason=reason)
    [score] = found
    return _of_attempts(name, attempt, score, where) if attempt else _as_counted(name, score, where)


def exact(value: Decimal | None) -> Fraction | None:
    """A number as an exact fraction; None where it is none that a grade book could hold."""
    return None if value is None or not value.is_finite() else _exact(value)


def of_percent(value: Decimal | None) -> Fraction | None:
    """A percentage as an exact share; None where it is none that a grade book could hold."""
    return None if value is None or not value.is_finite() else _of_percent(value)


@lru_cache(maxsize=4096)  # few marks differ
def _exact(value: Decimal) -> Fraction | None:
    exponent = value.as_tuple().exponent
    usable = abs(value) <= _LARGEST and isinstance(exponent, int) and exponent >= _FINEST
    return Fraction(value) if usable else None


@lru_cache(maxsize=4096)
def _of_percent(value: Decimal) -> Fraction | None:
    number = _exact(value)
    return None if number is None else number / 100


def shown(share: Fraction, out_of: Decimal = Decimal(100)) -> str:
    """A share as people write it: `79.995 %`, `3.5 of 5.0`."""
    return f"{amount(share, out_of)} %" if out_of == 100 else f"{amount(share, out_of)} of {out_of}"


def amount(share: Fraction, out_of: Decimal) -> str:
    """A share in points of `out_of`, rounded down to a millionth, so that too little never looks enough."""
    value = share * Fraction(out_of)
    millionths = value.numerator * 1_000_000 // value.denominator
    return f"{Decimal(millionths).scaleb(-6).normalize():f}"


def _attested(record: Record, item: str, attempt: str | None) -> Mark:
    said = [
        (one, share)
        for one in attested(record, AttestationKind.SCORE, "score", [item])
        if (share := attested_share(one)) is not None
    ]
    if not said:
        return Mark(share=None, seen="none", where="attestations", reason=f"nobody attested a result for {item}")
    one, share = _pick(said, attempt or "last")
    seen = f"{_plain(one.points)} of {_plain(one.out_of)}"
    return Mark(share=share, seen=seen, where=f"attestation {one.id}", reason=f"attested ({cited([one])})")


def attested_share(said: Attestation) -> Fraction | None:
    """What was attested, as a share; None where it is no result."""
    points, out_of = exact(said.points), exact(said.out_of)
    return points / out_of if points is not None and out_of else None


def _pick(said: list[tuple[Attestation, Fraction]], attempt: str) -> tuple[Attestation, Fraction]:
    if attempt == "best":
        return max(said, key=lambda one: one[1])
    return said[0 if attempt == "first" else -1]


def _as_counted(name: str, score: Score, where: str) -> Mark:
    share = _share(score)
    if score.excused:
        return Mark(share=None, seen="excused", where=where, reason=f"{name} is marked excused")
    if share is None:
        return Mark(share=None, seen="not graded", where=where, reason=f"{name} is not graded")
    by_hand = f"{name} was set by hand" if score.overridden else ""
    return Mark(share=share, seen=_as_stored(score), where=where, reason=by_hand)


def _of_attempts(name: str, attempt: str, score: Score, where: str) -> Mark:
    known = sorted(score.attempts, key=lambda one: one.number)
    if score.excused or score.overridden:  # what a person set stands over what was tried
        return _as_counted(name, score, where)
    if not known:
        return Mark(share=None, seen="none", where=where, reason=f"the LMS reports no attempts at {name}")
    if attempt == "best":
        graded = [one for one in known if exact(one.percent) is not None]
        picked = max(graded, key=lambda one: one.percent or 0, default=known[-1])
    else:
        picked = known[0 if attempt == "first" else -1]
    share = of_percent(picked.percent)
    if share is None:
        return Mark(share=None, seen="not graded", where=where, reason=f"attempt {picked.number} is not graded")
    reason = f"attempt {picked.number} of {len(known)}, the {attempt}"
    return Mark(share=share, seen=f"{picked.percent} %", where=where, reason=reason)


def _share(score: Score) -> Fraction | None:
    """Points are exact where the LMS stores points; the percentage made of them may be rounded."""
    points, out_of = exact(score.points), exact(score.out_of)
    if points is not None and out_of is not None and out_of > 0:
        return points / out_of
    return of_percent(score.percent)


def _as_stored(score: Score) -> str:
    points, out_of = exact(score.points), exact(score.out_of)
    if points is not None and out_of is not None and out_of > 0:
        return f"{_plain(score.points)} of {_plain(score.out_of)}"
    return f"{score.percent} %"


def _plain(number: Decimal | None) -> str:
    """Without the zeros that a data base adds: 18.00000 is 18."""
    return "none" if number is None else f"{number.normalize():f}"
