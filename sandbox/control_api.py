"""The control API: faults, limits, what happened, and the settings of the stand-ins other than Moodle."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request

from sandbox.control_body import NoSuch, body_of
from sandbox.faults import read_fault
from sandbox.rates import Limit
from sandbox.shapes import (
    Problem,
    Refused,
    count,
    email,
    flag,
    may,
    need,
    not_negative,
    structure,
    text,
)
from sandbox.systems import SYSTEMS
from sandbox.world import base_url, world

blueprint = Blueprint("control", __name__, url_prefix="/_sandbox")

_RATE = structure(
    {
        "calls": may(count, nullable=True),
        "window_seconds": may(not_negative),
        "retry_after": may(flag),
        "enforce": may(flag),
    }
)
_SIS = structure({"token": may(text), "known_students_only": may(flag)})
_STUDENT = structure(
    {"id": need(text), "idType": may(text), "name": need(text), "email": need(email), "active": may(flag)}
)


@blueprint.get("/")
def index() -> str:
    """What there is, for a person."""
    return render_template(
        "index.html", base=base_url(), state=_state(), systems=SYSTEMS, twins={**world().lms, **world().platforms}
    )


@blueprint.get("/sign-in")
def sign_in() -> str:
    """Where a redirecting stand-in sends its callers: a page that is no answer to any API call."""
    return render_template("sign_in.html")


@blueprint.get("/state")
def state() -> Response:
    """How much there is of everything."""
    return jsonify(_state())


def _state() -> dict[str, Any]:
    here = world()
    sis = here.sis
    return {
        "moodle": here.moodle.counts(),
        **{name: one.counts() for name, one in here.stand_ins.items()},
        "sis": {"completions": len(sis.completions), "students": len(sis.students), **sis.counts},
        "mail": here.mailbox.counts(),
        "calls": {system: len(here.calls.list(system)) for system in SYSTEMS},
        "faults": len(here.faults.list()),
    }


@blueprint.post("/reset")
def reset() -> Response:
    """Back to the state at the start."""
    world().reset()
    return jsonify(_state())


@blueprint.post("/faults")
def add_fault() -> Response:
    """Put a fault in force."""
    return jsonify(world().faults.add(read_fault(request.get_json(force=True, silent=True))).plain())


@blueprint.get("/faults")
def list_faults() -> Response:
    """The faults and how often each was used."""
    return jsonify(faults=[one.plain() for one in world().faults.list()])


@blueprint.delete("/faults")
def clear_faults() -> Response:
    """Remove every fault and end the waits they cause."""
    world().faults.clear()
    return jsonify(faults=[])


@blueprint.delete("/faults/<fault_id>")
def remove_fault(fault_id: str) -> Response:
    """Remove one fault."""
    if not world().faults.remove(fault_id):
        raise NoSuch(f"fault {fault_id}")
    return jsonify(removed=fault_id)


def _system(name: str) -> str:
    if name not in SYSTEMS:
        raise NoSuch(f"system {name}: there are {', '.join(SYSTEMS)}")
    return name


@blueprint.get("/rates/<system>")
def show_rate(system: str) -> Response:
    """What arrived at a system; `window_seconds` asks for another window than the limit's."""
    given = request.args.get("window_seconds")
    try:
        window = float(given) if given else None
    except ValueError:
        raise Refused([Problem("window_seconds", "must be a number")]) from None
    return jsonify(world().rates[_system(system)].report(window))


@blueprint.post("/rates/<system>")
def set_rate(system: str) -> Response:
    """Set a limit, or only the window to measure with; the count begins anew."""
    body = body_of(_RATE)
    if body.get("window_seconds") == 0:
        raise Refused([Problem("window_seconds", "must be above 0")])
    rate = world().rates[_system(system)]
    rate.set(Limit(**body))
    return jsonify(rate.report())


@blueprint.get("/calls")
def calls() -> Response:
    """The calls, oldest first; never a body."""
    system = request.args.get("system")
    return jsonify(calls=[one.plain() for one in world().calls.list(_system(system) if system else None)])


@blueprint.get("/sis/completions")
def completions() -> Response:
    """Every stored completion with its version and how often it was written."""
    sis = world().sis
    with sis.lock:
        shown = [
            {**one.shown(), "writes": one.writes, "repeats": one.repeats, "idempotency_keys": list(one.keys)}
            for one in sis.completions.values()
        ]
        return jsonify(completions=shown, counts=sis.counts)


@blueprint.post("/sis/settings")
def set_sis() -> Response:
    """Change the token, or let only known students be written."""
    body = body_of(_SIS)
    sis = world().sis
    with sis.lock:
        sis.token = body.get("token", sis.token)
        sis.known_students_only = body.get("known_students_only", sis.known_students_only)
        return jsonify(token=sis.token, known_students_only=sis.known_students_only)


@blueprint.post("/sis/students")
def add_student() -> Response:
    """Add or replace a student."""
    body = {"idType": "sis", "active": True, **body_of(_STUDENT)}
    id_type = body.pop("idType")
    sis = world().sis
    with sis.lock:
        sis.students[id_type, body["id"]] = body
    return jsonify(body)


@blueprint.get("/mail")
def mails() -> Response:
    """Every message, oldest first; `to` asks for one recipient's."""
    return jsonify(messages=[one.plain() for one in world().mailbox.list(request.args.get("to"))])
