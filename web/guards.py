"""Every route states who may call it, on the view itself, so that a test can find one that forgot.

The mark protects nothing by itself: whoever writes `signature`, `link` or `token` also makes the check.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

Guard = Literal["public", "signature", "link", "token"]
View = TypeVar("View", bound=Callable[..., Any])


def guard(kind: Guard) -> Callable[[View], View]:
    """Mark a view with what protects it.

    `public`: anybody, on purpose. `signature`: an authenticated webhook. `link`: a signed address that was
    mailed. `token`: a bearer token. The mark is the attribute `guarded_by`; put this decorator below the route.
    """

    def mark(view: View) -> View:
        view.guarded_by = kind  # type: ignore[attr-defined]  # a function takes any attribute
        return view

    return mark
