"""Groups, which Certifier calls credential templates too, and the attributes of the workspace (contract 9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import fields, validate

from pipeline.platforms.certifier.credentials import possible
from pipeline.platforms.certifier.options import PREFIX, Terms
from pipeline.platforms.certifier.rest import Rest
from pipeline.reading import Lenient, Words
from pipeline.values import Format, Template

GROUPS = "v1/groups"
GROUP = "v1/groups/{id}"
ATTRIBUTES = "v1/attributes"


class _GroupSchema(Lenient):
    """A group. The two designs are on their way out in favour of a list that does not tell their kind."""

    id = fields.String(required=True, validate=validate.Length(min=1))
    name = Words(required=True)
    certificate = fields.String(load_default=None, allow_none=True, data_key="certificateDesignId")
    badge = fields.String(load_default=None, allow_none=True, data_key="badgeDesignId")


class _AttributeSchema(Lenient):
    tag = fields.String(required=True)
    is_default = fields.Boolean(load_default=False, allow_none=True, data_key="isDefault")


def template(rest: Rest, terms: Terms, ref: str) -> Template | None:
    """One group; None where there is none.

    Raises:
        Misconfigured, Outage, Throttled: see `pipeline.errors`.
    """
    found = rest.one(_GroupSchema(), GROUP, id=ref) if possible(ref) else None
    return None if found is None else _template(found, terms, attributes(rest))


def templates(rest: Rest, terms: Terms) -> Iterator[Template]:
    """Every group, to the last page.

    Raises:
        As for `template`.
    """
    known = attributes(rest)
    return (_template(found, terms, known) for found in rest.every(_GroupSchema(), GROUPS))


def attributes(rest: Rest) -> frozenset[str] | None:
    """The names of the workspace's own attributes as the API wants them; None where it does not tell.

    They come as a bare array, and are seen in the vendor's clients alone: the reference does not have them.

    Raises:
        As for `template`.
    """
    found = rest.array(_AttributeSchema(), ATTRIBUTES)
    if found is None:
        return None
    return frozenset(PREFIX + one["tag"].removeprefix(PREFIX) for one in found if not one["is_default"])


def _template(found: Mapping[str, Any], terms: Terms, known: frozenset[str] | None) -> Template:
    """Without the attribute for our reference nothing could be found again, so that nothing is to be issued."""
    lacks = known is not None and terms.reference not in known
    designs = {Format.CERTIFICATE: found["certificate"], Format.BADGE: found["badge"]}
    return Template(
        ref=found["id"],
        name=found["name"],
        usable=not lacks,
        reason=f"the workspace has no attribute {terms.reference}, which keeps our reference" if lacks else "",
        formats=frozenset(form for form, design in designs.items() if design) or None,
        attributes=None
        if known is None
        else frozenset(one.removeprefix(PREFIX) for one in known - {terms.reference}),
        repeatable=True,
    )
