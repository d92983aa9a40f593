"""Signed links: whoever was given one may look, and nobody can make one up."""

from __future__ import annotations

from itsdangerous import BadSignature, URLSafeSerializer

from pipeline.settings import settings


def status_link(delivery_id: str) -> str:
    """The link to a delivery's status page."""
    return _signer().dumps(delivery_id)


def delivery_of(link: str) -> str | None:
    """The delivery that a link names; None for a link that we did not make."""
    try:
        return str(_signer().loads(link))
    except BadSignature:
        return None


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(settings().secret_key, salt="status")
