"""Credly's webhook: a pointer to an event, unsigned, and believed only once it has been read back (contract 7)."""

from __future__ import annotations

from marshmallow import fields

from pipeline.errors import Outage
from pipeline.platforms.credly.badges import Id, is_id
from pipeline.platforms.credly.rest import Rest
from pipeline.reading import Lenient
from pipeline.values import Hint
from pipeline.webhook import Request, Unauthenticated, heard, json_body

_ABOUT_BADGES = "badge."


class _PointerSchema(Lenient):
    id = Id(required=True)
    organization_id = Id(required=True)
    event_type = fields.String(required=True)


class _SubjectSchema(Lenient):
    id = Id(required=True)


class _EventSchema(Lenient):
    event_type = fields.String(required=True)
    #: assumed for events about badges, as `badge_template` is where those about templates have theirs (contract 7)
    badge = fields.Nested(_SubjectSchema, load_default=None, allow_none=True)


def hear_pointer(request: Request, organization: str) -> tuple[Hint, ...]:
    """What a request points at; nothing where it is about no badge.

    Raises:
        Unreadable, Invalid: see `pipeline.webhook`. Unauthenticated: it is about another organization.
    """
    pointer = heard(_PointerSchema(), json_body(request))
    if pointer["organization_id"] != organization:
        raise Unauthenticated("the event is of another organization than the account's")
    if not pointer["event_type"].startswith(_ABOUT_BADGES):
        return ()
    return (Hint(key=pointer["id"], ref=pointer["id"]),)


def badge_of(rest: Rest, event: str) -> str | None:
    """The id of the badge that an event is about; None where there is no such event, or it is about no badge.

    Raises:
        Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
    """
    found = rest.one(f"events/{event}", _EventSchema(), what="an event") if is_id(event) else None
    if found is None or not found["event_type"].startswith(_ABOUT_BADGES):
        return None
    if found["badge"] is None:
        raise Outage("Credly answered an event about a badge without the badge")
    badge: str = found["badge"]["id"]
    return badge
