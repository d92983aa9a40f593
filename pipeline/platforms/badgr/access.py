"""How one account reaches Badgr: its hosts, what its administrator states, and how its tokens are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate, validates_schema

from pipeline import clock
from pipeline.oauth import Grant, Tokens, tokens
from pipeline.options import Hosted, Secret
from pipeline.settings import settings
from pipeline.transport import Client, OpenGate, pause_until

TOKEN = "/o/token"  # noqa: S105 - an address
#: what an application asks for that names no `scope`: to issue, and to see as whom it does
_SCOPE = "rw:issuer r:profile"
#: the least pause after a 429 to a request for a token: each failed one doubles the next, and the answer names it in
#: its body only (contract 2)
_TOKEN_PAUSE = timedelta(minutes=5)
#: what each grant needs, and nothing of the other's
_NEEDS: Mapping[str, frozenset[str]] = {
    "password": frozenset({"username", "password"}),
    "client_credentials": frozenset({"client_id", "client_secret"}),
}


class BadgrSchema(Hosted):
    """One Badgr user or application. Its issuers are those in which it is on the staff."""

    hosts: ClassVar[Mapping[str, str]] = {
        "us": "https://api.badges.parchment.com",
        "eu": "https://api.badges.parchment.eu",
        "au": "https://api.badges.parchment.au",
        "ca": "https://api.badges.parchment.ca",
        "sg": "https://api.badges.parchment.sg",
        "sandbox-demo": "https://api.demo.badges.parchment.com",
        "sandbox-test": "https://api.test.badges.parchment.com",
        "badgr-us": "https://api.badgr.io",
        "badgr-eu": "https://api.eu.badgr.io",
        "badgr-au": "https://api.au.badgr.io",
        "badgr-ca": "https://api.ca.badgr.io",
        "badgr-sg": "https://api.sg.badgr.io",
        "sandbox-badgr-demo": "https://api.demo.badgr.com",
        "sandbox-badgr-test": "https://api.test.badgr.com",
    }

    grant = fields.String(load_default="password", validate=validate.OneOf(list(_NEEDS)))
    username = fields.String(load_default=None)
    password = Secret(load_default=None)
    #: with the grant `password` only where the platform wants one; assumed: it takes its own client then
    client_id = fields.String(load_default=None)
    client_secret = Secret(load_default=None)
    scope = fields.String(load_default=None)
    #: who writes to the learner; a server may be set to write at somebody's first badge all the same
    mail = fields.String(load_default="confer", validate=validate.OneOf(["confer", "badgr"]))

    @validates_schema
    def _whole(self, data: Mapping[str, Any], **_: Any) -> None:
        grant = data.get("grant", "password")
        stated = {name for needs in _NEEDS.values() for name in needs if data.get(name)}
        allowed = _NEEDS[grant] | ({"client_id"} if grant == "password" else set())
        if not _NEEDS[grant] <= stated <= allowed:
            raise ValidationError(
                f"`grant: {grant}` needs {' and '.join(sorted(_NEEDS[grant]))}, and no other", "grant"
            )


def tokens_of(options: Mapping[str, Any], *, system: str) -> Tokens:
    """The tokens of an account, the same for all of the process."""
    client = Client(
        system=system,
        base_url=options["url"],
        headers={"Accept": "application/json"},
        timeout=settings().call_timeout,
        gate=OpenGate(),  # a token outlives the gate of whoever asked first: each asker passes its own
        pause=_token_pause,
    )
    return tokens(Grant(client=client, path=TOKEN, form=_form(options)))


def _form(options: Mapping[str, Any]) -> dict[str, str]:
    """The request for a token; without `scope` a user gets the usual ones, which hold all that is needed."""
    scope = options["scope"] or (_SCOPE if options["grant"] == "client_credentials" else None)
    stated = {name: options[name] for name in ("username", "password", "client_id", "client_secret")}
    form = {"grant_type": options["grant"], **stated, "scope": scope}
    return {name: text for name, text in form.items() if text}


def _token_pause(headers: Mapping[str, str]) -> datetime:
    return max(pause_until(headers), clock.now() + _TOKEN_PAUSE)
