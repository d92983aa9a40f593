"""What persons decided about held and failed cases. A row is written once and never changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from pipeline.store.database import Row


class Review(Row):
    """One person's decision about one case, as it stood in the version that the person had read."""

    __tablename__ = "reviews"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    #: `approve`, `override`, `reject`, `look_again`
    action: Mapped[str] = mapped_column(String(16))
    person: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(2000))
    made_at: Mapped[datetime]
    #: what of the case had been read, see `pipeline.review.queue`, and the decision that was made anew
    version: Mapped[str] = mapped_column(String(16))
    decision_id: Mapped[str | None] = mapped_column(String(40))
    #: names of the checks whose outcome the person replaced
    checks: Mapped[list[Any]]
