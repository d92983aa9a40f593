"""What every LMS has to stand, over its HTTP twin: one suite, so that no adapter is held to less than another.

A binding is a `Bench` (see `lms_bench`) and a class `TestX(LmsSuite)` that names it. What an LMS does not have stands
in `Bench.lacks`, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from pipeline import clock
from pipeline.courses import EnrolmentState
from pipeline.errors import Misconfigured, NotReady, Outage, Rejected, Throttled
from pipeline.values import Fact
from tests.contracts.lms_bench import Bench, Trait
from tests.contracts.lms_hearing import Done, HearingSuite, wants

#: not read from the LMS's record: from the event, and from our own tables
NOT_READ = frozenset({Fact.CLAIM, Fact.CREDENTIALS})


class LmsSuite(HearingSuite):
    """The whole suite: hearing, sweeping, reading back, enrolling, and every kind of trouble."""

    def test_what_is_lacking_has_a_reason_and_is_lacking(self, bench: Bench) -> None:
        assert all(len(reason) > 20 for reason in bench.lacks.values())
        assert (Trait.WEBHOOK in bench.lacks) == (not bench.adapter.hears)
        wanted = bench.adapter.needs_entrance(bench.account().options)
        assert not wanted or wanted & bench.entrance().parts

    # the sweep

    def test_a_sweep_pages_to_the_end(self, bench: Bench) -> None:
        course = bench.course(1)
        refs = bench.crowd(course, bench.past_three_pages)
        found = bench.swept(course)
        assert sorted(one.learner for one in found) == sorted(refs)
        assert all(one.swept and one.course == course for one in found)
        assert len({one.key for one in found}) == len(refs)

    def test_who_has_not_completed_is_not_swept(self, bench: Bench, done: Done) -> None:
        bench.learner(2)
        assert bench.swept(bench.course(2)) == []
        assert [one.learner for one in bench.swept(done.course)] == [done.learner]

    @wants(Trait.SINCE)
    def test_only_completions_since_then_are_swept(self, bench: Bench, done: Done) -> None:
        old = bench.learner(2)
        bench.complete(old, done.course, at=clock.now() - timedelta(days=9))
        assert {one.learner for one in bench.swept(done.course, days=2)} == {done.learner}
        assert {one.learner for one in bench.swept(done.course, days=20)} == {done.learner, old}

    @wants(Trait.WEBHOOK)
    def test_webhook_and_sweep_tell_of_one_completion(self, bench: Bench, done: Done) -> None:
        [told], [asked] = bench.hear(done.wire).events, bench.swept(done.course)
        assert (told.learner, told.course) == (asked.learner, asked.course)
        assert abs(told.occurred_at - asked.occurred_at) < timedelta(hours=24)
        assert (told.swept, asked.swept) == (False, True)
        assert told.key == asked.key or Trait.SAME_KEY in bench.lacks

    # reading back

    def test_the_record_says_where_each_fact_was_read(self, bench: Bench, done: Done) -> None:
        provides = bench.adapter.supplies(bench.account().options)
        found = bench.read(done.learner, done.course, provides)
        assert (found.learner.ref, found.course) == (done.learner, done.course)
        assert (found.learner.name, found.learner.email) == ("Learner 1", "learner1@learners.example")
        assert (found.learner.given_name, found.learner.family_name) == bench.name_parts
        assert found.completed_at
        assert abs((found.completed_at - clock.now()).total_seconds()) < 120
        assert set(found.sources) >= provides - NOT_READ

    def test_only_facts_that_were_asked_for_are_sourced(self, bench: Bench, done: Done) -> None:
        assert set(bench.read(done.learner, done.course).sources) == {Fact.PROFILE, Fact.COMPLETION}

    @wants(Trait.LAG)
    def test_a_record_behind_its_event_is_not_there_yet_and_then_is(self, bench: Bench, done: Done) -> None:
        ben = bench.learner(2)
        bench.complete(ben, done.course, lag_reads=2)
        seen = []
        for _ in range(4):
            try:
                seen.append(bench.read(ben, done.course).completed_at is not None)
            except NotReady:
                seen.append(False)
        assert seen[0] is False
        assert seen[-1] is True

    def test_a_learner_whom_the_lms_does_not_know_is_for_a_person(self, bench: Bench, done: Done) -> None:
        with pytest.raises(Rejected):
            bench.read("987654", done.course)

    def test_courses_are_listed(self, bench: Bench, done: Done) -> None:
        other = bench.course(2)
        listed = {one.ref: one.title for one in bench.adapter(bench.account()).courses()}
        assert (listed[done.course], listed[other]) == ("Course 1", "Course 2")

    @wants(Trait.ENROL)
    def test_enrolling_twice_enrols_once(self, bench: Bench) -> None:
        learner, course, adapter = bench.learner(1), bench.course(1), bench.adapter(bench.account())
        states = [adapter.enrol(learner=learner, course=course) for _ in range(2)]
        assert states == [EnrolmentState.MADE, EnrolmentState.EXISTED]

    # trouble

    def calls(self, bench: Bench, done: Done) -> Iterator[Callable[[], object]]:
        """Each way of asking the LMS."""
        yield lambda: bench.read(done.learner, done.course)
        yield lambda: bench.swept(done.course)
        yield lambda: bench.adapter(bench.account()).courses()

    def test_a_limit_is_waited_for(self, bench: Bench, done: Done) -> None:
        bench.control.fault(bench.system, "throttle", retry_after=17)
        for call in self.calls(bench, done):
            with pytest.raises(Throttled) as caught:
                call()
            assert timedelta(0) < caught.value.until - clock.now() <= timedelta(days=1)

    @pytest.mark.parametrize("kind", ["html", "garbage", "empty_200", "drop_before", "drop_after", "redirect"])
    def test_what_is_no_json_is_an_outage_and_no_verdict(self, bench: Bench, done: Done, kind: str) -> None:
        bench.control.fault(bench.system, kind)
        for call in self.calls(bench, done):
            with pytest.raises(Outage):
                call()

    @pytest.mark.parametrize("status", [500, 502, 503])
    def test_a_5xx_is_an_outage(self, bench: Bench, done: Done, status: int) -> None:
        bench.control.fault(bench.system, "status", status=status)
        for call in self.calls(bench, done):
            with pytest.raises(Outage):
                call()

    @wants(Trait.RENEWAL)
    def test_an_expired_token_is_renewed(self, bench: Bench, done: Done) -> None:
        bench.read(done.learner, done.course)
        bench.expire_token()
        assert bench.read(done.learner, done.course).completed_at

    def test_a_token_that_stays_refused_is_about_the_whole_account(self, bench: Bench, done: Done) -> None:
        bench.read(done.learner, done.course)
        bench.revoke()
        for call in self.calls(bench, done):
            with pytest.raises(Misconfigured) as caught:
                call()
            assert caught.value.whole_account
            assert not any(secret in caught.value.detail for secret in bench.secrets)
