"""Issuing several by one call: what came of each, in the order of the request, and the status of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sandbox.platforms.accredible.account import Account
from sandbox.platforms.accredible.forms import as_bulk
from sandbox.platforms.accredible.rules import Invalid


def results_of(account: Account, given: Sequence[Any], base: str) -> tuple[list[dict[str, Any]], int]:
    """Issue them one after the other: the results, and 200, 207 (some failed) or 422 (all did)."""
    results = [_result(account, one, base) for one in given]
    failed = [one for one in results if "credential" not in one]
    flawed = [one for one in results if account.settings.bulk_spelling in one]
    return results, 422 if len(failed) == len(results) else 207 if flawed else 200


def _result(account: Account, given: Any, base: str) -> dict[str, Any]:
    wants = not isinstance(given, dict) or given.get("approve", True)
    try:
        credential = account.create(given)
    except Invalid as invalid:
        return _error(account, invalid.errors)
    result: dict[str, Any] = {"credential": as_bulk(credential, base)}
    if wants and not credential.approve and not account.settings.sandbox_mode:
        message = "The credential was created but not published"
        result[account.settings.bulk_spelling] = {"code": "insufficient_credits", "message": message}
    return result


def _error(account: Account, errors: str | dict[str, list[str]]) -> dict[str, Any]:
    general = account.settings.bulk_spelling == "error"
    named = {"group_id": [errors]} if isinstance(errors, str) else errors
    details = []
    for key, messages in named.items():
        # a second credential for the same address is reported at the address here, unlike in a single create
        name = "recipient.email" if key == "credential" else key
        spelt = name.replace(".", "_") if general and key != "credential" else name
        details += [{"property": spelt, "reason" if general else "message": message} for message in messages]
    error = {"code": "credential_invalid", "message": "The credential is not valid", "details": details}
    return {account.settings.bulk_spelling: error}
