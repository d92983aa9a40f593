"""Access tokens, against the HTTP endpoint of the Docebo stand-in: kept, renewed once, asked for by one thread."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline import clock
from pipeline.errors import Failure, Misconfigured, Outage, Throttled
from pipeline.oauth import Grant, Tokens, forget_tokens, tokens
from pipeline.transport import Answer, Client, OpenGate
from sandbox.control import LmsControl, SandboxControl

PATH = "/oauth2/token"
SECRET = "docebo-client-secret"
START = datetime(2026, 10, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    forget_tokens()
    yield
    forget_tokens()


@pytest.fixture
def client(control: SandboxControl) -> Client:
    url = f"{control.base_url}/docebo"
    return Client(system="Docebo", base_url=url, headers={}, timeout=20, gate=OpenGate())


@pytest.fixture
def docebo(control: SandboxControl) -> LmsControl:
    return control.lms("docebo")


def grant(client: Client, **form: str) -> Grant:
    usual = {"grant_type": "client_credentials", "client_id": "confer", "client_secret": SECRET}
    return Grant(client=client, path=PATH, form={**usual, **form})


@pytest.fixture
def held(client: Client) -> Tokens:
    return tokens(grant(client))


@pytest.fixture
def asked(control: SandboxControl) -> Callable[[], int]:
    return lambda: sum(call["path"] == PATH for call in control.calls("docebo"))


@pytest.fixture
def courses(client: Client) -> Callable[[Mapping[str, str]], Answer]:
    return lambda headers: client.read("/learn/v1/courses", headers=headers)


def together(work: Callable[[], object], number: int = 8) -> None:
    """Do the same in so many threads, begun at once."""
    barrier, failures = threading.Barrier(number), list[BaseException]()

    def run() -> None:
        barrier.wait()
        try:
            work()
        except BaseException as failure:  # noqa: BLE001 - told below
            failures.append(failure)

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_token_is_kept(held: Tokens, client: Client, asked: Callable[[], int], courses: Any) -> None:
    assert held.answered(courses).status == held.answered(courses).status == 200
    assert tokens(grant(client)).token() == held.token()
    assert asked() == 1


def test_another_grant_has_another_token(held: Tokens, client: Client, asked: Callable[[], int]) -> None:
    other = grant(client, grant_type="password", username="confer@academy.example", password="docebo-password")
    assert tokens(other).token() != held.token()
    assert asked() == 2


def test_a_refused_token_is_renewed_once(
    held: Tokens, docebo: LmsControl, asked: Callable[[], int], courses: Any
) -> None:
    first = held.token()
    docebo.set(expire_tokens=True)
    assert held.answered(courses).status == 200
    assert held.token() != first
    assert asked() == 2


def test_what_stays_refused_is_answered_and_not_asked_for_ever(
    held: Tokens, control: SandboxControl, asked: Callable[[], int]
) -> None:
    shown = list[str]()

    def ask(headers: Mapping[str, str]) -> Answer:
        shown.append(headers["Authorization"])
        return Answer(status=401, headers={}, body=b"")

    assert held.answered(ask).status == 401
    assert len(set(shown)) == len(shown) == asked() == 2


def test_another_answer_than_401_costs_no_token(held: Tokens, asked: Callable[[], int]) -> None:
    assert held.answered(lambda _: Answer(status=403, headers={}, body=b"")).status == 403
    assert asked() == 1


def test_threads_ask_once(held: Tokens, asked: Callable[[], int]) -> None:
    together(held.token)
    assert asked() == 1


def test_threads_renew_once(held: Tokens, docebo: LmsControl, asked: Callable[[], int], courses: Any) -> None:
    first = held.token()
    docebo.set(expire_tokens=True)
    together(lambda: held.renew(first))
    assert asked() == 2
    assert held.answered(courses).status == 200


def test_threads_share_the_tokens_of_a_grant(client: Client, asked: Callable[[], int]) -> None:
    together(lambda: tokens(grant(client)).token())
    assert asked() == 1


@pytest.mark.parametrize(
    "form",
    [
        {"client_secret": "another-secret-than-the-application-has"},
        {"grant_type": "password", "username": "nobody@academy.example", "password": "a-password-of-nobody"},
        {"grant_type": "unheard_of"},
    ],
)
def test_a_refused_grant_is_about_the_whole_account_and_names_no_secret(client: Client, form: dict[str, str]) -> None:
    asking = grant(client, **form)
    with pytest.raises(Misconfigured) as caught:
        tokens(asking).token()
    assert caught.value.whole_account
    assert not any(text in caught.value.detail + repr(asking) for text in (*form.values(), SECRET))


def test_a_grant_that_is_accepted_again_gives_a_token(held: Tokens, docebo: LmsControl, courses: Any) -> None:
    docebo.set(client_secret="changed-for-a-while")
    with pytest.raises(Misconfigured):
        held.token()
    docebo.set(client_secret=SECRET)
    assert held.answered(courses).status == 200


def test_a_renewal_that_fails_leaves_no_token_that_was_refused(
    held: Tokens, control: SandboxControl, docebo: LmsControl, courses: Any
) -> None:
    held.token()
    docebo.set(expire_tokens=True)
    control.fault("docebo", "status", path=PATH, status=503, times=1)
    with pytest.raises(Outage):
        held.answered(courses)
    assert held.answered(courses).status == 200
    calls = [call["status"] for call in control.calls("docebo") if call["path"] != PATH]
    assert calls == [401, 200]  # and not once more with the token that was refused


@pytest.mark.parametrize(
    ("lasts", "kept"),
    [(600, 539), (7200, 7139), (60, 29)],  # until a minute before its end, but half its time at least
)
def test_a_token_is_shown_as_long_as_it_lasts(
    held: Tokens, docebo: LmsControl, asked: Callable[[], int], lasts: int, kept: int
) -> None:
    docebo.set(expires_in=lasts)
    counts = []
    for seconds in (0, kept, kept + 2):
        with clock.frozen(START + timedelta(seconds=seconds)):
            held.token()
        counts.append(asked())
    assert counts == [1, 1, 2]


@pytest.mark.parametrize("more", [{}, {"expires_in": None}, {"expires_in": 3600}])
def test_a_token_that_does_not_say_how_long_it_lasts_lasts_an_hour(
    held: Tokens, control: SandboxControl, asked: Callable[[], int], more: dict[str, Any]
) -> None:
    body = json.dumps({"access_token": "a-token", "token_type": "Bearer", **more})
    control.fault("docebo", "status", path=PATH, status=200, body=body)
    counts = []
    for seconds in (0, 3539, 3541):
        with clock.frozen(START + timedelta(seconds=seconds)):
            assert held.token() == "a-token"
        counts.append(asked())
    assert counts == [1, 1, 2]


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        ("html", Outage),
        ("garbage", Outage),
        ("empty_200", Outage),
        ("drop_after", Outage),
        ("drop_before", Outage),
        ("throttle", Throttled),
    ],
)
def test_no_answer_to_the_request_is_no_verdict(
    held: Tokens, control: SandboxControl, kind: str, failure: type[Failure]
) -> None:
    control.fault("docebo", kind, path=PATH)
    with pytest.raises(failure):
        held.token()


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "{}",
        '{"access_token":null}',
        '{"access_token":7}',
        '{"access_token":""}',
    ],
)
def test_an_answer_without_a_token_is_an_outage(held: Tokens, control: SandboxControl, body: str) -> None:
    control.fault("docebo", "status", path=PATH, status=200, body=body)
    with pytest.raises(Outage, match="wrong or missing"):
        held.token()
