"""`celery -A tasks award-again`: let a learner, whose credential was withdrawn, earn it anew."""

from __future__ import annotations

import getpass
import json

import click

from pipeline.configuration.staff import Person, Role
from pipeline.review.awards import award_again as ask
from pipeline.review.refusals import Refusal
from tasks.announce import announce


@click.command(name="award-again")
@click.argument("case")
@click.option("--reason", required=True, help="Why; only its hash is kept.")
@click.option("--by", "person", default=getpass.getuser, help="Who asks, for the ledger. Default: the login name.")
@click.option("--json", "as_document", is_flag=True, help="Print JSON.")
def award_again(case: str, reason: str, person: str, as_document: bool) -> None:
    """Open a new case for the learner of a withdrawn one. The record is read and judged again.

    \b
    Example:
      celery -A tasks award-again case_01KAQ7J5T0W8Z6M3 --reason "cleared by the committee"
    """
    try:
        made = ask(Person(name=person, role=Role.ADMINISTRATOR), case, reason)
    except Refusal as refusal:
        raise click.ClickException(refusal.detail) from None
    announce(made.wakeups)
    if as_document:
        click.echo(json.dumps({"case": made.case, "stage": made.stage, "new": made.new}))
    else:
        click.echo(f"{made.case}: {made.stage}{'' if made.new else ', opened before'}.")
