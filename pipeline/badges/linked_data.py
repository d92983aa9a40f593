"""A document as the canonical statements that an embedded proof signs, read under pinned contexts and nothing else.

JSON-LD drops a member that no context defines without a word, so that it would stand in the document unsigned.
What would be dropped is found before anything is signed, and refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

from pyld import jsonld

from pipeline.errors import Misconfigured

_FILES = {
    "https://www.w3.org/ns/credentials/v2": (
        "credentials-v2.json",
        "8a9f494a89ecc51db093e90e84713e07e84d6d9204364a9b3c7868b21751236f",
    ),
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json": (
        "open-badges-3.0.3.json",
        "ef2fa9c7846dce233cc166b43639027278be4ee44f00bb1d45c75de2dd0cd761",
    ),
}
#: characters that RDFC-1.0 writes in an escaped form and PyLD 3.3 writes as they are, so that others hash other bytes
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
#: PyLD keeps contexts in caches that two threads may not change at once
_one_at_a_time = Lock()
_DIRECTORY = Path(__file__).parent / "contexts"


class Unsignable(Exception):
    """Part of a document would not be covered by its proof. Names the place, never a value."""


def canonical(document: Mapping[str, Any]) -> bytes:
    """The document as canonical N-Quads (RDF Dataset Canonicalization, RDFC-1.0).

    Raises:
        Unsignable: it cannot be read under the pinned contexts.
    """
    try:
        # PyLD calls the algorithm by the name it had before it became RDFC-1.0
        options = {"algorithm": "URDNA2015", "format": "application/n-quads", "documentLoader": _load}
        with _one_at_a_time:
            quads: str = jsonld.normalize(dict(document), options)
    except jsonld.JsonLdError as failure:
        raise Unsignable(f"its contexts cannot be applied ({failure.code or failure.type})") from None
    return quads.encode()


def check_covered(document: Mapping[str, Any]) -> None:
    """Make sure that every member of a document becomes a statement, by reading it and writing it again.

    Raises:
        Unsignable: a member is lost, changed or empty, a type or identifier is no absolute address, or a text holds
            a character that is not written alike everywhere.
        Misconfigured: a pinned context is not what it was.
    """
    for address in _FILES:
        _context(address)  # PyLD would hide why it cannot be had
    for place in _empty(document, "$"):
        raise Unsignable(f"{place} is empty")
    for place in _unwritable(document, "$"):
        raise Unsignable(f"{place} holds a control character")
    try:
        with _one_at_a_time:
            expanded = jsonld.expand(dict(document), {"documentLoader": _load})
            compacted = jsonld.compact(expanded, {"@context": document["@context"]}, {"documentLoader": _load})
    except jsonld.JsonLdError as failure:
        raise Unsignable(f"its contexts cannot be applied ({failure.code or failure.type})") from None
    for place in _differences(_plain(document), _plain(compacted), "$"):
        raise Unsignable(f"{place} would be lost or changed: no context defines it, or it is no absolute address")


@cache
def _context(address: str) -> Any:
    name, digest = _FILES[address]
    file = _DIRECTORY / name
    content = file.read_bytes() if file.exists() else b""
    if sha256(content).hexdigest() != digest:
        raise Misconfigured(f"{file} is not the context that it was: restore it from the release", whole_account=True)
    return json.loads(content)


def _load(address: str, _options: Mapping[str, Any]) -> dict[str, Any]:
    """The document loader: it never leaves the machine."""
    if address not in _FILES:
        raise jsonld.JsonLdError("not a pinned context", "jsonld.LoadDocumentError", code="loading document failed")
    return {
        "contentType": "application/ld+json",
        "contextUrl": None,
        "documentUrl": address,
        "document": _context(address),
    }


def _empty(value: Any, place: str) -> Iterator[str]:
    if value is None or value in ([], {}):
        yield place
    for name, child in _children(value):
        yield from _empty(child, f"{place}.{name}")


def _unwritable(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, str) and UNWRITABLE.search(value):
        yield place
    for name, child in _children(value):
        yield from _unwritable(child, f"{place}.{name}")


def _plain(value: Any) -> Any:
    """The value with a list of one as that one, which is the same in JSON-LD."""
    if isinstance(value, Mapping):
        return {name: _plain(child) for name, child in value.items()}
    if isinstance(value, list):
        return _plain(value[0]) if len(value) == 1 else [_plain(child) for child in value]
    return value


def _differences(before: Any, after: Any, place: str) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            yield from _differences(before.get(name), after.get(name), f"{place}.{name}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, pair in enumerate(zip(before, after, strict=True)):
            yield from _differences(*pair, f"{place}.{number}")
    elif (before, type(before)) != (after, type(after)):
        yield place


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list):
        yield from ((str(number), child) for number, child in enumerate(value))
