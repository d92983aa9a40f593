"""The state machine of a case, of a credential, of what is sent and of a withdrawal: which state may follow which.

A case's stage names the step that has to be done next, so that a due row says by itself what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from pipeline.errors import IllegalMove


class Stage(StrEnum):
    """Where a case stands."""

    GATHER = "gather"  # read the learner's record from the LMS
    VERIFY = "verify"  # judge the record by the program's criteria
    INFORM = "inform"  # the criteria are not met: tell the learner what is missing
    ISSUE = "issue"  # the lanes issue its credentials
    NOTIFY = "notify"  # tell the learner
    DOWNSTREAM = "downstream"  # update SIS and the rest
    DONE = "done"  # everything happened, once
    HELD = "held"  # a person has to look; `resume` says where the run goes on
    FAILED = "failed"  # the criteria are not met: no credential
    CLOSED = "closed"  # a person ended it
    CORRECT = "correct"  # its credentials are changed or replaced; then tell the learner
    WITHDRAW = "withdraw"  # its credentials are taken back; then tell the learner
    WITHDRAWN = "withdrawn"  # taken back, or given up before it was issued, for good


class CredentialState(StrEnum):
    """Where one credential at one platform account stands."""

    PLANNED = "planned"  # decided, not yet at the platform
    CALLING = "calling"  # intent committed: from here on it may exist at the platform
    UNSURE = "unsure"  # a call ended without a clear answer: look up first
    CONFIRMED = "confirmed"  # the platform has it
    REJECTED = "rejected"  # the platform refuses this row: a person
    CORRECTING = "correcting"  # it exists, and is to be changed in place
    WITHDRAWING = "withdrawing"  # it exists, and is to be taken back
    WITHDRAWN = "withdrawn"  # the platform has taken it back, or somebody there did
    CANCELLED = "cancelled"  # given up before it was ever called


class MessageState(StrEnum):
    """Where one mail stands."""

    PLANNED = "planned"
    SENDING = "sending"  # committed before the server is given the text
    UNSURE = "unsure"  # the server's answer never came
    SENT = "sent"
    REJECTED = "rejected"


class UpdateState(StrEnum):
    """Where one update of a downstream system stands."""

    PLANNED = "planned"
    SENT = "sent"
    REJECTED = "rejected"


class WithdrawalState(StrEnum):
    """Where the wish to take a case's credentials back stands."""

    REQUESTED = "requested"  # a second person has to decide
    APPROVED = "approved"  # it is carried out, as soon as nothing is in doubt any more
    REFUSED = "refused"  # a person said no; nothing was changed
    DONE = "done"  # everything is taken back, and everybody told


S = TypeVar("S", Stage, CredentialState, MessageState, UpdateState, WithdrawalState)

#: the stages of a run that ends with a credential, in their order
RUN = (Stage.GATHER, Stage.VERIFY, Stage.ISSUE, Stage.NOTIFY, Stage.DOWNSTREAM)
#: the stages in which there is work to do; each has the Celery task of the same name
STEPS = (*RUN, Stage.INFORM, Stage.CORRECT, Stage.WITHDRAW)

STAGE_MOVES: Mapping[Stage, frozenset[Stage]] = {
    Stage.GATHER: frozenset({Stage.VERIFY, Stage.HELD, Stage.WITHDRAW}),
    Stage.VERIFY: frozenset(
        {
            Stage.ISSUE,
            Stage.HELD,
            Stage.INFORM,
            Stage.FAILED,
            Stage.GATHER,  # something was stated about the learner since the record was read
            Stage.WITHDRAW,
        }
    ),
    Stage.INFORM: frozenset(
        {
            Stage.FAILED,
            Stage.HELD,
            Stage.GATHER,  # completed anew while it was told
            Stage.WITHDRAW,
        }
    ),
    Stage.ISSUE: frozenset(
        {Stage.NOTIFY, Stage.HELD, Stage.GATHER, Stage.WITHDRAW}
    ),  # gather: recalled before any call
    Stage.NOTIFY: frozenset({Stage.DOWNSTREAM, Stage.HELD, Stage.WITHDRAW}),
    Stage.DOWNSTREAM: frozenset({Stage.DONE, Stage.HELD, Stage.WITHDRAW}),
    Stage.HELD: frozenset({*STEPS, Stage.CLOSED}),
    Stage.FAILED: frozenset(
        {
            Stage.GATHER,
            Stage.ISSUE,  # a person overrode the failed checks
            Stage.CLOSED,
            Stage.WITHDRAW,
        }
    ),
    Stage.DONE: frozenset({Stage.CORRECT, Stage.WITHDRAW}),
    Stage.CLOSED: frozenset({Stage.GATHER, Stage.WITHDRAW}),  # gather: completed anew since, or a person looks again
    Stage.CORRECT: frozenset({Stage.DONE, Stage.NOTIFY, Stage.HELD, Stage.WITHDRAW}),  # notify: not told yet
    Stage.WITHDRAW: frozenset({Stage.WITHDRAWN, Stage.HELD}),
    Stage.WITHDRAWN: frozenset(),
}

