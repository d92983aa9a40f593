"""What Badgr means by a 400: which of them is a duplicate, the machine's clock, or a learner (contract 4, 5, 7)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from marshmallow import fields

from pipeline.errors import Duplicate, Failure, Misconfigured, Rejected
from pipeline.reading import Lenient
from pipeline.transport import Answer

EARLIER = "Badgr says that this address was awarded this badge before"
#: of which a failure may tell that Badgr refuses it
_FIELDS = ("recipient", "expires", "narrative", "badgeclass")


class _RefusalSchema(Lenient):
    """Where a refusal is written; hosted servers have one place more (contract 3)."""

    field_errors = fields.Raw(data_key="fieldErrors", load_default=None, allow_none=True)
    validation_errors = fields.Raw(data_key="validationErrors", load_default=None, allow_none=True)
    non_field_errors = fields.Raw(data_key="nonFieldErrors", load_default=None, allow_none=True)


def about_one(answer: Answer) -> Failure:
    """The failure that a refused single award is."""
    said = _said(answer)
    named = said.get("field_errors")
    return _failure(said, named if isinstance(named, Mapping) else {}, answer.status)


def about_each(answer: Answer, count: int) -> list[Failure | None] | None:
    """The failure of each award of a refused call, None for one that was not at fault.

    None for all where Badgr does not say which one is: then it may have refused it half-way, with the ones before it
    made (contract 5).
    """
    told = _said(answer).get("field_errors")
    if not isinstance(told, list) or len(told) != count or not any(told):
        return None
    return [_failure(one, one if isinstance(one, Mapping) else {}, answer.status) if one else None for one in told]


def _said(answer: Answer) -> Mapping[str, Any]:
    """What was written where; nothing where it is not in Badgr's form, which leaves the refusal what it is."""
    try:
        document = answer.json()
    except (ValueError, ArithmeticError, RecursionError):
        return {}
    return _RefusalSchema().load(document) if isinstance(document, Mapping) else {}


def _failure(said: Any, named: Mapping[str, Any], status: int) -> Failure:
    text = json.dumps(said, default=str).lower()
    if "previous award" in text or "already" in text:  # assumed: hosted servers use one of these words
        return Duplicate(EARLIER)
    if "issuedOn" in named:
        reason = "Badgr takes the time of issuing for one to come: set this machine's clock"
        return Misconfigured(reason, whole_account=True)
    if "may not award" in text:
        return Rejected("Badgr does not let this address be awarded anything")
    places = ", ".join(name for name in _FIELDS if name in named)
    return Rejected(f"Badgr answered {status} and refuses {places or 'the award'}")
