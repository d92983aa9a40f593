"""`celery -A tasks review`: the queue of held and failed cases, and decisions about them, from the command line.

Whoever may run this may decide everything; the name that `--by` gives stands in the ledger.
"""

from __future__ import annotations

import getpass
import json
import textwrap
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import click
from tqdm import tqdm

from pipeline.configuration.staff import Person, Role
from pipeline.review.bulk import carry_out, preview
from pipeline.review.compiled import compiled
from pipeline.review.decisions import Action, Wish, assign
from pipeline.review.decisions import review as decide
from pipeline.review.queue import Filter, Waiting, page, time_left
from pipeline.review.refusals import Refusal
from pipeline.store.database import reading
from pipeline.store.decisions import as_json
from tasks.announce import announce

_WHO = click.option(
    "--by", "person", default=getpass.getuser, help="Who decides, for the ledger. Default: the login name."
)
_WHY = click.option("--reason", required=True, help="Why; kept with the decision.")
_JSON = click.option("--json", "as_document", is_flag=True, help="Print JSON.")


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--overdue", is_flag=True, help="Only what should have been decided by now."),
        click.option("--assignee", help="Only cases of this person, or of `nobody`."),
        click.option("--error", help="Only this kind of error: doubt, criteria, rejected, …"),
        click.option("--program", help="Only cases of this program."),
        click.option("--stage", type=click.Choice(["held", "failed"]), help="Only held, or only failed cases."),
    ):
        command = option(command)
    return command


@click.group()
def review() -> None:
    """Show the queue of cases that wait for a person, and decide.

    \b
    Examples:
      celery -A tasks review list --overdue
      celery -A tasks review show case_01KAQ7J5T0W8Z6M3
      celery -A tasks review approve case_01KAQ7J5T0W8Z6M3 --reason "diploma seen, same person"
      celery -A tasks review bulk look_again --error misconfigured --reason "template restored"
    """


@review.command(name="list")
@_filters
@_JSON
def list_queue(as_document: bool, **which: Any) -> None:
    """List the queue; what has to be decided first stands first."""
    with reading() as session:
        found = page(session, _anybody("viewer"), Filter(**which), limit=200)
    if as_document:
        click.echo(json.dumps(as_json(found), indent=2))
        return
    for case in found.cases:
        _line(case)
    more = f", the first {len(found.cases)} are shown" if found.after else ""
    click.echo(f"{found.total} waiting, {found.overdue} overdue{more}.")


@review.command()
@click.argument("case")
def show(case: str) -> None:
    """Everything about one case, as the API tells it."""
    with reading() as session, _told():
        click.echo(json.dumps(compiled(session, case, _anybody("viewer")), indent=2, ensure_ascii=False))


@review.command()
@click.argument("case")
@_WHY
@_WHO
def approve(case: str, reason: str, person: str) -> None:
    """Resolve every doubt in the learner's favour; failed checks are not touched."""
    _decide(case, Action.APPROVE, reason, person)


@review.command()
@click.argument("case")
@click.option(
    "--check", "checks", multiple=True, required=True, help="A check that is to count as passed; repeat it."
)
@_WHY
@_WHO
def override(case: str, checks: tuple[str, ...], reason: str, person: str) -> None:
    """Have checks that did not pass count as passed. Name every one of them.

    \b
    Example:
      celery -A tasks review override case_01KAQ7J5T0W8Z6M3 --check score --reason "re-marked: 82 %"
    """
    _decide(case, Action.OVERRIDE, reason, person, checks)


@review.command()
@click.argument("case")
@_WHY
@_WHO
def reject(case: str, reason: str, person: str) -> None:
    """Close the case without a credential."""
    _decide(case, Action.REJECT, reason, person)


@review.command(name="look-again")
@click.argument("case")
@_WHY
@_WHO
def look_again(case: str, reason: str, person: str) -> None:
    """Go on where it stopped; a judged record is read and judged anew."""
    _decide(case, Action.LOOK_AGAIN, reason, person)


@review.command(name="assign")
@click.argument("case")
@click.argument("assignee")
@_WHO
def assign_case(case: str, assignee: str, person: str) -> None:
    """Say who works on a case; `nobody` takes the name away."""
    with _told():
        assign(case, person=_anybody(person), assignee=None if assignee == "nobody" else assignee)
    click.echo(f"{case}: assigned to {assignee}.")


@review.command()
@click.argument("action", type=click.Choice([one.value for one in Action if one is not Action.OVERRIDE]))
@_filters
@_WHY
@_WHO
@click.option("--yes", is_flag=True, help="Do not ask after the preview.")
def bulk(action: str, reason: str, person: str, yes: bool, **which: Any) -> None:
    """Decide the same about every case of a filter, after a preview.

    \b
    Example:
      celery -A tasks review bulk approve --program first-aid --error doubt --reason "register checked"
    """
    staff = _anybody(person)
    with _told():
        made = preview(staff, Action(action), Filter(**which))
        for case in made.page.cases:
            _line(case)
        click.echo(f"{made.page.total} cases: {action}.")
        if not made.page.cases or not (yes or click.confirm("Decide so?")):
            return
        results = list(tqdm(carry_out(staff, made.token, reason), total=made.page.total, unit="case"))
    announce([wakeup for result in results for wakeup in result.wakeups])
    refused = [result for result in results if result.refused]
    for result in refused:
        click.echo(f"{result.case}: {result.refused}", err=True)
    click.echo(f"{len(results) - len(refused)} decided, {len(refused)} left.")
    raise SystemExit(1 if refused else 0)


def _decide(case: str, action: Action, reason: str, person: str, checks: tuple[str, ...] = ()) -> None:
    staff = _anybody(person)
    with _told():
        with reading() as session:
            seen = compiled(session, case, staff)
        wish = Wish(action=action, person=staff, reason=reason, version=seen["version"], checks=checks)
        wakeups = decide(case, wish)
        announce(wakeups)
        with reading() as session:
            now = compiled(session, case, staff)
    click.echo(f"{case}: {seen['stage']} before, {now['stage']} now.")


def _anybody(name: str) -> Person:
    """Who runs a command on the server has its database anyway; the ledger keeps the name."""
    return Person(name=name, role=Role.ADMINISTRATOR)


class _told:  # noqa: N801 - reads as a word in `with`
    """Tell a refusal in a line instead of a traceback."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, raised: BaseException | None, trace: object) -> None:
        if isinstance(raised, Refusal):
            raise click.ClickException(raised.detail)


def _line(case: Waiting) -> None:
    left = time_left(case)
    clock = "" if left is None else f", overdue by {_spell(-left)}" if case.overdue else f", {_spell(left)} left"
    who = f", {case.assignee}" if case.assignee else ""
    click.echo(f"{case.case}  {case.program}  {case.stage}{clock}{who}")
    click.echo(textwrap.shorten(f"    {case.error}: {case.reason}", 200, placeholder=" …"))


def _spell(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
