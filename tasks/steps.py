"""The steps as Celery tasks, under the names that Flower shows: an id in, one step, the next one announced."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from pipeline.stages import Stage
from pipeline.steps.claim import claim
from pipeline.steps.correct import correct
from pipeline.steps.downstream import downstream
from pipeline.steps.gather import gather
from pipeline.steps.inform import inform
from pipeline.steps.notify import notify
from pipeline.steps.poll import LEASE, poll
from pipeline.steps.receive import receive
from pipeline.steps.telling.digest import tell_staff
from pipeline.steps.turn import take_turn
from pipeline.steps.verify import verify
from pipeline.steps.withdraw import withdraw
from pipeline.watch.nightly import LEASE as NIGHTLY
from pipeline.watch.nightly import nightly
from pipeline.watch.rechecks import LONGEST, nightly_recheck
from tasks.announce import announce

# `**_`: a message of another release may carry an argument that this one does not know


@shared_task(name="confer.receive")
def receive_task(delivery_id: str, **_: Any) -> None:
    """Open the cases of a stored delivery."""
    announce(receive(delivery_id))


@shared_task(name="confer.gather")
def gather_task(case_id: str, **_: Any) -> None:
    """Read the learner's record back from the LMS."""
    announce(take_turn(case_id, Stage.GATHER, gather))


@shared_task(name="confer.verify")
def verify_task(case_id: str, **_: Any) -> None:
    """Judge the record by the program's criteria."""
    announce(take_turn(case_id, Stage.VERIFY, verify))


@shared_task(name="confer.inform")
def inform_task(case_id: str, **_: Any) -> None:
    """Mail the learner what is missing."""
    announce(take_turn(case_id, Stage.INFORM, inform))


@shared_task(name="confer.notify")
def notify_task(case_id: str, **_: Any) -> None:
    """Mail the learner."""
    announce(take_turn(case_id, Stage.NOTIFY, notify))


@shared_task(name="confer.downstream")
def downstream_task(case_id: str, **_: Any) -> None:
    """Update SIS and the rest."""
    announce(take_turn(case_id, Stage.DOWNSTREAM, downstream))


@shared_task(name="confer.correct")
def correct_task(case_id: str, **_: Any) -> None:
    """Wait for corrected credentials, then mail the learner and update the systems."""
    announce(take_turn(case_id, Stage.CORRECT, correct))


@shared_task(name="confer.withdraw")
def withdraw_task(case_id: str, **_: Any) -> None:
    """Have credentials taken back, then mail the learner and update the systems."""
    announce(take_turn(case_id, Stage.WITHDRAW, withdraw))


@shared_task(name="confer.claim")
def claim_task(hint_id: str, **_: Any) -> None:
    """Read back what a platform announced, and write down whether the learner took the credential."""
    announce(claim(hint_id))


# a course of thousands is read one learner at a time at some LMSs; a second message meanwhile finds it claimed
@shared_task(name="confer.poll", time_limit=LEASE.total_seconds(), soft_time_limit=LEASE.total_seconds() - 60)
def poll_task(sweep: str, **_: Any) -> None:
    """Sweep a course for completions that no webhook announced."""
    announce(poll(sweep))


@shared_task(name="confer.drift", time_limit=NIGHTLY.total_seconds(), soft_time_limit=NIGHTLY.total_seconds() - 60)
def drift_task(_: str = "", **__: Any) -> None:
    """Hold the LMSs and platforms against the programs, and tell staff."""
    nightly()


@shared_task(name="confer.recheck", time_limit=LONGEST.total_seconds(), soft_time_limit=LONGEST.total_seconds() - 60)
def recheck_task(account: str, **_: Any) -> None:
    """Hold what was issued at a platform account against what the platform has, and tell staff."""
    nightly_recheck(account)


@shared_task(name="confer.tell-staff")
def tell_staff_task(channel: str, **_: Any) -> None:
    """Tell staff what has gathered for a channel."""
    announce(tell_staff(channel))
