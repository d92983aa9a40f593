"""`celery -A tasks withdrawals`: the requested withdrawals, and a second person's decision about them."""

from __future__ import annotations

import getpass
import json
from typing import Any

import click
from tqdm import tqdm

from pipeline.configuration.staff import Person, Role
from pipeline.review.withdrawal_lists import Filter, as_shown, decide_many, listed, waiting_ids
from pipeline.review.withdrawals import Decided
from pipeline.stages import WithdrawalState
from pipeline.store.database import reading
from pipeline.values import Trigger
from tasks.announce import announce

_WHO = click.option(
    "--by", "person", default=getpass.getuser, help="Who decides, for the ledger. Default: the login name."
)
_WHY = click.option("--reason", required=True, help="Why; kept with the decision.")
_SCOPE = click.option("--scope", help="Every waiting request of one bulk request, by its id.")


@click.group()
def withdrawals() -> None:
    """Show the withdrawals that were asked for, and approve or refuse them. Who asked does not decide.

    \b
    Examples:
      celery -A tasks withdrawals list
      celery -A tasks withdrawals approve withdrawal_01KAQ7J5T0W8Z6M3 --reason "report seen" --by jdoe
      celery -A tasks withdrawals refuse --scope bulk_01KAQ7J5T0W8Z6M3 --reason "wrong dates" --by jdoe
    """


@withdrawals.command(name="list")
@click.option(
    "--state", type=click.Choice([one.value for one in WithdrawalState]), default="requested", show_default=True,
    help="Only those in this state.",
)  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="In any state.")
@click.option("--program", help="Only of this program.")
@click.option("--case", help="Only of this case.")
@click.option(
    "--reason-code", "trigger", type=click.Choice([one.value for one in Trigger]), help="Only with this code."
)
@click.option("--scope", help="Only those of one bulk request.")
@click.option("--overdue", is_flag=True, help="Only what should have been decided by now.")
@click.option("--json", "as_document", is_flag=True, help="Print JSON.")
def list_withdrawals(everything: bool, as_document: bool, state: str, **which: Any) -> None:
    """List withdrawals; what has to be decided first stands first."""
    with reading() as session:
        chosen = Filter(state=None if everything else state, **which)
        rows, total = listed(session, _anybody("viewer"), chosen, limit=1000)
        shown = [as_shown(row) for row in rows]
    if as_document:
        click.echo(json.dumps({"withdrawals": shown, "total": total}, indent=2, ensure_ascii=False))
        return
    for one in shown:
        late = ", overdue" if one["overdue"] else ""
        bulk = f"  {one['scope']}" if one["scope"] != "case" else ""
        click.echo(
            f"{one['withdrawal']}  {one['case']}  {one['program']}  {one['trigger']}  {one['state']}{late}{bulk}"
        )
        click.echo(f"    {one['requested_by']}: {one['reason']}")
    click.echo(f"{total} {'in all' if everything else state}.")


@withdrawals.command()
@click.argument("ids", nargs=-1)
@_SCOPE
@_WHY
@_WHO
def approve(ids: tuple[str, ...], scope: str | None, reason: str, person: str) -> None:
    """Have the credentials taken back."""
    _decide(ids, scope, Decided.APPROVE, reason, person)


@withdrawals.command()
@click.argument("ids", nargs=-1)
@_SCOPE
@_WHY
@_WHO
def refuse(ids: tuple[str, ...], scope: str | None, reason: str, person: str) -> None:
    """Leave the credentials as they are."""
    _decide(ids, scope, Decided.REFUSE, reason, person)


def _decide(ids: tuple[str, ...], scope: str | None, decided: Decided, reason: str, person: str) -> None:
    if bool(ids) == bool(scope):
        raise click.UsageError("name withdrawals, or --scope, not both")
    staff = _anybody(person)
    chosen = waiting_ids(staff, scope=scope) if scope else list(ids)
    many = decide_many(staff, chosen, decided, reason)
    bar = None if len(chosen) > 1 else True
    results = list(tqdm(many, desc="Deciding", total=len(chosen), unit="case", disable=bar))
    announce([wakeup for result in results for wakeup in result.wakeups])
    refused = [result for result in results if result.refused]
    for result in refused:
        click.echo(f"{result.subject}: {result.refused}", err=True)
    click.echo(f"{len(results) - len(refused)} {_DONE[decided]}, {len(refused)} left.")
    raise SystemExit(1 if refused else 0)


_DONE = {Decided.APPROVE: "approved", Decided.REFUSE: "refused"}


def _anybody(name: str) -> Person:
    """Who runs a command on the server has its database anyway; the ledger keeps the name."""
    return Person(name=name, role=Role.ADMINISTRATOR)
