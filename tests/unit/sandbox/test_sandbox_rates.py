"""Limits and the count of arrivals: exact, over a sliding window."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from sandbox.control import ControlError, SandboxControl
from sandbox.rates import most_in_window
from sandbox.server import Sandbox


@pytest.mark.parametrize(
    ("arrivals", "window", "most"),
    [
        ([], 60, 0),
        ([0.0], 60, 1),
        ([0.0, 59.9], 60, 2),
        ([0.0, 60.0], 60, 1),
        ([0.0, 30.0, 61.0, 62.0, 89.0], 60, 4),
        ([50.0, 59.0, 61.0, 70.0], 60, 4),
        ([1.0, 1.0, 1.0], 0.5, 3),
    ],
)
def test_the_worst_window(arrivals: list[float], window: float, most: int) -> None:
    assert most_in_window(arrivals, window) == most


def call(sandbox: Sandbox) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        headers = {"Authorization": "Token token=accredible-key"}
        return session.get(f"{sandbox.http}/accredible/v1/issuer/details", headers=headers, timeout=10)


def test_over_the_limit(sandbox: Sandbox, control: SandboxControl) -> None:
    control.set_rate("accredible", 3, 60, retry_after=True)
    answers = [call(sandbox) for _ in range(5)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    report = control.rate("accredible")
    assert (report["calls"], report["over_limit"], report["max_in_window"], report["limit"]) == (5, 2, 5, 3)
    assert report["first_at"] <= report["last_at"]


def test_without_retry_after(sandbox: Sandbox, control: SandboxControl) -> None:
    control.set_rate("accredible", 0, 60)
    refused = call(sandbox)
    assert refused.status_code == 429
    assert "Retry-After" not in refused.headers


def test_the_window_slides(sandbox: Sandbox, control: SandboxControl) -> None:
    control.set_rate("accredible", 1, 0.15)
    statuses = [call(sandbox).status_code for _ in range(2)]
    time.sleep(0.16)
    statuses += [call(sandbox).status_code for _ in range(2)]
    assert statuses == [200, 429, 200, 429]


def test_only_measured(sandbox: Sandbox, control: SandboxControl) -> None:
    control.set_rate("accredible", None, 10)
    assert {call(sandbox).status_code for _ in range(4)} == {200}
    assert control.rate("accredible")["max_in_window"] == 4
    assert control.rate("accredible")["over_limit"] == 0
    assert control.rate("accredible", window_seconds=0.000001)["max_in_window"] == 1


def test_counted_but_not_refused(sandbox: Sandbox, control: SandboxControl) -> None:
    control.set_rate("accredible", 2, 60, enforce=False)
    assert {call(sandbox).status_code for _ in range(5)} == {200}
    assert control.rate("accredible")["over_limit"] == 3


def test_by_default_everything_is_measured(sandbox: Sandbox, control: SandboxControl) -> None:
    call(sandbox)
    assert (control.rate("accredible")["limit"], control.rate("accredible")["calls"]) == (None, 1)
    assert control.rate("sis")["first_at"] is None


def test_many_at_once_are_counted_one_by_one(sandbox: Sandbox, control: SandboxControl) -> None:
    control.set_rate("accredible", 100, 60)
    with ThreadPoolExecutor(64) as pool:
        statuses = [one.status_code for one in pool.map(lambda _: call(sandbox), range(300))]
    assert (statuses.count(200), statuses.count(429)) == (100, 200)
    assert control.rate("accredible")["max_in_window"] == 300


def test_what_makes_no_sense(control: SandboxControl) -> None:
    with pytest.raises(ControlError, match="there is no system ftp"):
        control.rate("ftp")
    with pytest.raises(ControlError, match="above 0"):
        control.set_rate("sis", 3, 0)
    with pytest.raises(ControlError, match="calls"):
        control.set_rate("sis", -3)
