"""The part of the GraphQL API that tells of quizzes (contract 2.6); what does not exist is refused, under 200."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox.lms.thinkific.question import Malformed, Selection, read
from sandbox.lms.thinkific.site import Submission

if TYPE_CHECKING:
    from sandbox.lms.thinkific import Thinkific

Json = dict[str, Any]

#: a leaf is None, an object the fields it has
_SCHEMA: Json = {
    "site": {
        "quizSubmissions": {
            "nodes": {
                **dict.fromkeys(
                    ("id", "attempts", "correctCount", "incorrectCount", "passed", "createdAt", "completedAt")
                ),
                "quiz": dict.fromkeys(("id", "name", "passingScore")),
                "user": dict.fromkeys(("id", "email")),
            },
            "pageInfo": dict.fromkeys(("hasNextPage", "endCursor")),
        }
    }
}
_ARGUMENTS = {"quizSubmissions": {"first", "after", "filter"}}
_FILTERS = {"userIds": "learner", "courseIds": "course"}
_PASSING = 80


def execute(twin: Thinkific, body: Any) -> Json:
    """The answer to one question; always under 200, errors included."""
    if twin.graphql_error:
        return _errors(twin.graphql_error, "The request was refused.", reset_at=twin.graphql_reset)
    if not isinstance(body, dict) or not isinstance(body.get("query"), str) or set(body) - {"query", "variables"}:
        return _errors("BAD_REQUEST", "No query.")
    try:
        wanted = read(body["query"], body.get("variables") or {})
        _check(wanted, _SCHEMA, "Query")
        if not wanted:
            raise Malformed("nothing is selected")
        asked = wanted["site"].inner["quizSubmissions"]
        return {"data": _project(_found(twin, asked.arguments), wanted)}
    except (ValueError, TypeError) as wrong:  # also an id that is no number
        return _errors("undefinedField", str(wrong))


def _check(wanted: Mapping[str, Selection], schema: Mapping[str, Any], at: str) -> None:
    for name, selection in wanted.items():
        if name not in schema:
            raise Malformed(f"Field '{name}' doesn't exist on type '{at}'")
        if set(selection.arguments) - _ARGUMENTS.get(name, set()):
            raise Malformed(f"Field '{name}' doesn't accept these arguments")
        if bool(selection.inner) != (schema[name] is not None):
            raise Malformed(f"Field '{name}' must or must not have selections")
        _check(selection.inner, schema[name] or {}, name)


def _found(twin: Thinkific, arguments: Mapping[str, Any]) -> Json:
    rows = twin.site.submissions
    wish = arguments.get("filter") or {}
    for name, ids in wish.items():
        if name not in _FILTERS or not isinstance(ids, list):
            raise Malformed(f"the filter {name} is not known")
        rows = [one for one in rows if getattr(one, _FILTERS[name]) in {int(id_) for id_ in ids}]
    first, after = arguments.get("first"), arguments.get("after")
    if type(first) is not int or first < 1:
        raise Malformed("first must be a whole number from 1")
    start = _place(after) if after is not None else 0
    end = start + min(first, twin.page_cap)
    more = end < len(rows)
    page = {"hasNextPage": more, "endCursor": b64encode(str(end).encode()).decode() if rows else None}
    return {"site": {"quizSubmissions": {"nodes": [_node(twin, one) for one in rows[start:end]], "pageInfo": page}}}


def _node(twin: Thinkific, one: Submission) -> Json:
    learner = twin.site.learners[one.learner]
    return {
        "id": str(one.id),
        "attempts": one.attempts,
        "correctCount": one.right,
        "incorrectCount": one.wrong,
        "passed": 100 * one.right >= _PASSING * (one.right + one.wrong),
        "createdAt": one.completed_at,
        "completedAt": one.completed_at,
        "quiz": {"id": str(one.quiz.id), "name": one.quiz.name, "passingScore": _PASSING},
        "user": {"id": str(learner.id), "email": learner.email},
    }


def _project(value: Any, wanted: Mapping[str, Selection]) -> Any:
    if isinstance(value, list):
        return [_project(one, wanted) for one in value]
    if not wanted:
        return value
    return {name: _project(value[name], selection.inner) for name, selection in wanted.items()}


def _place(cursor: Any) -> int:
    try:
        return int(b64decode(cursor))
    except (TypeError, ValueError):
        raise Malformed("the cursor is invalid") from None


def _errors(code: str, message: str, *, reset_at: str = "") -> Json:
    found: Json = {"data": None, "errors": [{"message": message, "extensions": {"code": code}}]}
    limit = {"cost": 1, "resetAt": reset_at}
    return {**found, "extensions": {"rateLimit": limit}} if reset_at else found
