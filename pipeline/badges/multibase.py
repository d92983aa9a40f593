"""Bytes as text the way Data Integrity and Multikey write them: `z` and base58 in Bitcoin's alphabet."""

from __future__ import annotations

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58(content: bytes) -> str:
    """The multibase text of some bytes, `z` in front."""
    number = int.from_bytes(content, "big")
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = _ALPHABET[digit] + digits
    zeros = len(content) - len(content.lstrip(b"\0"))  # each one is a digit of its own: a number has no leading ones
    return "z" + _ALPHABET[0] * zeros + digits
