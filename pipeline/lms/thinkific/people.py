"""Who a learner is, and who a custom profile field says they report to (contract 2.3, 2.7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import fields

from pipeline.lms.thinkific.rest import Rest
from pipeline.reading import Lenient, Ref, Words
from pipeline.values import Learner

USER = "users/{learner}"


class _ProfileFieldSchema(Lenient):
    label = Words(load_default="", allow_none=True)
    value = fields.Raw(load_default=None, allow_none=True)


class _UserSchema(Lenient):
    id = Ref(required=True)
    first_name = Words(load_default="", allow_none=True)
    last_name = Words(load_default="", allow_none=True)
    full_name = Words(load_default="", allow_none=True)
    email = Words(load_default="", allow_none=True)
    custom_profile_fields = fields.List(fields.Nested(_ProfileFieldSchema), load_default=list, allow_none=True)


def profile(rest: Rest, learner: str, *, supervisor_field: str | None) -> Learner:
    """The person. Thinkific locks no accounts, as far as its API tells.

    Args:
        supervisor_field: the label of the field that holds the supervisor's address; None: it is not wanted.

    Raises:
        Rejected: Thinkific does not know them.
        Misconfigured, Outage, Throttled: see `pipeline.errors`.
    """
    found = rest.one(_UserSchema(), USER, learner=learner)
    return Learner(
        ref=learner,
        name=found["full_name"] or full_name(found["first_name"], found["last_name"]),
        email=found["email"] or "",
        supervisor_email=_supervisor(found["custom_profile_fields"] or (), supervisor_field),
        given_name=found["first_name"] or None,
        family_name=found["last_name"] or None,
    )


def full_name(first: str | None, last: str | None) -> str:
    """A name out of its two parts, of which either may be missing."""
    return " ".join(part for part in (first, last) if part)


def _supervisor(found: Sequence[dict[str, Any]], label: str | None) -> str | None:
    """The address in the field of that label; None where there is none, or several and so none for sure."""
    if label is None:
        return None
    wanted = label.strip().casefold()
    said = {one["value"].strip() for one in found if (one["label"] or "").casefold() == wanted and _is_text(one)}
    return said.pop() if len(said) == 1 else None


def _is_text(one: dict[str, Any]) -> bool:
    return isinstance(one["value"], str) and bool(one["value"].strip())
