"""Channels by which staff is told. (Placeholder of the core: the author of the channels replaces this file.)"""

from __future__ import annotations

from typing import Any

CHANNELS: dict[str, Any] = {}
