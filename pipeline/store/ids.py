"""Ids of our own rows: they sort by time, say what they name, and mean nothing outside."""

from __future__ import annotations

from ulid import ULID


def new_id(kind: str) -> str:
    """A new id such as `case_01KAQ…`."""
    return f"{kind}_{ULID()}"
