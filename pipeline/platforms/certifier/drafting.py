"""The draft of an order, with our reference in it, and whose fault it is when there is none (contract 3 and 6)."""

from __future__ import annotations

import re
from typing import Any

from pipeline.errors import Duplicate, Failure, Misconfigured, Rejected
from pipeline.platforms.certifier import groups
from pipeline.platforms.certifier.credentials import CREDENTIAL, CREDENTIALS, CredentialSchema, possible
from pipeline.platforms.certifier.options import PREFIX, Terms
from pipeline.platforms.certifier.refusals import SYSTEM, refuse
from pipeline.platforms.certifier.rest import Rest, made
from pipeline.transport import Answer
from pipeline.values import Order

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\Z")


def details(terms: Terms, order: Order) -> dict[str, str]:
    """The attributes of an order, our reference among them, as the API wants them."""
    return {**{f"{PREFIX}{name}": text for name, text in order.attributes.items()}, terms.reference: order.ref}


def recipient(order: Order) -> dict[str, str]:
    """Who gets it.

    Raises:
        Rejected: there is no name, or no address that could be one.
    """
    name, email = order.name.strip(), order.address
    if not name:
        raise Rejected("the learner has no name")
    if not _ADDRESS.match(email):
        raise Rejected("the learner has no e-mail address that could be one")
    return {"name": name, "email": email}


def draft(rest: Rest, terms: Terms, order: Order) -> str:
    """Make a draft, which nobody but staff sees; its id.

    Raises:
        Unsure: it may have been made. Duplicate, Rejected, Misconfigured, Outage, Throttled: it was not.
    """
    body: dict[str, Any] = {
        "groupId": order.template,
        "recipient": recipient(order),
        "issueDate": order.issued_on.isoformat(),
        **({"expiryDate": order.expires_on.isoformat()} if order.expires_on else {}),
        "customAttributes": details(terms, order),
    }
    if not possible(order.template):
        raise Misconfigured(f"template {order.template!a}: this can be no id of a group at {SYSTEM}")
    answer = rest.call("POST", CREDENTIALS, body)
    _refused(rest, terms, order, answer)
    drafted = made(CredentialSchema(), answer, CREDENTIALS)
    passed_over = sorted(set(body["customAttributes"]) - set(drafted["custom_attributes"] or {}))
    if passed_over:
        left = "" if _deleted(rest, drafted["id"]) else "; a draft without it is left there"
        whole = terms.reference in passed_over
        raise Misconfigured(f"the workspace has no attribute {', '.join(passed_over)}{left}", whole_account=whole)
    ref: str = drafted["id"]
    return ref


def _refused(rest: Rest, terms: Terms, order: Order, answer: Answer) -> None:
    """Whose fault a refused draft is. A 400 does not tell, so that the template and the attributes are looked at."""
    if answer.status == 409:
        raise Duplicate(f"{SYSTEM} answered 409 (conflict) to {CREDENTIALS}")
    try:
        refuse(answer, CREDENTIALS)
    except Rejected:
        if answer.status not in {400, 404}:
            raise
        template = groups.template(rest, terms, order.template)
        if template is None:
            raise Misconfigured(f"{SYSTEM} has no group {order.template}") from None
        if not template.usable:
            raise Misconfigured(template.reason, whole_account=True) from None
        unknown = sorted(set(order.attributes) - template.attributes) if template.attributes is not None else []
        if unknown:
            raise Misconfigured(f"the workspace has no attribute {', '.join(unknown)}") from None
        raise


def _deleted(rest: Rest, ref: str) -> bool:
    """Delete a draft that nobody has seen, because without what it lacks it must not be issued."""
    try:
        return rest.call("DELETE", CREDENTIAL, id=ref).status in {200, 204, 404}
    except Failure:
        return False
