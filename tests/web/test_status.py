"""The status page: for who was given the link, each stage as it happens, and nothing about the person."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from pipeline.store.badges import Badge
from tests.driver import Driver


def link_of(confer: Driver, **more: object) -> str:
    event = confer.event(**more)  # type: ignore[arg-type]
    answer = confer.post(json.dumps(event))
    return str(answer.get_json()["status"])


def test_the_link_of_the_answer_shows_each_stage(confer: Driver) -> None:
    confer.learner()
    link = link_of(confer)
    before = confer.web.get(link, headers={"Accept": "application/json"}).get_json()
    assert (before["delivery"]["state"], before["cases"]) == ("stored", [])
    confer.drain()
    after = confer.web.get(link, headers={"Accept": "application/json"}).get_json()
    [case] = after["cases"]
    assert case["stage"] == "done"
    moves = [(entry["from"], entry["to"]) for entry in case["history"] if entry.get("from") in {"gather", "verify"}]
    assert moves == [("gather", "verify"), ("verify", "issue")]
    [badge] = confer.rows(select(Badge))
    assert badge.public_id in case["credentials"][0]["url"]


def test_the_page_is_html_for_a_browser_and_is_not_kept(confer: Driver) -> None:
    confer.learner()
    link = link_of(confer)
    confer.drain()
    answer = confer.web.get(link, headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.content_type == "text/html; charset=utf-8"
    assert confer.case().id in answer.get_data(as_text=True)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_nothing_on_it_is_personal(confer: Driver) -> None:
    email = confer.learner(name="Zebulon Quirke", idnumber="S-4711")
    link = link_of(confer, score="80")
    confer.drain()
    for accept in ("text/html", "application/json"):
        said = confer.web.get(link, headers={"Accept": accept}).get_data(as_text=True)
        assert "within 1.6 points" in said
        for part in ("Quirke", "Zebulon", email, "learners.example", "S-4711"):
            assert part not in said


@pytest.mark.parametrize(
    "change", ["cut", "flipped", "unsigned", "other salt", "empty", "not a link", "\u00e9", "a" * 5000]
)
def test_a_link_that_was_not_made_here_is_404(confer: Driver, change: str) -> None:
    from itsdangerous import URLSafeSerializer

    confer.learner()
    link = link_of(confer)
    name = link.rpartition("/")[2]
    delivery_id = json.loads(confer.web.get(link, headers={"Accept": "application/json"}).text)["delivery"]["id"]
    forged = {
        "cut": name[:-1],
        "flipped": name[:-2] + ("A" if name[-2] != "A" else "B") + name[-1],
        "unsigned": name.rpartition(".")[0],
        "other salt": URLSafeSerializer("another-secret-key-of-32-characters!", salt="status").dumps(delivery_id),
        "empty": "",
        "not a link": delivery_id,
    }.get(change, change)
    answer = confer.web.get(f"/status/{forged}")
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"


def test_a_link_signed_here_for_something_else_opens_nothing(confer: Driver) -> None:
    from itsdangerous import URLSafeSerializer

    from pipeline.settings import settings

    for salt, value in (("other", "delivery_x"), ("status", "delivery_x"), ("status", {"a": 1}), ("status", None)):
        link = URLSafeSerializer(settings().secret_key, salt=salt).dumps(value)
        assert confer.web.get(f"/status/{link}").status_code == 404


def test_a_repeat_has_the_same_link(confer: Driver) -> None:
    confer.learner()
    event = confer.event()
    assert len({confer.post(json.dumps(event)).get_json()["status"] for _ in range(3)}) == 1
