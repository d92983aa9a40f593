"""The state machines: every move of the tables is allowed, every other one raises, what has ended stays ended."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from itertools import product

import pytest

from pipeline.errors import IllegalMove
from pipeline.stages import (
    CREDENTIAL_MOVES,
    MESSAGE_MOVES,
    RUN,
    STAGE_MOVES,
    UPDATE_MOVES,
    WITHDRAWAL_MOVES,
    CredentialState,
    MessageState,
    Stage,
    UpdateState,
    WithdrawalState,
    check_move,
)

MACHINES: list[tuple[type[StrEnum], Mapping[StrEnum, frozenset[StrEnum]]]] = [
    (Stage, STAGE_MOVES),
    (CredentialState, CREDENTIAL_MOVES),
    (MessageState, MESSAGE_MOVES),
    (UpdateState, UPDATE_MOVES),
    (WithdrawalState, WITHDRAWAL_MOVES),
]
LEGAL = [(one, other) for _, moves in MACHINES for one, following in moves.items() for other in sorted(following)]
ALL = [state for kind, _ in MACHINES for state in kind]


@pytest.mark.parametrize(("one", "other"), LEGAL)
def test_every_legal_move_is_allowed(one: StrEnum, other: StrEnum) -> None:
    check_move(one, other)


def test_every_other_move_raises_also_between_machines_and_to_itself() -> None:
    refused = [
        pair for pair in product(ALL, ALL) if not any(pair[0] is one and pair[1] is other for one, other in LEGAL)
    ]
    assert len(refused) == len(ALL) ** 2 - len(LEGAL)
    for one, other in refused:
        with pytest.raises(IllegalMove):
            check_move(one, other)


@pytest.mark.parametrize(
    "state",
    [
        Stage.WITHDRAWN,
        CredentialState.WITHDRAWN,
        CredentialState.CANCELLED,
        MessageState.SENT,
        UpdateState.SENT,
        WithdrawalState.DONE,
        WithdrawalState.REFUSED,
    ],
)
def test_what_has_ended_leads_nowhere(state: StrEnum) -> None:
    [moves] = [moves for kind, moves in MACHINES if isinstance(state, kind)]
    assert moves[state] == frozenset()


def test_what_a_person_has_closed_is_judged_anew_or_withdrawn_or_stays_as_it_is() -> None:
    assert STAGE_MOVES[Stage.CLOSED] == {Stage.GATHER, Stage.WITHDRAW}


def test_what_is_done_is_only_ever_corrected_or_withdrawn() -> None:
    assert STAGE_MOVES[Stage.DONE] == {Stage.CORRECT, Stage.WITHDRAW}


def test_a_case_can_be_withdrawn_from_wherever_it_is_but_not_twice() -> None:
    before = {stage for stage, following in STAGE_MOVES.items() if Stage.WITHDRAW in following}
    assert before == set(Stage) - {Stage.WITHDRAW, Stage.WITHDRAWN}
    assert STAGE_MOVES[Stage.WITHDRAW] == {Stage.WITHDRAWN, Stage.HELD}


def test_a_withdrawal_is_done_only_after_somebody_approved_it() -> None:
    before = {state for state, following in WITHDRAWAL_MOVES.items() if WithdrawalState.DONE in following}
    assert before == {WithdrawalState.APPROVED}


@pytest.mark.parametrize(("kind", "moves"), MACHINES)
def test_every_state_is_in_its_table_and_reachable(
    kind: type[StrEnum], moves: Mapping[StrEnum, frozenset[StrEnum]]
) -> None:
    assert set(moves) == set(kind)
    first = next(iter(kind))
    reached, border = {first}, {first}
    while border:
        border = {following for state in border for following in moves[state]} - reached
        reached |= border
    assert reached == set(kind)


def test_the_run_goes_through_its_steps_in_their_order_and_each_may_be_held() -> None:
    for one, following in zip(RUN, (*RUN[1:], Stage.DONE), strict=True):
        check_move(one, following)
        check_move(one, Stage.HELD)
        check_move(Stage.HELD, one)


def test_nothing_is_issued_without_a_decision_and_nothing_told_without_a_credential() -> None:
    before_issue = {stage for stage, following in STAGE_MOVES.items() if Stage.ISSUE in following}
    before_notify = {stage for stage, following in STAGE_MOVES.items() if Stage.NOTIFY in following}
    assert before_issue == {Stage.VERIFY, Stage.HELD, Stage.FAILED}, "and by a person"
    assert before_notify == {Stage.ISSUE, Stage.HELD, Stage.CORRECT}


def test_a_credential_is_called_only_from_planned_so_that_doubt_is_looked_up_first() -> None:
    into_calling = {state for state, following in CREDENTIAL_MOVES.items() if CredentialState.CALLING in following}
    assert into_calling == {CredentialState.PLANNED}
    assert CREDENTIAL_MOVES[CredentialState.REJECTED] == {CredentialState.UNSURE}
