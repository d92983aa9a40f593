"""Who a learner reports to: Canvas has no such field, but an observer or stored data may stand in (contract 2.7)."""

from __future__ import annotations

from marshmallow import fields

from pipeline.errors import Rejected
from pipeline.lms.canvas.notation import LocalId
from pipeline.lms.canvas.records import profile
from pipeline.lms.canvas.rest import Rest
from pipeline.reading import Lenient

OBSERVERS = "users/{learner}/observers"
CUSTOM_DATA = "users/{learner}/custom_data/{field}"


class _ObserverSchema(Lenient):
    id = LocalId(required=True)


class _CustomDataSchema(Lenient):
    data = fields.Raw(load_default=None, allow_none=True)


def observer_email(rest: Rest, learner: str) -> str | None:
    """The address of the learner's observer; None where there is none, or several and so none for sure."""
    found = list(rest.every(_ObserverSchema(), OBSERVERS, learner=learner))
    return profile(rest, found[0]["id"]).email or None if len(found) == 1 else None


def custom_data_email(rest: Rest, learner: str, *, namespace: str, field: str) -> str | None:
    """The address that an integrator stored about the learner; None where there is none."""
    try:
        data = rest.one(_CustomDataSchema(), CUSTOM_DATA, [("ns", namespace)], learner=learner, field=field)["data"]
    except Rejected:  # Canvas answers 400 where nothing is stored
        return None
    return data.strip() or None if isinstance(data, str) else None
