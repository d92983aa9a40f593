"""The forms in which Accredible shows credentials and groups: they differ from call to call, and so they do here."""

from __future__ import annotations

from typing import Any

from sandbox.platforms.accredible.account import Credential
from sandbox.platforms.accredible.rules import Group
from sandbox.platforms.accredible.search import uuid_of

ISSUER_ID = 311
_CHANGED = "2026-01-05T09:00:00.000Z"


def page_url(credential: Credential, base: str) -> str:
    """The public page of a credential."""
    return f"{base}/credentials/{credential.id}"


def as_created(credential: Credential, base: str) -> dict[str, Any]:
    """As create, read, change and delete answer it: the id is text, and the public page is named."""
    image = f"{base}/credentials/{credential.id}#preview"
    return {
        "id": str(credential.id),
        "name": credential.name,
        "description": credential.description,
        "approve": credential.approve,
        "grade": None,
        "complete": credential.complete,
        "issued_on": credential.issued_on,
        "expired_on": credential.expired_on,
        "course_link": None,
        "custom_attributes": credential.custom_attributes,
        "group_name": credential.group.name,
        "group_id": credential.group.id,
        "url": page_url(credential, base),
        "encoded_id": str(credential.id),
        "private": credential.private,
        "seo_image": image,
        "certificate": {"image": {"preview": image}},
        "badge": {"image": {"preview": None}},
        "evidence_items": credential.evidence_items,
        "references": credential.references,
        "recipient": credential.recipient,
        "issuer": {"name": "Sandbox Academy", "description": None, "url": base, "id": ISSUER_ID},
        "meta_data": credential.meta_data,
    }


def as_bulk(credential: Credential, base: str) -> dict[str, Any]:
    """As the bulk call answers it: the id is a number."""
    return {**as_created(credential, base), "id": credential.id}


def as_found(credential: Credential, base: str) -> dict[str, Any]:
    """As the search answers it: the id is a number, and the public page is not named."""
    return {
        "id": credential.id,
        "uuid": uuid_of(credential),
        "encoded_id": str(credential.id),
        "license_id": credential.own_id,
        "approve": credential.approve,
        "private": credential.private,
        "name": credential.name,
        "grade": None,
        "issued_on": credential.issued_on,
        "expired_on": credential.expired_on,
        "published_on": credential.published_on,
        "created_at": credential.created_at,
        "updated_at": credential.updated_at,
        "recipient_name": credential.recipient["name"],
        "recipient_email": credential.recipient["email"],
        "recipient_id": credential.recipient["id"],
        "recipient_meta_data": credential.recipient["meta_data"],
        "meta_data": credential.meta_data,
        "custom_attributes": credential.custom_attributes,
        "recipient_opened": credential.opened,
        "recipient_engaged": credential.engaged,
        "issuer_id": ISSUER_ID,
        "seo_image": f"{base}/credentials/{credential.id}#preview",
        "group": {
            "id": credential.group.id,
            "name": credential.group.name,
            "course_name": credential.group.course_name,
            "badge_design_id": credential.group.badge_design_id,
            "certificate_design_id": credential.group.certificate_design_id,
        },
    }


def as_group(group: Group) -> dict[str, Any]:
    """A group. Whether it allows duplicates is not shown, as at the vendor."""
    return {
        "id": group.id,
        "name": group.name,
        "course_name": group.course_name,
        "course_description": group.course_description,
        "certificate_design_id": group.certificate_design_id,
        "badge_design_id": group.badge_design_id,
        "primary_design_id": group.certificate_design_id or group.badge_design_id,
        "department_id": 123,
        "meta_data": dict(group.meta_data),
        "attach_pdf": True,
        "auto_expiry": group.auto_expiry,
        "language": "en",
        "created_at": _CHANGED,
        "updated_at": _CHANGED,
    }


def by_hand(credential: Credential, base: str, *, deleted: bool) -> dict[str, Any]:
    """As a test sees it: at once, without the search's lag."""
    state = "deleted" if deleted else "published" if credential.approve else "unpublished"
    return {
        **as_found(credential, base),
        "id": str(credential.id),
        "template": str(credential.group.id),
        "name": credential.recipient["name"],
        "email": credential.recipient["email"],
        "live": credential.live and not deleted,
        "state": state,
        "attributes": credential.custom_attributes,
        "own_ref": credential.own_id or credential.meta_data.get("confer_ref"),
        "own_id": credential.own_id,
        "mailed": credential.mailed,
        "url": page_url(credential, base),
        "title": credential.name,
        "description": credential.description,
        "ignored_fields": list(credential.ignored_fields),
        "deleted": deleted,
    }
