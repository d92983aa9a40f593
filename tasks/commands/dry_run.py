"""`celery -A tasks dry-run`: what a program would decide, about learners of the LMS or about stored records."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import IO

import click
from tqdm import tqdm

from pipeline import clock
from pipeline.adapters import LMSS
from pipeline.configuration.documents import ConfigurationFault
from pipeline.configuration.loading import Configuration, load_configuration
from pipeline.contracts import Lms
from pipeline.errors import Failure, Throttled
from pipeline.settings import settings
from pipeline.store.decisions import as_json
from pipeline.values import Outcome
from pipeline.watch.rehearse import Rehearsal, count_stored, rehearse, rehearse_stored
from pipeline.watch.wording import OUTCOMES, check_lines

#: the longest pause of the LMS that is waited for; a longer one ends the run
_PATIENCE = timedelta(minutes=10)
_WORDS = {"pass": Outcome.PASS, "hold": Outcome.HOLD, "fail": Outcome.FAIL, "": None}


@click.command(name="dry-run")
@click.argument("program")
@click.option("--learner", "learners", multiple=True, help="The learner's id at the LMS; repeat it for several.")
@click.option("--csv", "file", type=click.File(encoding="utf-8-sig"), help="Learners in a file, see below.")
@click.option("--stored", is_flag=True, help="All stored records of the program; the LMS is not asked.")
@click.option(
    "--config",
    "directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Configuration to try, for example an edited copy; default: CONFER_CONFIG.",
)
@click.option("--changes", is_flag=True, help="Only what would be decided otherwise than it was.")
@click.option("--why", is_flag=True, help="Every check with its evidence, not only what did not pass.")
@click.option("--json", "as_document", is_flag=True, help="Print JSON.")
def dry_run(
    program: str, learners: tuple[str, ...], file: IO[str] | None, stored: bool, directory: Path | None,
    changes: bool, why: bool, as_document: bool,
) -> None:  # fmt: skip
    """Judge without effect: nothing is issued, mailed, kept or changed.

    A file has a column `learner` and may have a column `decided` with pass, hold or fail: what was decided by
    hand, to be compared.

    \b
    Examples:
      celery -A tasks dry-run first-aid --learner 307
      celery -A tasks dry-run first-aid --csv completions-2025.csv --changes
      celery -A tasks dry-run first-aid --stored --changes --config config-edited
    """
    if sum((bool(learners), file is not None, stored)) != 1:
        raise click.UsageError("say whom to judge: --learner, --csv or --stored")
    config = _configuration(directory)
    if program not in config.programs:
        known = ", ".join(config.programs)
        raise click.UsageError(f"there is no program {program}; known: {known}")
    asked = config.programs[program]
    if stored:
        total, found = count_stored(asked), rehearse_stored(asked)
    else:
        rows = list(_rows(file.read())) if file is not None else [(one, None) for one in learners]
        account = config.lms[asked.source]
        adapter = LMSS[account.adapter](account)
        total, found = len(rows), (_patient(config, program, adapter, *row) for row in rows)
    judged, stopped = _until_failure(tqdm(found, total=total, unit=" learners", disable=None, leave=False))
    shown = [one for one in judged if one.differs] if changes else judged
    _print(shown, len(judged), why=why, as_document=as_document)
    if stopped:
        raise click.ClickException(f"stopped after {len(judged)} of {total}: {stopped.detail} ({stopped.kind})")


def _configuration(directory: Path | None) -> Configuration:
    try:
        return load_configuration(directory or settings().config)
    except ConfigurationFault as refused:
        raise click.ClickException(f"the configuration has faults:\n{refused}") from None


def _rows(text: str) -> Iterator[tuple[str, Outcome | None]]:
    """The learners of a file, with what was decided about them."""
    table = csv.DictReader(StringIO(text, newline=""))
    if "learner" not in (table.fieldnames or ()):
        raise click.UsageError("the first line of the file has to name its columns; one has to be `learner`")
    for row in table:
        learner, word = (row["learner"] or "").strip(), (row.get("decided") or "").strip().lower()
        if not learner or word not in _WORDS:
            problem = f"`{word[:40]}` is none of pass, hold, fail" if learner else "names no learner"
            raise click.UsageError(f"line {table.line_num} of the file: {problem}")
        yield learner, _WORDS[word]


def _until_failure(found: Iterable[Rehearsal]) -> tuple[list[Rehearsal], Failure | None]:
    """What was judged, and what ended it: every further learner would fail alike."""
    judged: list[Rehearsal] = []
    try:
        for one in found:
            judged.append(one)
    except Failure as failure:
        return judged, failure
    return judged, None


def _patient(config: Configuration, program: str, adapter: Lms, learner: str, decided: Outcome | None) -> Rehearsal:
    """Judge one learner, after a pause that the LMS asks for."""
    while True:
        try:
            return rehearse(config.programs[program], adapter, learner, decided=decided)
        except Throttled as asked:
            wait = asked.until - clock.now()
            if wait > _PATIENCE:
                raise
            clock.sleep(wait.total_seconds())


def _print(shown: list[Rehearsal], judged: int, *, why: bool, as_document: bool) -> None:
    if as_document:
        click.echo(json.dumps([as_json(one) for one in shown], indent=2, ensure_ascii=False))
        return
    for one in shown:
        for line in _lines(one, why=why):
            click.echo(line)
    click.echo(_summary(shown, judged))


def _lines(one: Rehearsal, *, why: bool) -> Iterator[str]:
    said = OUTCOMES[one.outcome] if one.outcome else "not judged"
    before = f" (was: {OUTCOMES[one.decided]})" if one.differs and one.decided else ""
    yield f"learner {one.learner}: {said}{before}" + (f", {one.case}" if one.case else "")
    if one.outcome is None:
        yield f"  because: {one.reason}"
    yield from check_lines(check for check in one.checks if why or check.outcome is not Outcome.PASS)
    for step in one.would:
        yield f"  would {step}"


def _summary(shown: Iterable[Rehearsal], judged: int) -> str:
    listed = list(shown)
    counts = [f"{sum(one.outcome is outcome for one in listed)} {word}" for outcome, word in OUTCOMES.items()]
    unread = sum(one.outcome is None for one in listed)
    differ = sum(one.differs for one in listed)
    told = f"{judged} looked at; {'of those shown: ' if len(listed) != judged else ''}{', '.join(counts)}"
    return f"{told}, {unread} not judged; {differ} otherwise than decided. Nothing was changed."
