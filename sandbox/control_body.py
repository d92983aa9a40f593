"""Reads the JSON body of a control call: strictly, because a misspelt wish that is passed over makes a test lie."""

from __future__ import annotations

from typing import Any

from flask import request

from sandbox.shapes import Check, Problem, Refused, require


class NoSuch(LookupError):
    """Something named in a control call does not exist."""


def body_of(check: Check) -> Any:
    """The body of this request.

    Raises:
        Refused: it is no JSON or has not the shape asked for.
    """
    body = request.get_json(force=True, silent=True)
    if body is None:
        raise Refused([Problem("(body)", "must be JSON")])
    require(body, check)
    return body
