"""Shows the caught mail to a person."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, render_template

from sandbox.world import world

blueprint = Blueprint("mail", __name__, url_prefix="/mail")


@blueprint.app_template_filter("moment")
def moment(seconds: float) -> str:
    """A point in time as people read it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%d %B %Y, %H:%M:%S UTC")


@blueprint.get("/")
def overview() -> str:
    """All messages, newest first."""
    return render_template("mails.html", mails=list(reversed(world().mailbox.list())))


@blueprint.get("/<int:number>")
def mail(number: int) -> tuple[str, int]:
    """One message: headers, text, and the HTML part shut off from everything else."""
    found = world().mailbox.find(number)
    if found is None:
        return render_template("nothing.html", what="message"), 404
    return render_template("mail.html", mail=found), 200
