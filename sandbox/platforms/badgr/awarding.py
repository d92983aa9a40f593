"""Awarding over the API, one or several by one call, with the holes of the vendor's own checks (contract 4, 5)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flask import request
from werkzeug.wrappers import Response

from sandbox.plain_answers import proxy_page
from sandbox.platforms.badgr import forms, wishes
from sandbox.platforms.badgr.access import OURSELVES, answer, error, missing
from sandbox.platforms.badgr.account import Assertion, BadgeClass

if TYPE_CHECKING:
    from sandbox.platforms.badgr import Badgr

_BEFORE = "A previous award of this badge already exists for this recipient."
_BLOCKED = "You may not award this badge to this recipient."
_NAMES = ("badgeclass", "badgeclassOpenBadgeId", "badgeclassName")
_MANY = (
    "Multiple badge class identifiers. Exactly one of the following badge class identifiers are allowed: badgeclass,"
    " badgeclassName, or badgeclassOpenBadgeId"
)


class Blocked(Exception):
    """The recipient may not be awarded anything; found out only when the award is written."""


class Desk:
    """Where awards are asked for. Checks come first and writing later, without anything that holds them together."""

    def __init__(self, twin: Badgr) -> None:
        self.twin = twin

    def one(self, badgeclass: BadgeClass | None, item: Any) -> Response:
        """Award one; without a badge class the item has to name it."""
        found, errors = self._checked(badgeclass, item)
        if errors:
            return refused(errors)
        self._race()
        return self._written([(found, item)])

    def several(self, entity_id: str) -> Response:
        """Award several: all are checked first, then each is written by itself (contract 5)."""
        badgeclass = self.twin.account.badge_class(entity_id)
        if badgeclass is None:
            return missing()
        body: Any = request.get_json(silent=True)
        if not isinstance(body, dict):
            return Response(status=400)
        items = body.get("assertions")
        if not isinstance(items, list):
            return proxy_page(500)
        self.twin.note(set(body) - {"assertions", "create_notification"})
        checked = [self._checked(badgeclass, item) for item in items]
        if any(errors for _, errors in checked):
            return error(400, "bad request", [errors for _, errors in checked])
        self._race()
        return self._written([(found, item) for item, (found, _) in zip(items, checked, strict=True)])

    def change(self, entity_id: str) -> Response:
        """Change an award in place: whatever is sent of it."""
        found = self.twin.account.found(entity_id)
        if found is None:
            return missing()
        item: Any = request.get_json(silent=True)
        wish, errors = wishes.read(item)
        if errors:
            return refused(errors)
        self.twin.note(wishes.passed_over(item))
        for name, kept in (("issuedOn", "issued_on"), *((one, one) for one in ("expires", "narrative", "evidence"))):
            if name in wish:
                setattr(found, kept, wish[name])
        for name, value in wish.get("recipient", {}).items():
            setattr(found, name, value)
        self.twin.touch(found)
        return answer(forms.envelope([self.twin.form(found)]))

    def _checked(self, badgeclass: BadgeClass | None, item: Any) -> tuple[dict[str, Any], wishes.Errors]:
        found, errors = wishes.read(item)
        if errors:
            return found, errors
        named = [name for name in _NAMES if name in item]
        if len(named) + (badgeclass is not None) > 1:
            return found, {"non_field_errors": [_MANY]}
        if "recipient" not in found:
            return found, {"recipient": ["This field is required"]}
        chosen = badgeclass or self._named(found)
        if chosen is None:
            return found, {"badgeclass": ["This field is required"]}
        found["chosen"] = chosen.entity_id
        with self.twin.lock:
            before = self.twin.account.has(chosen.entity_id, found["recipient"]["identity"])
        if before and found.get("allowDuplicateAwards", True) is False:
            return found, {"non_field_errors": [_BEFORE]}
        return found, {}

    def _named(self, found: Mapping[str, Any]) -> BadgeClass | None:
        classes = [one for one in self.twin.account.classes.values() if not one.archived]
        named = str(found.get("badgeclassOpenBadgeId", "")).rpartition("/")[2] or found.get("badgeclass")
        fitting = [one for one in classes if one.entity_id == named or one.name == found.get("badgeclassName")]
        return fitting[0] if len(fitting) == 1 else None

    def _race(self) -> None:
        time.sleep(self.twin.race_milliseconds / 1000)

    def _write(self, found: Mapping[str, Any], item: Any) -> Assertion:
        recipient = found["recipient"]
        kept = {name: found[name] for name in ("expires", "narrative", "evidence", "extensions") if name in found}
        if "issuedOn" in found:
            at = found["issuedOn"]
            kept["issued_on"] = at if self.twin.keeps_fractions else at.replace(microsecond=0)
        with self.twin.lock:
            if recipient["identity"].lower() in self.twin.blocked:
                raise Blocked
            made = self.twin.account.award(found["chosen"], **recipient, **kept, created_by=OURSELVES)
            first = [one.identity for one in self.twin.account.assertions.values()].count(made.identity) == 1
            made.mailed = int(found.get("notify", False) or (first and self.twin.notify_first))
            self.twin.note(wishes.passed_over(item) - {"create_notification"})
        return made

    def _written(self, wishes_and_items: Sequence[tuple[Mapping[str, Any], Any]]) -> Response:
        """Write one after the other; what breaks the row off leaves those before it (contract 5)."""
        made: list[Assertion] = []
        for found, item in wishes_and_items:
            if len(made) == self.twin.crash_after:
                return proxy_page(500)
            try:
                made.append(self._write(found, item))
            except Blocked:
                return error(400, "bad request", {}, [_BLOCKED])
        return self._answer(made)

    def _answer(self, made: list[Assertion]) -> Response:
        return answer(forms.envelope([self.twin.form(one) for one in made]), 201)


def refused(errors: wishes.Errors) -> Response:
    """What is wrong with one award; what belongs to no field stands apart."""
    named = {name: said for name, said in errors.items() if name != "non_field_errors"}
    return error(400, "bad request", named, errors.get("non_field_errors", []))
