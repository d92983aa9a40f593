"""Scores of quizzes, which only Thinkific's GraphQL API tells, to an access token of its own (contract 2.6)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields

from pipeline import clock
from pipeline.errors import Failure, Misconfigured, Outage, Throttled
from pipeline.lms.thinkific.rest import not_now, number
from pipeline.reading import Instant, Lenient, Points, Ref, UtcInstant, Words, loaded, parsed
from pipeline.transport import DEFAULT_PAUSE, Answer, Client
from pipeline.values import Score

PATH = "/stable/graphql"
SUBMISSIONS = "site.quizSubmissions"
# ids stand in the text, as whole numbers: these are good for ids and for numbers, whichever the schema says
_QUERY = """query($after: String) { site { quizSubmissions(
  first: 50, after: $after, filter: {userIds: [%d], courseIds: [%d]}
) { nodes { id attempts correctCount incorrectCount completedAt quiz { id name } user { id } }
  pageInfo { hasNextPage endCursor } } } }"""
_CODE = re.compile(r"[A-Za-z_]{1,60}")
#: the other side's own trouble; every other code is about the question or about rights
_THEIRS = frozenset({"INTERNAL_SERVER_ERROR", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE", "TIMEOUT"})


class _QuizSchema(Lenient):
    id = fields.Raw(required=True)
    name = Words(load_default="", allow_none=True)


class _UserSchema(Lenient):
    id = Ref(required=True)


class _SubmissionSchema(Lenient):
    attempts = fields.Integer(load_default=0, allow_none=True, strict=True)
    right = Points(data_key="correctCount", required=True, allow_none=True)
    wrong = Points(data_key="incorrectCount", required=True, allow_none=True)
    completed_at = Instant(data_key="completedAt", required=True, allow_none=True)
    quiz = fields.Nested(_QuizSchema, required=True)
    user = fields.Nested(_UserSchema, required=True)


class _PageInfoSchema(Lenient):
    more = fields.Boolean(data_key="hasNextPage", required=True)
    cursor = fields.String(data_key="endCursor", load_default=None, allow_none=True)


class _PageSchema(Lenient):
    nodes = fields.List(fields.Nested(_SubmissionSchema), required=True)
    page_info = fields.Nested(_PageInfoSchema, data_key="pageInfo", required=True)


class _SiteSchema(Lenient):
    submissions = fields.Nested(_PageSchema, data_key="quizSubmissions", required=True)


class _DataSchema(Lenient):
    site = fields.Nested(_SiteSchema, required=True)


class _AnswerSchema(Lenient):
    data = fields.Nested(_DataSchema, required=True)


def scores(client: Client, learner: str, course: str) -> tuple[Score, ...]:
    """One score for each quiz that the learner handed in; the latest, should there be several.

    Raises:
        Misconfigured, Rejected, Outage, Throttled: see `pipeline.errors`.
    """
    latest: dict[str, dict[str, Any]] = {}
    for one in _submissions(client, _QUERY % (number(learner), number(course))):
        if one["user"]["id"] != learner:
            raise Outage(f"{client.system} answered {SUBMISSIONS} with another learner's")
        quiz = str(one["quiz"]["id"])
        if quiz not in latest or (one["attempts"] or 0) >= (latest[quiz]["attempts"] or 0):
            latest[quiz] = one
    return tuple(_score(one) for one in latest.values())


def _submissions(client: Client, query: str) -> Iterator[dict[str, Any]]:
    after: str | None = None
    asked: set[str | None] = set()
    while after not in asked:
        asked.add(after)
        document = {"query": query, "variables": {"after": after}}
        page = _page(client, client.read(PATH, method="POST", json=document))
        yield from page["nodes"]
        if not page["page_info"]["more"]:
            return
        after = page["page_info"]["cursor"]
    raise Outage(f"{client.system}'s pages of {SUBMISSIONS} lead in a circle")


def _page(client: Client, answer: Answer) -> dict[str, Any]:
    if answer.status in {401, 403}:
        why = f"{client.system} answered {answer.status} to {SUBMISSIONS}: check the access token of the account"
        raise Misconfigured(why, whole_account=answer.status == 401)
    if answer.status >= 300:
        raise Outage(f"{client.system} answered {answer.status} to {SUBMISSIONS}")
    document = parsed(answer, system=client.system, what=SUBMISSIONS)
    if isinstance(document, dict) and document.get("errors"):  # under 200, and also beside data: then not all of it
        raise _failure(client.system, document)
    page: dict[str, Any] = loaded(_AnswerSchema(), document, system=client.system, what=SUBMISSIONS)["data"]["site"]
    return dict(page["submissions"])


def _failure(system: str, document: Mapping[str, Any]) -> Failure:
    errors = document["errors"] if isinstance(document["errors"], list) else []
    told = [one["extensions"] for one in errors if isinstance(one, dict) and isinstance(one.get("extensions"), dict)]
    codes = {code for one in told if isinstance(code := one.get("code"), str) and _CODE.fullmatch(code)}
    if "RATE_LIMITED" in codes:
        return Throttled(
            f"{system}'s GraphQL answered RATE_LIMITED", until=_until([document.get("extensions"), *told])
        )
    said = f"{system} answered {SUBMISSIONS} with {', '.join(sorted(codes)) or 'an error without a code'}"
    return Outage(said) if not codes or codes & _THEIRS else Misconfigured(said)


def _until(places: list[Any]) -> datetime:
    """`extensions.rateLimit.resetAt`, of the answer or of the error: the contract leaves open which."""
    for place in places:
        limit = place.get("rateLimit") if isinstance(place, dict) else None
        try:
            at = UtcInstant().deserialize(limit.get("resetAt") if isinstance(limit, dict) else None)
        except ValidationError:
            continue  # not here, or not as an instant
        if at is not None:
            return not_now(at)
    return clock.now() + DEFAULT_PAUSE


def _score(one: Mapping[str, Any]) -> Score:
    """Right answers of all. A submission that has no end yet is not graded."""
    right, wrong = one["right"], one["wrong"]
    item = one["quiz"]["name"] or ""
    if one["completed_at"] is None or right is None or wrong is None or right < 0 or wrong < 0 or not right + wrong:
        return Score(item=item, percent=None)
    out_of: Decimal = right + wrong
    return Score(item=item, percent=right * 100 / out_of, points=right, out_of=out_of)
