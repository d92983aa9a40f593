"""Groups, which are what a program names as template, and the attributes that an account knows (contract 8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import Schema, fields

from pipeline.errors import Outage
from pipeline.platforms.accredible.documents import SYSTEM, Id
from pipeline.platforms.accredible.rest import Rest
from pipeline.reading import Lenient, Words, loaded
from pipeline.values import Format, Template

GROUPS = "v1/issuer/groups"
ATTRIBUTES = "v1/attribute_keys/search"
DETAILS = "v1/issuer/details"
_SIZE = 50


class _GroupSchema(Lenient):
    id = Id(required=True)
    name = Words(load_default="", allow_none=True)
    certificate_design_id = Id(required=True, allow_none=True)
    badge_design_id = Id(required=True, allow_none=True)


class _OneSchema(Lenient):
    group = fields.Nested(_GroupSchema, required=True)


class _PagesSchema(Lenient):
    next_page = fields.Integer(required=True, allow_none=True)


class _GroupsSchema(Lenient):
    rows = fields.List(fields.Nested(_GroupSchema), required=True, data_key="groups")
    meta = fields.Nested(_PagesSchema, required=True)


class _KeySchema(Lenient):
    name = fields.String(required=True)


class _KeysSchema(Lenient):
    rows = fields.List(fields.Nested(_KeySchema), required=True, data_key="attribute_keys")
    meta = fields.Nested(_PagesSchema, required=True)


class _IssuerSchema(Lenient):
    certificate_left = fields.Integer(load_default=None, allow_none=True)


class _DetailsSchema(Lenient):
    issuer = fields.Nested(_IssuerSchema, required=True)


def group(rest: Rest, ref: str, attributes: frozenset[str] | None) -> Template | None:
    """A group by its number; None: there is none, or the key's department does not see it.

    Raises:
        Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
    """
    document = rest.read("GET", f"{GROUPS}/{ref}", "a group")
    if document is None:
        return None
    found = loaded(_OneSchema(), document, system=SYSTEM, what="a group")["group"]
    if found["id"] != ref:
        raise Outage("Accredible answered with another group than was asked for")
    return _template(found, attributes)


def groups(rest: Rest, attributes: frozenset[str] | None) -> Iterator[Template]:
    """Every group, to the last page. Fails as `group` does."""
    rows = _every(rest, _GroupsSchema(), f"{GROUPS}/search", {"page_size": _SIZE})
    return (_template(row, attributes) for row in rows)


def attribute_names(rest: Rest) -> frozenset[str]:
    """The names that attributes may have in this account. Fails as `group` does."""
    return frozenset(row["name"] for row in _every(rest, _KeysSchema(), ATTRIBUTES, {}))


def credits_left(rest: Rest) -> int | None:
    """How many credentials can still be published, as the name of the field has it; None: not told."""
    document = rest.read("GET", DETAILS, "the account")
    left: int | None = loaded(_DetailsSchema(), document, system=SYSTEM, what="the account")["issuer"][
        "certificate_left"
    ]
    return left


def _template(found: Mapping[str, Any], attributes: frozenset[str] | None) -> Template:
    """A group issues in the forms that it has a design for. Whether it allows duplicates is not told."""
    designs = {Format.CERTIFICATE: "certificate_design_id", Format.BADGE: "badge_design_id"}
    formats = frozenset(form for form, design in designs.items() if found[design])
    return Template(
        ref=found["id"], name=found["name"] or f"group {found['id']}", usable=bool(formats), formats=formats,
        reason="" if formats else "the group has neither a certificate nor a badge design", attributes=attributes,
    )  # fmt: skip


def _every(rest: Rest, schema: Schema, path: str, body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    number = 1
    while True:
        page = loaded(schema, rest.read("POST", path, path, {**body, "page": number}), system=SYSTEM, what=path)
        yield from page["rows"]
        following = page["meta"]["next_page"]
        if following is None:
            return
        if following != number + 1 or not page["rows"]:  # it would go on like this for ever
            raise Outage(f"Accredible's pages of {path} come to no end")
        number = following
