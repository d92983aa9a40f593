"""The certificate for the wall and the picture for a shared link, typeset from a credential that was verified.

Values reach the typesetter as inputs, never as source, so that a name is always only a name. The same
credential gives the same bytes as long as typesetter and fonts stay the same.
"""

from __future__ import annotations

import unicodedata
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

import structlog
import typst

from pipeline.badges.standing import Proven

PICTURE_SIZE = (1200, 627)
_TEMPLATES = Path(__file__).parent
_JOINERS = {"\u200c", "\u200d"}  # they shape words in Persian and in Indian scripts
log = structlog.get_logger(__name__)


def spelled(day: date) -> str:
    """A date as people write it: 7 March 2026."""
    return f"{day.day} {day:%B %Y}"


def pdf(credential: Proven) -> bytes:
    """The certificate as tagged PDF/UA-1, A4 landscape.

    A letter for which the machine has no font is not allowed in PDF/UA. Such a certificate comes without that
    claim, still tagged, with an empty box for the letter, rather than not at all.
    """
    try:
        return _typeset("certificate.typ", credential, format="pdf", pdf_standards=["ua-1"])
    except typst.TypstError:
        log.warning("certificate_lacks_a_font", credential=credential.public_id)
        return _typeset("certificate.typ", credential, format="pdf")


def picture(credential: Proven) -> bytes:
    """A PNG of 1200 x 627 for the preview that social networks show of a shared link."""
    return _typeset("picture.typ", credential, format="png", ppi=72.0)


def badge(credential: Proven, form: Literal["png", "svg"]) -> bytes:
    """The picture of the achievement, the same for all who have it: a disc, 600 pixels wide as a PNG."""
    return _typeset("badge.typ", credential, format=form, **({"ppi": 108.0} if form == "png" else {}))


def _typeset(template: str, credential: Proven, **options: Any) -> bytes:
    made: bytes = typst.compile(
        _TEMPLATES / template,
        root=_TEMPLATES,
        font_paths=_fonts(),
        sys_inputs=_inputs(credential),
        timestamp=credential.issued_at,
        **options,
    )
    return made


@cache
def _fonts() -> typst.Fonts:
    """The machine's fonts, looked for once: a font that is installed later counts after a restart."""
    return typst.Fonts()


def _inputs(credential: Proven) -> dict[str, str]:
    values = {
        "language": "en",
        "title": credential.title,
        "name": credential.name or "",
        "issuer": credential.issuer,
        "issued": spelled(credential.issued_on),
        "revoked": spelled(credential.revoked_on) if credential.revoked_on else "",
        "expires": spelled(credential.expires_on) if credential.expires_on else "",
        "id": credential.public_id,
        "url": credential.url,
    }
    return {key: _printable(value) for key, value in values.items()}


def _printable(text: str) -> str:
    """The text without what has no glyph: control, private and half characters, and marks of direction."""
    kept = (
        character
        for character in unicodedata.normalize("NFC", text)
        if character in _JOINERS or unicodedata.category(character) not in {"Cc", "Cf", "Co", "Cs"}
    )
    return "".join(kept)
