"""The answers that come from in front of a system rather than from the system itself."""

from __future__ import annotations

from werkzeug.wrappers import Response


def proxy_page(status: int) -> Response:
    """A proxy's page about an error: HTML, whatever the caller asked for."""
    page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
    return Response(page, status=status, content_type="text/html")


def retry_later(retry_after: int | None) -> Response:
    """429 as plain text, for a system whose own form is not known."""
    response = Response("Retry later\n", status=429, content_type="text/plain")
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response
