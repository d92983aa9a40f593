"""A credential put into a picture, so that who has the picture has the credential (Open Badges 3.0, baking)."""

from __future__ import annotations

import re
import zlib
from xml.sax.saxutils import quoteattr

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_ENDS = len(_PNG_SIGNATURE) + 8 + 13 + 4  # length and name, thirteen bytes of IHDR, checksum
_NAMESPACE = "https://purl.imsglobal.org/ob/v3p0"


def bake_png(picture: bytes, credential: str) -> bytes:
    """The picture with the credential, JSON or JWS, as an uncompressed iTXt chunk after the header."""
    # keyword; not compressed, method 0; no language; no translated keyword
    content = b"openbadgecredential\0" + b"\0\0" + b"\0" + b"\0" + credential.encode()
    chunk = b"iTXt" + content
    written = len(content).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    return picture[:_HEADER_ENDS] + written + picture[_HEADER_ENDS:]


def bake_svg(picture: bytes, credential: str) -> bytes:
    """The picture with the credential as first element: JSON as its text, a JWS in its attribute `verify`."""
    if credential.startswith("{"):
        text = credential.replace("]]>", "]]]]><![CDATA[>")
        element = f"<openbadges:credential><![CDATA[{text}]]></openbadges:credential>"
    else:
        element = f"<openbadges:credential verify={quoteattr(credential)}/>"
    declared = rf'\1 xmlns:openbadges="{_NAMESPACE}"\2'
    head, opened, rest = re.split(r"(<svg\b[^>]*>)", picture.decode(), maxsplit=1)
    opened = re.sub(r"^(<svg\b)(.*)$", declared, opened, flags=re.DOTALL)
    return f"{head}{opened}{element}{rest}".encode()
