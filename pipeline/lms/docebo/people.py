"""People: who a learner is, whether their account is in force, and who they report to (contract 2.3, 2.6)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marshmallow import fields

from pipeline import clock
from pipeline.errors import Outage, Rejected
from pipeline.lms.docebo.rest import Rest
from pipeline.reading import Lenient, Ref, UtcInstant, Words
from pipeline.values import Hold, Learner

USER = "/manage/v1/user/{user}"
MANAGERS = "/manage/v1/users/{user}/managers"


class _End(UtcInstant):
    """An instant, or a day, which counts to its end; how an expiration is written is not documented."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        day = isinstance(value, str) and len(value) == len("2026-10-01")
        return super()._deserialize(f"{value} 23:59:59" if day else value, attr, data, **kwargs)


class _Manager(Ref):
    """A user's id; empty where there is none, in whatever way that is written."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return "" if value in ("", "0", 0) else super()._deserialize(value, attr, data, **kwargs)


class _PersonSchema(Lenient):
    user_id = Ref(required=True)
    first_name = Words(load_default="", allow_none=True)
    last_name = Words(load_default="", allow_none=True)
    email = Words(load_default="", allow_none=True)
    valid = fields.Boolean(required=True)
    expiration = _End(load_default=None, allow_none=True)


class _UserSchema(Lenient):
    user_data = fields.Nested(_PersonSchema, required=True)


class _ManagersSchema(Lenient):
    manager_id = _Manager(load_default="", allow_none=True)


Person = Mapping[str, Any]


def person(rest: Rest, ref: str) -> Person:
    """One user.

    Raises:
        Rejected: there is none. Others: see `pipeline.errors`.
    """
    found = _user(rest, ref)
    if found is None:
        raise Rejected("Docebo knows no such user, or the token's user may not see them")
    return found


def learner(found: Person, *, supervisor_email: str | None) -> Learner:
    """The person as a learner."""
    return Learner(
        ref=found["user_id"],
        name=" ".join(part for part in (found["first_name"], found["last_name"]) if part),
        email=found["email"] or "",
        supervisor_email=supervisor_email,
        suspended=not found["valid"],
        given_name=found["first_name"] or None,
        family_name=found["last_name"] or None,
    )


def supervisor_email(rest: Rest, ref: str) -> str | None:
    """The address of a user's manager; None where there is none whose account is in force."""
    named = rest.one(_ManagersSchema(), MANAGERS, user=ref)
    manager = _user(rest, named["manager_id"]) if named and named["manager_id"] else None
    return (manager["email"] or None) if manager is not None and not holds(manager) else None


def holds(found: Person) -> tuple[Hold, ...]:
    """What is wrong with the account of a user."""
    where, ends = f"GET {USER}", found["expiration"]
    suspended = Hold(kind="suspended", reason="the user is deactivated in Docebo", where=where)
    expired = Hold(kind="expired", reason="the user's account in Docebo has expired", where=where)
    return (
        *((suspended,) if not found["valid"] else ()),
        *((expired,) if ends is not None and ends <= clock.now() else ()),
    )


def _user(rest: Rest, ref: str) -> Person | None:
    found = rest.one(_UserSchema(), USER, user=ref)
    if found is None:
        return None
    told: Person = found["user_data"]
    if told["user_id"] != ref:  # a credential for somebody else could not be taken back
        raise Outage(f"Docebo answered {USER} with another user")
    return told
