"""A badge template as Credly tells it, and whether it can be issued from (contract 8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate

from pipeline.platforms.credly.badges import Id
from pipeline.reading import Lenient
from pipeline.values import Format, Template

#: why a template of this state cannot be issued from; empty where it can
_REASONS: Mapping[str, str] = {
    "active": "",
    "archived": "the badge template is archived",
    "draft": "the badge template is a draft",
}
#: all of them, as a filter: what a list without one leaves out is not documented
ANY_STATE = f"state::{','.join(_REASONS)}"


class TemplateSchema(Lenient):
    """What matters of a template."""

    id = Id(required=True)
    name = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(_REASONS)))
    allow_duplicate_badges = fields.Boolean(load_default=None, allow_none=True)


def template_of(found: Mapping[str, Any]) -> Template:
    """The template in our words. A badge takes no attributes of ours."""
    reason = _REASONS[found["state"]]
    return Template(
        ref=found["id"],
        name=found["name"],
        usable=not reason,
        reason=reason,
        formats=frozenset({Format.BADGE}),
        attributes=frozenset(),
        repeatable=found["allow_duplicate_badges"],
    )
