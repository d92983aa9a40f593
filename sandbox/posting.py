"""What every sender of an event shares: the bytes on the wire, and the answer that came back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests


@dataclass(frozen=True)
class Outgoing:
    """One request: the body as an object and its very text."""

    payload: Any
    headers: dict[str, str]
    raw: str


def post(outgoing: Outgoing, *, url: str, timeout_seconds: float, follow: bool = True) -> dict[str, Any]:
    """Send the request as it stands; the answer's status and body, or the name of what went wrong."""
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy from the environment would make the answer somebody else's
            response = session.post(
                url,
                data=outgoing.raw.encode(),
                headers=outgoing.headers,
                timeout=(30, timeout_seconds),
                allow_redirects=follow,
            )
            return {"status": response.status_code, "body": _read(response)}
    except requests.RequestException as error:
        return {"status": None, "body": None, "error": type(error).__name__}


def _read(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return response.text
