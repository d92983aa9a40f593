"""The token of a preview: whoever decides about many decides about exactly what was shown, to them, just now."""

from __future__ import annotations

from typing import Any

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from pipeline.configuration.staff import Person
from pipeline.review.refusals import NotPossible
from pipeline.settings import settings

#: how long a preview may be acted upon, in seconds
VALID = 900


def sealed(kind: str, person: Person, *shown: Any) -> str:
    """A token for what a person was shown; `kind` keeps the previews of one API apart from those of another."""
    return _signer(kind).dumps([person.actor, *shown])


def opened(kind: str, person: Person, token: str) -> list[Any]:
    """What the person was shown.

    Raises:
        NotPossible: the token is none of ours, not this person's, or too old.
    """
    try:
        actor, *shown = _signer(kind).loads(token, max_age=VALID)
    except SignatureExpired:
        raise NotPossible("the preview is too old; make it again") from None
    except BadSignature:
        raise NotPossible("that is no preview of ours") from None
    if actor != person.actor:
        raise NotPossible("the preview is somebody else's; make your own")
    return list(shown)


def _signer(kind: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings().secret_key, salt=kind)
