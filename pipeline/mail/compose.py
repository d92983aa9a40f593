"""The mails: one text, written twice, as plain text and as accessible HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import css_inline
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from pipeline.settings import settings
from pipeline.values import Credential, Learner

_ADDRESS = re.compile(r"[!#-'*+\-/-9=?A-Z^-~.]+@[0-9A-Za-z.\-\[\]:]+")

SUBJECTS: Mapping[str, str] = {
    "learner": "Your credential: {title}",
    "supervisor": "{name} has earned: {title}",
    "gap": "What is missing for {title}",
    "corrected": "Your credential was corrected: {title}",
    "withdrawn": "Your credential was withdrawn: {title}",
}


@dataclass(frozen=True, kw_only=True)
class Gap:
    """One requirement that a learner has not met, in words for the learner."""

    requirement: str
    asked: str
    seen: str
    reason: str


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("pipeline.mail"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def compose(
    kind: str,
    *,
    message_id: str,
    learner: Learner,
    credentials: tuple[Credential, ...],
    linkedin: bool,
    at: datetime,
) -> EmailMessage:
    """The mail of one kind (`learner` or `supervisor`) about a case's credentials.

    The Message-ID is given from outside and stays the same however often the mail is handed over, so that
    a mailbox that gets it twice shows it once.
    """
    first = credentials[0]
    words: dict[str, Any] = {
        "credentials": credentials,
        "first": first,
        "linkedin": linkedin_link(first) if linkedin else "",
    }
    return _mail(kind, message_id=message_id, learner=learner, title=first.title, words=words, at=at)


def compose_gap(
    *, message_id: str, learner: Learner, title: str, gaps: tuple[Gap, ...], at: datetime
) -> EmailMessage:
    """The mail that tells a learner what is missing for a credential."""
    words = {"title": title, "gaps": gaps}
    return _mail("gap", message_id=message_id, learner=learner, title=title, words=words, at=at)


def compose_corrected(
    *, message_id: str, learner: Learner, title: str, credentials: tuple[Credential, ...], at: datetime
) -> EmailMessage:
    """The mail that tells a learner that what their credential says was corrected, and where it is now."""
    words = {"title": title, "credentials": credentials}
    return _mail("corrected", message_id=message_id, learner=learner, title=title, words=words, at=at)


def compose_withdrawn(
    *, message_id: str, learner: Learner, title: str, credentials: tuple[Credential, ...], at: datetime
) -> EmailMessage:
    """The mail that tells a learner that a credential was withdrawn, and whom to ask. It gives no reason."""
    words = {"title": title, "credentials": credentials}
    return _mail("withdrawn", message_id=message_id, learner=learner, title=title, words=words, at=at)


def _mail(
    kind: str, *, message_id: str, learner: Learner, title: str, words: Mapping[str, Any], at: datetime
) -> EmailMessage:
    sender = settings().mail_from
    words = {
        **words,
        "name": learner.name,
        "organization": settings().organization,
        "reply_to": parseaddr(settings().mail_reply_to or sender)[1],
    }
    message = EmailMessage()
    # a line break in a name would otherwise be refused by the header, and the learner never told
    message["Subject"] = " ".join(SUBJECTS[kind].format(title=title, name=learner.name).split())
    message["From"] = sender
    message["To"] = recipient(kind, learner)
    if settings().mail_reply_to:
        message["Reply-To"] = settings().mail_reply_to
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_templates().get_template(f"{kind}.txt").render(words))
    html = css_inline.inline(
        _templates().get_template(f"{kind}.html").render(words), keep_at_rules=True, load_remote_stylesheets=False
    )
    message.add_alternative(html, subtype="html")
    return message


def address_of(kind: str, learner: Learner) -> str:
    """The address to which a mail of this kind goes, as the LMS has it; empty where it has none."""
    return (learner.supervisor_email or "") if kind == "supervisor" else learner.email


def can_be_written_to(address: str) -> bool:
    """Whether this is one address, and one that every mail server takes (RFC 5321: visible ASCII)."""
    return bool(_ADDRESS.fullmatch(address))


def recipient(kind: str, learner: Learner) -> Address:
    """The address line of a mail; the supervisor's name is not known."""
    name = "" if kind == "supervisor" else " ".join(learner.name.split())
    return Address(display_name=name, addr_spec=address_of(kind, learner))


def linkedin_link(credential: Credential) -> str:
    """The link with which a learner adds the credential to their LinkedIn profile (contract social, 1).

    Only public data: title, issuer, dates, verification page and public id.
    """
    organization = settings().linkedin_organization_id
    parameters = {
        "startTask": "CERTIFICATION_NAME",
        "name": credential.title,
        **({"organizationId": organization} if organization else {"organizationName": settings().organization}),
        "issueYear": credential.issued_on.year,
        "issueMonth": credential.issued_on.month,
    }
    if credential.expires_on:
        parameters |= {"expirationYear": credential.expires_on.year, "expirationMonth": credential.expires_on.month}
    parameters |= {"certUrl": credential.url, "certId": credential.ref}
    return "https://www.linkedin.com/profile/add?" + urlencode(parameters, quote_via=quote)
