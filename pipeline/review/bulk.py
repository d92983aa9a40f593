"""The same decision about many cases: first a preview that names them, then exactly those, one by one.

The preview is signed and binds person, action and the version of every case. What changed meanwhile, or came into
the queue after it, is left alone and told.
"""

from __future__ import annotations

import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.configuration.staff import Person
from pipeline.review.decisions import Action, Wish, review
from pipeline.review.previews import opened, sealed
from pipeline.review.queue import BULK, Filter, Page, page
from pipeline.review.refusals import NotAllowed, NotPossible, Refusal
from pipeline.steps.turn import WakeUp
from pipeline.store.database import reading

_KIND = "bulk"


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a bulk decision would be about. `token` carries it out."""

    page: Page
    token: str


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of one case of a bulk decision; `refused` is empty where it was decided."""

    case: str
    refused: str
    wakeups: tuple[WakeUp, ...] = ()


def preview(person: Person, action: Action, which: Filter) -> Preview:
    """The cases that a bulk decision would be about, at most `BULK`.

    Raises:
        NotAllowed: failed checks are overridden one case at a time.
        NotPossible: more cases match than one decision may be about.
    """
    if action is Action.OVERRIDE:
        raise NotAllowed("checks are overridden one case at a time")
    with reading() as session:
        found = page(session, person, which, limit=BULK)
    if found.after:
        raise NotPossible(f"{found.total} cases match; narrow the filter to {BULK} at most")
    cases = "\n".join(f"{case.case} {case.version}" for case in found.cases)
    packed = urlsafe_b64encode(zlib.compress(cases.encode())).decode()
    return Preview(page=found, token=sealed(_KIND, person, action.value, packed))


def carry_out(person: Person, token: str, reason: str) -> Iterator[Result]:
    """Decide about the cases of a preview, each in a transaction of its own.

    Raises:
        NotPossible: the preview is none of ours, not this person's, or too old; before anything is decided.
    """
    action, cases = _read(person, token)
    return (_one(person, action, reason, case, version) for case, version in cases)


def _one(person: Person, action: Action, reason: str, case: str, version: str) -> Result:
    try:
        wakeups = review(case, Wish(action=action, person=person, reason=reason, version=version))
    except Refusal as refusal:
        return Result(case=case, refused=refusal.detail)
    return Result(case=case, refused="", wakeups=tuple(wakeups))


def _read(person: Person, token: str) -> tuple[Action, list[tuple[str, str]]]:
    action, packed = opened(_KIND, person, token)
    lines = zlib.decompress(urlsafe_b64decode(packed)).decode().splitlines()
    return Action(action), [(case, version) for case, _, version in (line.partition(" ") for line in lines)]
