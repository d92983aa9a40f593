"""What every webhook has to stand: proof of origin over raw bytes, anything at all in a body, repeats and batches."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from pipeline import clock
from pipeline.settings import Settings
from pipeline.webhook import Invalid, Unauthenticated, Unreadable
from sandbox.control import SandboxControl
from tests.contracts.lms_bench import Bench, Trait, Wire

#: refusals of a request; any other exception would be a 500
REFUSALS = (Unauthenticated, Unreadable, Invalid)
HOSTILE = (None, True, -1, 0, 1e300, 10**400, "", "\ud800", "\x00", "x" * 5000, [], {}, [[]], {"a": []})
NOT_JSON = (b"", b" ", b"\xff\xfe", b"{", b"[" * 100_000, b'{"a":NaN}', b"1" * 6000, b"a=1&b=2", b"<html></html>")
NOT_OURS = (b"null", b"7", b'"text"', b"[]", b"{}", b"[[]]", b"[null]", b'{"a":1,"a":2}', b'{"a":1e999}')


@dataclass(frozen=True)
class Done:
    """A completion that every test of the suite may start from."""

    learner: str
    course: str
    wire: Wire


def wants(*traits: Trait) -> Callable[[Any], Any]:
    """A test for LMSs that have these traits; a binding that lacks one of them says so in `lacks`."""

    def mark(test: Any) -> Any:
        test.wants = frozenset(traits)
        return test

    return mark


def _places(document: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document, as the keys that lead to it."""
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document if isinstance(document, list) else ())
    )
    for key, value in inner:
        yield (*at, key)
        yield from _places(value, (*at, key))


