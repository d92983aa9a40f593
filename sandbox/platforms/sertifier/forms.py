"""Campaigns and credentials as the API shows them (contract 4, 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.platforms.sertifier.account import Campaign, Credential
from sandbox.stand_in import Json

if TYPE_CHECKING:
    from sandbox.platforms.sertifier import Sertifier


def credential_form(twin: Sertifier, one: Credential) -> Json:
    """A credential with every member that any source names, but for our own id."""
    campaign = twin.account.campaigns.get(one.campaign)
    return {
        "id": one.id,
        "certificateNO": one.number,
        "campaignId": one.campaign,
        "campaignTitle": campaign.title if campaign else "",
        "recipientId": one.recipient,
        "name": one.name,
        "email": one.email,
        "issueDate": one.issued_on,
        "expireDate": one.expires_on,
        "createDate": one.created_at,
        "status": twin.settings.published_status if one.published else twin.settings.unpublished_status,
        "emailTracking": one.tracking,
        "isPublic": True,
        "certificateImageLink": None,
        "badgeImageLink": None,
        "verificationLink": f"{twin.base_url()}/verify/{one.number}",
    }


def campaign_form(one: Campaign) -> Json:
    """A campaign."""
    return {
        "id": one.id,
        "title": one.title,
        "designId": one.design,
        "detailId": one.id,
        "badgeId": one.badge,
        "emailTemplateId": one.id,
        "emailFromName": "Academy",
        "emailFromAddress": None,
        "emailSubject": "Your credential",
        "privateCampaign": False,
        "status": one.status,
        "createDate": one.created_at,
        "updateDate": one.created_at,
    }
