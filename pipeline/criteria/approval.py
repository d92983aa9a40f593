"""What only a person can judge was approved: a portfolio, a peer review, a capstone, 360 feedback, proctoring.

The guide (step 2) has subjective criteria wait for "a human-entered approval signal": until somebody has decided,
the case is held, and it goes on by itself with the approval.
"""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, pre_load, validate

from pipeline.attested import approval, temper
from pipeline.contracts import Criterion
from pipeline.values import Check, Record


class ApprovalSchema(Schema):
    """`approval: portfolio`, or `approval: [portfolio, peer_review]`"""

    about = fields.String(
        required=True,
        validate=validate.Regexp(r"^[a-z0-9][a-z0-9_]{0,62}$", error="write a name such as `peer_review`"),
    )

    @pre_load
    def _short(self, data: Any, **_: Any) -> Any:
        return {"about": data} if isinstance(data, str) else data


class Approval(Criterion):
    """The last attested approval says yes; nobody's word yet is doubt."""

    name = "approval"
    label = "approval"
    options = ApprovalSchema
    needs = frozenset()

    @property
    def title(self) -> str:
        return f"{self.name}:{self.values['about']}"

    def judge(self, record: Record) -> Check:
        about: str = self.values["about"]
        return temper(approval(self, record, about), record, about=self.name, items=[about], whole=about)
