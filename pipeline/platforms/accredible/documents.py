"""The two forms in which Accredible shows a credential: with its page, and out of a search."""

from __future__ import annotations

from datetime import date
from typing import Any

from marshmallow import ValidationError, fields

from pipeline.platforms.accredible.seen import Seen
from pipeline.reading import Lenient, loaded

SYSTEM = "Accredible"


class Id(fields.Field[str]):
    """An id, which is text in one answer and a number in another (contract 2); read as text."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if not text or text == "0":
            raise ValidationError("expected an id")
        return text


class Day(fields.Field[date]):
    """A day, also one written as an instant."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        try:
            return date.fromisoformat(value[:10])
        except (ValueError, TypeError):
            raise ValidationError("expected a day such as 2026-01-31") from None


class _RecipientSchema(Lenient):
    name = fields.String(load_default=None, allow_none=True)
    email = fields.String(load_default=None, allow_none=True)
    id = Id(load_default=None, allow_none=True)


class _CredentialSchema(Lenient):
    """As creating, reading and changing answer it: with its page, without what the learner did (contract 2)."""

    id = Id(required=True)
    group_id = Id(load_default="", allow_none=True)
    approve = fields.Boolean(required=True)
    expired_on = Day(load_default=None, allow_none=True)
    url = fields.String(load_default="", allow_none=True)
    meta_data = fields.Dict(load_default=dict, allow_none=True)
    recipient = fields.Nested(_RecipientSchema, load_default=dict, allow_none=True)


class _GroupSchema(Lenient):
    id = Id(required=True)


class _HitSchema(Lenient):
    """As the search answers it: without its page, with what the learner did (contract 4.2)."""

    id = Id(required=True)
    license_id = fields.String(load_default=None, allow_none=True)
    group = fields.Nested(_GroupSchema, required=True)
    approve = fields.Boolean(required=True)
    expired_on = Day(load_default=None, allow_none=True)
    published_on = Day(load_default=None, allow_none=True)
    meta_data = fields.Dict(load_default=dict, allow_none=True)
    recipient_name = fields.String(load_default=None, allow_none=True)
    recipient_email = fields.String(load_default=None, allow_none=True)
    recipient_id = Id(load_default=None, allow_none=True)
    recipient_opened = fields.Boolean(load_default=None, allow_none=True)
    recipient_engaged = fields.Boolean(load_default=None, allow_none=True)


def shown(document: Any) -> Seen:
    """A credential as creating, reading and changing show it.

    Raises:
        Outage: the answer is of another form.
    """
    told = loaded(_CredentialSchema(), document, system=SYSTEM, what="a credential")
    who = told["recipient"] or {}
    return Seen(
        id=told["id"], template=told["group_id"] or "", approve=told["approve"], expired_on=told["expired_on"],
        meta=told["meta_data"] or {}, url=told["url"] or "", name=who.get("name"), email=who.get("email"),
        learner=who.get("id"),
    )  # fmt: skip


def hit(document: Any) -> Seen:
    """A credential as the search shows it.

    Raises:
        Outage: the answer is of another form.
    """
    told = loaded(_HitSchema(), document, system=SYSTEM, what="a search")
    done = (told["recipient_opened"], told["recipient_engaged"])
    return Seen(
        id=told["id"], template=told["group"]["id"], approve=told["approve"], expired_on=told["expired_on"],
        meta=told["meta_data"] or {}, own_id=told["license_id"], name=told["recipient_name"],
        email=told["recipient_email"], learner=told["recipient_id"], published_on=told["published_on"],
        opened=None if done == (None, None) else any(done),
    )  # fmt: skip
