"""Reading a vendor's JSON: the members that matter, numbers exact, failures that name no content."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields

from pipeline.errors import Failure, Outage
from pipeline.transport import Answer

#: powers of ten beyond which a number is no score; computing with it could leave the range of decimals
_REASONABLE = 9


class Lenient(Schema):
    """An object of which only the stated members are read."""

    class Meta:
        unknown = EXCLUDE


class Ref(fields.Field[str]):
    """An id, a whole number above 0 as number or as text; read as text, the same for both."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(value) if isinstance(value, str) or (isinstance(value, int) and 0 < value < 10**19) else ""
        if isinstance(value, bool) or not (text.isascii() and text.isdigit() and len(text) <= 19) or not int(text):
            raise ValidationError("expected an id, a whole number")
        return str(int(text))


class Instant(fields.Field[datetime]):
    """An instant in ISO 8601 with its timezone; read as UTC."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        at = _moment(value)
        if at is None or at.tzinfo is None:
            raise ValidationError("expected an instant such as 2026-10-01T19:11:12Z")
        return at


class UtcInstant(fields.Field[datetime]):
    """An instant written without a timezone, which is UTC: `2026-10-01 19:11:12`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        at = _moment(value)
        if at is None:
            raise ValidationError("expected an instant such as 2026-10-01 19:11:12")
        return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


class Points(fields.Field[Decimal]):
    """Points or a percentage, exact, as a number or as text."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        number = _number(value)
        if number is None or not number.is_finite() or (number and abs(number.adjusted()) > _REASONABLE):
            raise ValidationError("expected a number")
        return number


class Words(fields.String):
    """Text on one line, without blanks around it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return " ".join(super()._deserialize(value, attr, data, **kwargs).split())


def parsed(answer: Answer, *, system: str, what: str, otherwise: Callable[[str], Failure] = Outage) -> Any:
    """The answer as JSON; where it is none, the failure that `otherwise` makes of the reason.

    Raises:
        Outage: or what `otherwise` makes: an HTML page or a cut body under status 200 is no verdict.
    """
    try:
        return answer.json()
    except (ValueError, ArithmeticError, RecursionError):
        raise otherwise(f"{system} answered {what} with something that is no JSON") from None


def loaded(schema: Schema, document: Any, *, system: str, what: str) -> dict[str, Any]:
    """The members of an object that matter.

    Raises:
        Outage: one is missing or of another shape than the contract's. Names it, and not what was in it.
    """
    try:
        found: dict[str, Any] = schema.load(document)
    except ValidationError as fault:
        wrong = fault.messages if isinstance(fault.messages, Mapping) else {}
        named = ", ".join(sorted(str(name) for name in wrong if name != "_schema")) or "everything"
        raise Outage(f"{system} answered {what} with a wrong or missing {named}") from None
    return found


def header(answer: Answer, name: str) -> str:
    """A header by its name in lower case, empty where there is none."""
    return {known.lower(): value for known, value in answer.headers.items()}.get(name, "")


def _moment(value: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) and len(value) >= 16 else None
        return at.astimezone(UTC) if at is not None and at.tzinfo is not None else at
    except (ValueError, OverflowError):
        return None


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        return None
    try:
        # text as it stands in APIs that write everything as text; no separators, signs or powers that nobody sends
        return Decimal(value) if not isinstance(value, str) or set(value) <= set("0123456789.-") else None
    except ArithmeticError:
        return None
