"""`celery -A tasks withdraw`: ask for credentials to be taken back: cases by id, or a program in a span of time.

It shows what it would be about and changes nothing, unless it is told to.
"""

from __future__ import annotations

import getpass
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
from tqdm import tqdm

from pipeline.configuration.staff import Person, Role
from pipeline.review.refusals import Refusal
from pipeline.review.withdrawal_lists import Affected, Result, affected, request_many, single_cases
from pipeline.review.withdrawals import Request, request
from pipeline.stages import WithdrawalState
from pipeline.store.database import reading
from pipeline.store.decisions import as_json
from pipeline.values import Trigger
from tasks.announce import announce
from tasks.commands.replay import Since


@click.command()
@click.argument("cases", nargs=-1)
@click.option("--program", help="Instead of cases: every credential of this program.")
@click.option(
    "--since", type=Since(), help="With --program: issued from then on: 2026-11-23, or a span such as `2 h`."
)
@click.option("--until", type=Since(), help="With --program: issued before then.")
@click.option(
    "--reason-code", "trigger", type=click.Choice([one.value for one in Trigger]), required=True,
    help="Why, as a code. Platforms and other systems are told it.",
)  # fmt: skip
@click.option("--reason", required=True, help="Why, in words; kept with the request, told to nobody.")
@click.option("--by", "person", default=getpass.getuser, help="Who asks, for the ledger. Default: the login name.")
@click.option("--yes", is_flag=True, help="Do it. Without this, it is only shown.")
@click.option("--json", "as_document", is_flag=True, help="Print JSON.")
def withdraw(
    cases: tuple[str, ...],
    program: str | None,
    since: datetime | None,
    until: datetime | None,
    trigger: str,
    reason: str,
    person: str,
    yes: bool,
    as_document: bool,
) -> None:
    """Ask for credentials to be withdrawn. Somebody else approves: `celery -A tasks withdrawals`.

    \b
    Examples:
      celery -A tasks withdraw case_01KAQ7J5T0W8Z6M3 --reason-code integrity --reason "report 2026-14" --yes
      celery -A tasks withdraw --program first-aid --since 2026-03-01 --until 2026-04-01 \\
        --reason-code accreditation --reason "accreditation ended on 1 March"
    """
    if bool(cases) == bool(program):
        raise click.UsageError("name cases, or --program with --since and --until, not both")
    if cases and (since or until):
        raise click.UsageError("--since and --until belong to --program")
    staff = Person(name=person, role=Role.ADMINISTRATOR)
    wish = Request(trigger=Trigger(trigger), reason=reason)
    try:
        with reading() as session:
            about = (
                affected(session, staff, program=program, since=since, until=until)
                if program
                else single_cases(session, staff, cases)
            )
        if not yes:
            _show(about, as_document=as_document)
            return
        results = _ask(staff, about, wish, one_by_one=not program)
    except Refusal as refusal:
        raise click.ClickException(refusal.detail) from None
    _tell(results, as_document=as_document)


def _ask(staff: Person, about: Sequence[Affected], wish: Request, *, one_by_one: bool) -> list[Result]:
    """Each case in its own transaction, so that an interruption leaves no half of one."""
    ids = [one.case for one in about]
    if one_by_one and len(ids) == 1:
        made = request(staff, ids[0], wish)
        results = [Result(subject=made.case, state=made.state, new=made.new, wakeups=made.wakeups)]
    else:
        many = request_many(staff, ids, wish)
        bar = None if len(ids) > 1 else True
        results = list(tqdm(many, desc="Asking", total=len(ids), unit="case", disable=bar))
    announce([wakeup for result in results for wakeup in result.wakeups])
    return results


def _show(about: Sequence[Affected], *, as_document: bool) -> None:
    if as_document:
        click.echo(json.dumps({"would_be_withdrawn": as_json(list(about))}, indent=2))
        return
    for one in about:
        issued = f"issued {one.issued_at:%Y-%m-%d %H:%M} UTC" if one.issued_at else "not issued"
        click.echo(f"{one.case}  {one.program}  {one.stage}  {issued}, credentials: {one.credentials}")
    click.echo(f"{len(about)} would be withdrawn. Nothing was changed; add --yes to ask for it.")


def _tell(results: Sequence[Result], *, as_document: bool) -> None:
    refused = [result for result in results if result.refused]
    if as_document:
        told: list[dict[str, Any]] = [
            {"case": one.subject, "state": one.state or None, "new": one.new, "refused": one.refused or None}
            for one in results
        ]
        click.echo(json.dumps({"withdrawals": told}, indent=2))
    else:
        for result in refused:
            click.echo(f"{result.subject}: {result.refused}", err=True)
        new = [result for result in results if result.new]
        begun = sum(result.state == WithdrawalState.APPROVED for result in new)
        there = len(results) - len(refused) - len(new)
        click.echo(f"{len(new) - begun} requested, {begun} begun, {there} asked for before, {len(refused)} refused.")
        if len(new) > begun:
            click.echo("Somebody else approves them: celery -A tasks withdrawals list")
    raise SystemExit(1 if refused else 0)
