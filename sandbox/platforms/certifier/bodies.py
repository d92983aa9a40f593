"""The bodies that the API takes: nothing else may stand in them (contract 3, 7 and 8)."""

from __future__ import annotations

from sandbox.shapes import (
    Check,
    any_text,
    day,
    email,
    flag,
    mapping,
    may,
    need,
    one_of,
    structure,
    text,
)

_OF_NEW = {"name": need(text), "email": may(email, nullable=True), "id": may(text, nullable=True)}
_DETAILS = {"issueDate": may(day), "customAttributes": may(mapping(any_text))}
NEW: Check = structure(
    {**_DETAILS, "groupId": need(text), "recipient": need(structure(_OF_NEW)), "expiryDate": may(day)}
)
#: a change of the recipient has to say whose it is (developers' reference, through clients made of it)
_OF_CHANGED = {"id": need(text), "name": need(text), "email": may(email, nullable=True)}
CHANGED: Check = structure(
    {**_DETAILS, "recipient": may(structure(_OF_CHANGED)), "expiryDate": may(day, nullable=True)}
)
SEND: Check = structure({"deliveryMethod": need(one_of(("email",)))})
SCHEDULE: Check = structure({"issueAt": need(text), "sendAtIssuance": may(flag)})
_EVENTS = tuple(
    f"credential_{name}"
    for name in (
        *("viewed", "shared_to_linkedin", "added_to_linkedin_profile", "shared_to_facebook", "shared_to_twitter"),
        *("shared_to_messenger", "shared_to_whatsapp", "shared_to_pinterest", "shared_to_telegram"),
        *("shared_to_weibo", "downloaded", "link_copied", "verified"),
    )
)
INTERACTION: Check = structure(
    {
        "credentialId": need(text),
        "eventType": need(one_of(_EVENTS)),
        "triggeredBy": need(one_of(("recipient", "guest"))),
        "triggeredAt": need(text),
    }
)