def _with(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    changed = deepcopy(document)
    target = changed
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = value
    return changed


def _backwards(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: _backwards(value) for key, value in reversed(document.items())}
    return [_backwards(one) for one in document] if isinstance(document, list) else document


SPELLINGS: Mapping[str, Callable[[Any], str]] = {
    "as it comes": json.dumps,
    "keys in another order": lambda document: json.dumps(_backwards(document)),
    "spaces and lines": lambda document: f"\r\n {json.dumps(document, indent=3)}\t\n",
    "no spaces": lambda document: json.dumps(document, separators=(",", ":")),
    "letters as they are": lambda document: json.dumps(document, ensure_ascii=False),
}


class Bound:
    """A suite that a subclass binds to its bench; a test whose trait the bench lacks is no part of the subclass."""

    bench_type: ClassVar[type[Bench]]

    def __init_subclass__(cls) -> None:
        if not hasattr(cls, "bench_type"):
            return
        for name in dir(cls):
            wanted: frozenset[Trait] = getattr(getattr(cls, name), "wants", frozenset())
            if wanted & set(cls.bench_type.lacks):
                setattr(cls, name, None)  # pytest takes what is no function for no test

    @pytest.fixture
    def bench(self, confer_env: Settings, control: SandboxControl, monkeypatch: pytest.MonkeyPatch) -> Bench:
        del confer_env
        return self.bench_type(control, monkeypatch, f"{control.base_url}/{self.bench_type.system}")

    @pytest.fixture
    def done(self, bench: Bench) -> Done:
        learner, course = bench.learner(1), bench.course(1)
        return Done(learner, course, bench.complete(learner, course))


class HearingSuite(Bound):
    """What concerns `hear` alone: for a further form of webhook of an LMS that `LmsSuite` is bound to already."""

    # authentication

    @wants(Trait.WEBHOOK)
    def test_a_genuine_announcement_is_heard(self, bench: Bench, done: Done) -> None:
        heard = bench.hear(done.wire)
        [event] = heard.events
        assert (event.learner, event.course, event.swept) == (done.learner, done.course, False)
        assert heard.key
        assert event.key
        assert not heard.ignored
        assert abs((event.occurred_at - clock.now()).total_seconds()) < 120

    @wants(Trait.WEBHOOK)
    @pytest.mark.parametrize("secret", [None, "", "another", "thé-sëcret-öf-nobody"])
    def test_who_does_not_know_the_secret_is_refused(self, bench: Bench, done: Done, secret: str | None) -> None:
        payload = json.dumps(bench.document(done.wire)).encode()
        assert bench.hear(bench.seal(payload, secret=bench.secrets[0])).events
        with pytest.raises(Unauthenticated):
            bench.hear(bench.seal(payload, secret=secret))

    @wants(Trait.WEBHOOK)
    def test_headers_of_any_kind_never_do_more_than_be_refused(self, bench: Bench, done: Done) -> None:
        for name in done.wire.headers:
            for text in (
                "",
                "Ünïcödé \udcff",
                "Basic \udcff",
                "Bearer é",
                "sha256=é",
                "t=é,v1=é",
                "\x00",
                "a" * 9999,
            ):
                with suppress(*REFUSALS):
                    bench.hear(replace(done.wire, headers={**done.wire.headers, name: text}))
        with suppress(*REFUSALS):
            assert not bench.hear(Wire(raw=b"", headers={})).events

    @wants(Trait.WEBHOOK, Trait.SIGNATURE)
    def test_one_byte_more_breaks_the_signature(self, bench: Bench, done: Done) -> None:
        for raw in (done.wire.raw + b"\n", b" " + done.wire.raw, done.wire.raw[:-1], b""):
            with pytest.raises(Unauthenticated):
                bench.hear(replace(done.wire, raw=raw))

    @wants(Trait.WEBHOOK, Trait.FRESHNESS)
    @pytest.mark.parametrize("days", [-400, 400])
    def test_a_stale_proof_is_refused(self, bench: Bench, done: Done, days: int) -> None:
        payload, at = json.dumps(bench.document(done.wire)).encode(), clock.now() + timedelta(days=days)
        with pytest.raises(Unauthenticated):
            bench.hear(bench.seal(payload, secret=bench.secrets[0], at=at))

    @wants(Trait.WEBHOOK, Trait.ROTATION)
    def test_either_of_two_secrets_proves(self, bench: Bench, done: Done) -> None:
        payload = json.dumps(bench.document(done.wire)).encode()
        heard = [bench.hear(bench.seal(payload, secret=secret)) for secret in bench.secrets]
        assert heard[0].events == heard[1].events != ()

    @wants(Trait.WEBHOOK)
    def test_no_secret_is_stored(self, bench: Bench, done: Done) -> None:
        stored = bench.hear(done.wire).body.decode()
        assert done.learner in stored
        assert not any(secret in stored for secret in bench.secrets)

    # what can stand in a body

    @wants(Trait.WEBHOOK)
    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_the_spelling_of_the_json_changes_nothing(self, bench: Bench, done: Done, spelling: str) -> None:
        document = bench.document(done.wire)
        [target] = document if isinstance(document, list) and len(document) == 1 else [document]
        if isinstance(target, dict):
            target["a field of the next release"] = "Zoë Ångström 学习"
        payload = SPELLINGS[spelling](document).encode()
        heard = bench.hear(bench.seal(payload, secret=bench.secrets[0]))
        assert [one.key for one in heard.events] == [one.key for one in bench.hear(done.wire).events]

    @wants(Trait.WEBHOOK)
    @pytest.mark.parametrize("payload", NOT_JSON, ids=range(len(NOT_JSON)))
    def test_what_is_no_json_is_refused(self, bench: Bench, payload: bytes) -> None:
        with pytest.raises(REFUSALS):
            bench.hear(bench.seal(payload, secret=bench.secrets[0]))

    @wants(Trait.WEBHOOK)
    @pytest.mark.parametrize("payload", NOT_OURS, ids=range(len(NOT_OURS)))
    def test_json_of_another_shape_is_refused_or_ignored_with_a_reason(self, bench: Bench, payload: bytes) -> None:
        with suppress(*REFUSALS):
            heard = bench.hear(bench.seal(payload, secret=bench.secrets[0]))
            assert (heard.events, heard.scores) == ((), ())
            assert heard.ignored

    @wants(Trait.WEBHOOK)
    def test_no_value_anywhere_in_a_body_is_a_defect(self, bench: Bench, done: Done) -> None:
        document = bench.document(done.wire)
        tried = 0
        for place in _places(document):
            for value in HOSTILE:
                payload = json.dumps(_with(document, place, value)).encode()
                with suppress(*REFUSALS):
                    for event in bench.hear(bench.seal(payload, secret=bench.secrets[0])).events:
                        assert event.learner
                        assert event.course
                        assert event.occurred_at.tzinfo
                tried += 1
        assert tried >= len(HOSTILE)

    # deliveries

    @wants(Trait.WEBHOOK)
    def test_a_repeat_has_the_same_keys(self, bench: Bench, done: Done) -> None:
        once, twice = bench.hear(done.wire), bench.hear(done.wire)
        assert (once.key, once.events) == (twice.key, twice.events)
        later = bench.hear(bench.again(done.learner, done.course, done.wire))
        assert [one.key for one in later.events] == [one.key for one in once.events]

    @wants(Trait.WEBHOOK)
    def test_other_completions_have_other_keys_in_any_order(self, bench: Bench, done: Done) -> None:
        ada, ben, more = done.learner, bench.learner(2), bench.course(2)
        wires = [done.wire, bench.complete(ben, done.course), bench.complete(ada, more)]
        heard = [bench.hear(wire) for wire in wires]
        assert len({one.key for one in heard}) == len({one.events[0].key for one in heard}) == len(wires)
        assert [bench.hear(wire).events for wire in reversed(wires)] == [one.events for one in reversed(heard)]

    @wants(Trait.WEBHOOK, Trait.BATCH)
    def test_a_batch_is_one_announcement_of_the_same_events(self, bench: Bench, done: Done) -> None:
        ben = bench.learner(2)
        alone = {bench.hear(wire).events[0].key for wire in (done.wire, bench.complete(ben, done.course))}
        pairs = [(done.learner, done.course), (ben, done.course)]
        one, other = bench.hear(bench.batch(pairs)), bench.hear(bench.batch(pairs[::-1]))
        assert {event.key for event in one.events} == {event.key for event in other.events} == alone