CREDENTIAL_MOVES: Mapping[CredentialState, frozenset[CredentialState]] = {
    CredentialState.PLANNED: frozenset({CredentialState.CALLING, CredentialState.CANCELLED}),
    CredentialState.CALLING: frozenset(
        {
            CredentialState.CONFIRMED,
            CredentialState.UNSURE,
            CredentialState.PLANNED,  # the call certainly had no effect
            CredentialState.REJECTED,
        }
    ),
    CredentialState.UNSURE: frozenset(
        {
            CredentialState.CONFIRMED,  # the look-up found it
            CredentialState.PLANNED,  # the look-up found nothing after the platform had settled
            CredentialState.REJECTED,
        }
    ),
    CredentialState.REJECTED: frozenset({CredentialState.UNSURE}),  # a replay looks up before it calls
    CredentialState.CONFIRMED: frozenset(
        {
            CredentialState.CORRECTING,
            CredentialState.WITHDRAWING,
            CredentialState.WITHDRAWN,  # somebody at the platform did it
        }
    ),
    CredentialState.CORRECTING: frozenset(
        {
            CredentialState.CONFIRMED,
            CredentialState.WITHDRAWING,  # the platform does not change it: another one takes its place
            CredentialState.WITHDRAWN,
        }
    ),
    CredentialState.WITHDRAWING: frozenset({CredentialState.WITHDRAWN}),
    CredentialState.WITHDRAWN: frozenset(),
    CredentialState.CANCELLED: frozenset(),
}
#: of a credential that is no longer, and never will be again: another generation may take its place
OVER = frozenset({CredentialState.WITHDRAWN, CredentialState.CANCELLED})

MESSAGE_MOVES: Mapping[MessageState, frozenset[MessageState]] = {
    MessageState.PLANNED: frozenset({MessageState.SENDING, MessageState.REJECTED}),
    MessageState.SENDING: frozenset(
        {MessageState.SENT, MessageState.UNSURE, MessageState.PLANNED, MessageState.REJECTED}
    ),
    MessageState.UNSURE: frozenset({MessageState.SENDING, MessageState.SENT}),
    MessageState.REJECTED: frozenset({MessageState.PLANNED}),
    MessageState.SENT: frozenset(),
}

UPDATE_MOVES: Mapping[UpdateState, frozenset[UpdateState]] = {
    UpdateState.PLANNED: frozenset({UpdateState.SENT, UpdateState.REJECTED}),
    UpdateState.REJECTED: frozenset({UpdateState.PLANNED}),
    UpdateState.SENT: frozenset(),
}

WITHDRAWAL_MOVES: Mapping[WithdrawalState, frozenset[WithdrawalState]] = {
    WithdrawalState.REQUESTED: frozenset({WithdrawalState.APPROVED, WithdrawalState.REFUSED}),
    WithdrawalState.APPROVED: frozenset({WithdrawalState.DONE}),
    WithdrawalState.REFUSED: frozenset(),
    WithdrawalState.DONE: frozenset(),
}

_MOVES: Mapping[type[StrEnum], Mapping[Any, frozenset[Any]]] = {
    Stage: STAGE_MOVES,
    CredentialState: CREDENTIAL_MOVES,
    MessageState: MESSAGE_MOVES,
    UpdateState: UPDATE_MOVES,
    WithdrawalState: WITHDRAWAL_MOVES,
}


def check_move(present: S, following: S) -> None:
    """Refuse a move that the tables above do not hold.

    Raises:
        IllegalMove: naming both states.
    """
    if type(following) is not type(present) or following not in _MOVES[type(present)][present]:
        raise IllegalMove(f"{type(present).__name__} {present.value} does not lead to {following.value}")
