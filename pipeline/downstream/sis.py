"""A student information system behind the generic REST contract (contract sis, section 3)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from marshmallow import Schema, fields, validate

from pipeline.contracts import Account, Target
from pipeline.errors import Misconfigured, Rejected, Unsure
from pipeline.options import Address, Secret
from pipeline.settings import settings
from pipeline.transport import Answer, Client, OpenGate, json_object, refuse
from pipeline.values import Completion


class SisSchema(Schema):
    """Where the SIS is, and which id of a learner it knows."""

    url = Address(required=True)
    token = Secret(required=True)
    #: the id type under which the SIS knows learners whose LMS profile carries its number; others go by LMS id
    id_type = fields.String(load_default="sis", validate=validate.Length(min=1, max=32))


class GenericSis(Target):
    """PUT under an id that is ours: sending twice overwrites the same completion with the same content."""

    name = "sis"
    label = "SIS (generic REST)"
    options = SisSchema
    idempotent_by = "PUT under the case's id, with an Idempotency-Key of its content"
    withdraws = "The completion stays; its credential's status becomes `revoked`, with the reason's code"

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self.client = Client(
            system=self.label,
            base_url=account.options["url"],
            headers={"Authorization": f"Bearer {account.options['token']}", "Content-Type": "application/json"},
            timeout=settings().call_timeout,
            gate=OpenGate(),
        )

    def send(self, completion: Completion) -> str:
        return self._put(completion, {"status": "active"})

    def withdraw(self, completion: Completion, reason: str) -> str:
        """The same completion with a revoked credential (contract sis, 3: revocation)."""
        return self._put(completion, {"status": "revoked", "statusReason": reason})

    def _put(self, completion: Completion, status: dict[str, str]) -> str:
        document = self._document(completion, status)
        body = json.dumps(document, sort_keys=True).encode()
        key = f"sis:{completion.case_id}:{hashlib.sha256(body).hexdigest()[:32]}"
        answer = self.client.call(
            "PUT", f"completions/{completion.case_id}", data=body, headers={"Idempotency-Key": key}
        )
        if answer.status not in {200, 201, 204}:
            self._refuse(answer)
        if not answer.body and answer.status != 200:
            return ""
        # a page or nothing under status 200 comes from something in front of the system; to send again is safe
        stored = json_object(answer, otherwise=Unsure, system=self.label)
        return str(stored.get("version", ""))

    def _document(self, completion: Completion, status: dict[str, str]) -> dict[str, Any]:
        """The contract's document, with the least personal data: id, and what names it to staff."""
        learner, credential = completion.learner, completion.credential
        known = learner.sis_id is not None
        result: dict[str, Any] = {"outcome": "passed", "completedOn": completion.completed_at.date().isoformat()}
        if completion.score is not None:
            result |= {"score": float(completion.score), "scoreMax": 100}
        return {
            "completionId": completion.case_id,
            "student": {
                "id": learner.sis_id if known else learner.ref,
                "idType": self.account.options["id_type"] if known else "lms",
                "email": learner.email,
                "name": learner.name,
            },
            "course": {"code": completion.course_code, "title": completion.course_title},
            "result": result,
            "credential": {
                "id": credential.ref,
                "url": credential.url,
                "issuedOn": credential.issued_on.isoformat(),
                **({"expiresOn": credential.expires_on.isoformat()} if credential.expires_on else {}),
                **status,
            },
            "source": {"system": completion.source, "eventId": completion.event_key},
        }

    def _refuse(self, answer: Answer) -> None:
        """A problem document names what is wrong; its type and fields are kept, its texts may quote a person."""
        if answer.status in {401, 403}:
            refuse(answer, system=self.label)
        try:
            problem = answer.json()
            fields_named = ", ".join(sorted(str(error["field"]) for error in problem.get("errors", [])))
            kind = str(problem.get("type", ""))
        except (ValueError, AttributeError, KeyError, TypeError):
            kind, fields_named = "", ""
        said = " ".join(part for part in (kind, f"({fields_named})" if fields_named else "") if part)
        if answer.status in {404, 405} and not kind:
            raise Misconfigured(f"{self.label} answered {answer.status}: check the url in targets.yaml")
        raise Rejected(f"{self.label} answered {answer.status} {said}".strip())
