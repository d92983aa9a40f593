"""`celery -A tasks attest`: state something about a learner, such as an approved portfolio, or take it back."""

from __future__ import annotations

import getpass
import json
from typing import Any

import click
from marshmallow import ValidationError

from pipeline.attestation import AttestationKind
from pipeline.configuration.staff import Person, Role
from pipeline.review.attestations import AttestationSchema, state, take_back
from pipeline.review.refusals import Refusal
from tasks.announce import announce


@click.command()
@click.option("--source", help="The LMS account.")
@click.option("--learner", help="The learner's id at that LMS.")
@click.option("--program", help="Only about this program; default: about the learner in every program.")
@click.option("--kind", type=click.Choice([kind.value for kind in AttestationKind]), help="What is stated.")
@click.option("--about", default="", help="What it is about: portfolio, modules, a graded item, a course.")
@click.option("--item", default="", help="Narrows it down, for example to one module.")
@click.option("--approved/--refused", default=None, help="Of an approval.")
@click.option("--points", help="Of a score, with --out-of.")
@click.option("--out-of", "out_of", help="Of a score.")
@click.option("--hours", help="Of time spent.")
@click.option("--name", help="The name on the document that was seen.")
@click.option("--valid-until", "valid_until", help="When it ends, such as 2027-01-31T00:00:00Z.")
@click.option("--reason", required=True, help="Why; kept with it.")
@click.option("--withdraw", metavar="ATTESTATION", help="Take this one back instead.")
@click.option("--by", "person", default=getpass.getuser, help="Who says so. Default: the login name.")
@click.option("--json", "as_document", is_flag=True, help="Print JSON.")
def attest(withdraw: str | None, person: str, as_document: bool, **said: Any) -> None:
    """State something about a learner; cases that waited for it go on by themselves.

    \b
    Examples:
      celery -A tasks attest --source college --learner 307 --program project-management \\
        --kind approval --about portfolio --approved --reason "seen on 12 March"
      celery -A tasks attest --source college --learner 307 --kind investigation --reason "report 2026-14"
      celery -A tasks attest --withdraw attestation_01KAQ7J5T0W8Z6M3 --reason "unfounded"
    """
    staff = Person(name=person, role=Role.ADMINISTRATOR)
    try:
        if withdraw:
            announce(take_back(staff, withdraw, said["reason"]))
            made, told = withdraw, "withdrawn"
        else:
            kept = state(staff, AttestationSchema().load({k: v for k, v in said.items() if v is not None}))
            announce(kept.wakeups)
            made, told = kept.id, "kept"
    except ValidationError as fault:
        raise click.UsageError("; ".join(f"{name}: {' '.join(said)}" for name, said in _faults(fault))) from None
    except Refusal as refusal:
        raise click.ClickException(refusal.detail) from None
    click.echo(json.dumps({"attestation": made}) if as_document else f"{made} {told}.")


def _faults(fault: ValidationError) -> list[tuple[str, list[str]]]:
    return sorted((str(name), list(map(str, said))) for name, said in dict(fault.messages).items())  # type: ignore[arg-type]
