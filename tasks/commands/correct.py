"""`celery -A tasks correct`: have issued credentials say another name."""

from __future__ import annotations

import getpass
import json

import click

from pipeline.configuration.staff import Person, Role
from pipeline.review.corrections import Wish
from pipeline.review.corrections import correct as ask
from pipeline.review.refusals import Refusal
from tasks.announce import announce


@click.command()
@click.argument("case")
@click.option("--name", help="The name that the credentials are to say.")
@click.option("--from-lms", is_flag=True, help="The name and the e-mail address that the LMS has now.")
@click.option("--reason", required=True, help="Why; kept with the correction.")
@click.option("--by", "person", default=getpass.getuser, help="Who asks, for the ledger. Default: the login name.")
@click.option("--json", "as_document", is_flag=True, help="Print JSON.")
def correct(case: str, name: str | None, from_lms: bool, reason: str, person: str, as_document: bool) -> None:
    """Correct the name on a case's credentials: in place, or by withdrawing them and issuing them anew.

    \b
    Examples:
      celery -A tasks correct case_01KAQ7J5T0W8Z6M3 --name "Ada Lovelace" --reason "misspelt, passport seen"
      celery -A tasks correct case_01KAQ7J5T0W8Z6M3 --from-lms --reason "married"
    """
    if (name is None) != from_lms:
        raise click.UsageError("write --name or --from-lms, one of the two")
    try:
        made = ask(Person(name=person, role=Role.ADMINISTRATOR), case, Wish(reason=reason, name=name))
    except Refusal as refusal:
        raise click.ClickException(refusal.detail) from None
    announce(made.wakeups)
    if as_document:
        click.echo(json.dumps({"correction": made.id, "stage": made.stage}))
    else:
        click.echo(f"{made.id}: {case} is {made.stage} now.")
