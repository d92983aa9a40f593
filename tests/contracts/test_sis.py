"""The generic SIS adapter against the sandbox's SIS: golden document, safe repeats, and every refusal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from pipeline.configuration.loading import configuration
from pipeline.contracts import Account
from pipeline.downstream.sis import GenericSis
from pipeline.errors import Failure, Misconfigured, Rejected, Throttled, Unsure
from pipeline.settings import Settings
from pipeline.values import Completion, Credential, Learner
from sandbox.control import SandboxControl
from sandbox.server import Sandbox

COMPLETION = Completion(
    case_id="case_01",
    learner=Learner(ref="307", name="Ada Lovelace", email="ada@learners.example", sis_id="S-7"),
    course_code="FIRSTAID",
    course_title="First Aid at Work",
    completed_at=datetime(2026, 3, 7, 23, 59, tzinfo=UTC),
    score=Decimal("91.5"),
    source="campus",
    event_key="course_completed:41:12:307",
    credential=Credential(
        ref="CRED-1", title="First Aid at Work", url="https://verify.example/c/CRED-1", issued_on=date(2026, 3, 8),
        expires_on=date(2028, 3, 7), platform="Open Badges",
    ),
)  # fmt: skip


@pytest.fixture
def sis(accounts_env: Settings) -> GenericSis:
    return GenericSis(configuration().targets["sis"])


def test_the_golden_document(sis: GenericSis, control: SandboxControl) -> None:
    assert sis.send(COMPLETION) == "1"
    [stored] = control.completions()
    counted = {"version", "writes", "repeats", "idempotency_keys"}
    assert {name: value for name, value in stored.items() if name not in counted} == {
        "completionId": "case_01",
        "student": {"id": "S-7", "idType": "sis", "email": "ada@learners.example", "name": "Ada Lovelace"},
        "course": {"code": "FIRSTAID", "title": "First Aid at Work"},
        "result": {"outcome": "passed", "score": 91.5, "scoreMax": 100, "completedOn": "2026-03-07"},
        "credential": {
            "id": "CRED-1", "url": "https://verify.example/c/CRED-1", "issuedOn": "2026-03-08",
            "expiresOn": "2028-03-07", "status": "active",
        },
        "source": {"system": "campus", "eventId": "course_completed:41:12:307"},
    }  # fmt: skip
    [key] = stored["idempotency_keys"]
    assert key.startswith("sis:case_01:")


def test_sending_again_changes_nothing(sis: GenericSis, control: SandboxControl) -> None:
    assert sis.send(COMPLETION) == sis.send(COMPLETION) == "1"
    [stored] = control.completions()
    assert (stored["writes"], stored["repeats"], stored["version"]) == (1, 1, 1)


def test_other_content_has_another_key_and_a_new_version(sis: GenericSis) -> None:
    sis.send(COMPLETION)
    assert sis.send(replace(COMPLETION, score=Decimal(95))) == "2"


def test_a_learner_without_a_number_goes_by_the_id_of_the_lms(sis: GenericSis, control: SandboxControl) -> None:
    sis.send(replace(COMPLETION, learner=replace(COMPLETION.learner, sis_id=None)))
    student = control.completions()[0]["student"]
    assert (student["id"], student["idType"]) == ("307", "lms")


def test_the_id_type_of_the_account_is_used(
    accounts_env: Settings, sandbox: Sandbox, control: SandboxControl
) -> None:
    options = {"url": f"{sandbox.http}/sis", "token": "sis-token", "id_type": "student-number"}
    GenericSis(Account(name="registry", adapter="sis", options=options)).send(COMPLETION)
    assert control.completions()[0]["student"]["idType"] == "student-number"


def test_without_score_or_expiry_the_members_are_left_out(sis: GenericSis, control: SandboxControl) -> None:
    credential = replace(COMPLETION.credential, expires_on=None)
    sis.send(replace(COMPLETION, score=None, credential=credential))
    [stored] = control.completions()
    assert "score" not in stored["result"]
    assert "scoreMax" not in stored["result"]
    assert "expiresOn" not in stored["credential"]


def test_a_score_above_the_scale_is_refused_and_named(sis: GenericSis) -> None:
    with pytest.raises(Rejected, match=r"422 urn:sis:validation \(result.score\)"):
        sis.send(replace(COMPLETION, score=Decimal("104.2")))


def test_two_accounts_do_not_share_an_idempotency_key(sis: GenericSis, control: SandboxControl) -> None:
    sis.send(COMPLETION)
    sis.send(replace(COMPLETION, case_id="case_02"))
    keys = [key for stored in control.completions() for key in stored["idempotency_keys"]]
    assert len(set(keys)) == 2


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, '{"type":"urn:sis:malformed"}', Rejected),
        (401, "", Misconfigured),
        (403, "no", Misconfigured),
        (
            404,
            '{"type":"urn:sis:student-not-found","errors":[{"field":"student.id","message":"Ada Lovelace"}]}',
            Rejected,
        ),
        (404, "<html>not here</html>", Misconfigured),
        (405, "", Misconfigured),
        (409, '{"type":"urn:sis:idempotency-conflict"}', Rejected),
        (412, '{"type":"urn:sis:stale"}', Rejected),
        (422, '{"type":"urn:sis:validation","errors":[{"field":"a"},{"field":"b"}]}', Rejected),
        (422, '{"errors":"Ada Lovelace"}', Rejected),
        (422, "[1]", Rejected),
        (302, "", Unsure),
        (500, "", Unsure),
        (503, "<html>", Unsure),
        (200, "", Unsure),
        (200, "<html>", Unsure),
        (200, "[]", Unsure),
    ],
)
def test_every_answer_becomes_its_failure(
    sis: GenericSis, control: SandboxControl, status: int, body: str, kind: type[Failure]
) -> None:
    control.fault("sis", "status", status=status, body=body)
    with pytest.raises(kind) as caught:
        sis.send(COMPLETION)
    assert "Lovelace" not in caught.value.detail


@pytest.mark.parametrize("status", [201, 204])
def test_an_empty_answer_under_201_or_204_is_success(sis: GenericSis, control: SandboxControl, status: int) -> None:
    control.fault("sis", "status", status=status, body="")
    assert sis.send(COMPLETION) == ""


def test_a_wrong_token_is_about_the_whole_account(sis: GenericSis, control: SandboxControl) -> None:
    control.set_sis(token="another")
    with pytest.raises(Misconfigured) as caught:
        sis.send(COMPLETION)
    assert caught.value.whole_account


def test_a_429_is_waited_for(sis: GenericSis, control: SandboxControl) -> None:
    control.fault("sis", "throttle", retry_after=5)
    with pytest.raises(Throttled):
        sis.send(COMPLETION)
