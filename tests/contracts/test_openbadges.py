"""Our own issuer, held to what every platform is held to. It has no HTTP: its trouble is that of the database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from sqlalchemy import Connection, event, select
from sqlalchemy.exc import IntegrityError, OperationalError

from pipeline import clock
from pipeline.badges.document import identity_hash, verify
from pipeline.errors import Duplicate, Failure, Misconfigured, Outage, Rejected, Unsure
from pipeline.platforms.openbadges import OpenBadges
from pipeline.settings import Settings, settings
from pipeline.store import badges as store
from pipeline.store.badges import LIST_SIZE, Badge, Place, free_places
from pipeline.store.database import engine, forget_engine, reading, transaction
from pipeline.values import Format, Held, Issued, Order, Standing
from sandbox.control import Json
from tests.contracts.platform_bench import Bench, Trait
from tests.contracts.platform_suite import PlatformSuite

_LEARNERS = (
    *(f"learner{number}@learners.example" for number in range(300)),
    *(f"crowd{number}@learners.example" for number in range(1200)),
)


class Books:
    """The table as its staff sees it, in place of a twin."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def credentials(self, *, live: bool | None = True) -> list[Json]:
        with reading() as session:
            rows = session.scalars(select(Badge).order_by(Badge.issued_at, Badge.public_id)).all()
        return [_seen(row) for row in rows if live is None or live == (row.revoked_at is None)]

    def add_credential(self, template: str, *, name: str, email: str) -> Json:
        order = self.bench.order(template=template, name=name, email=email, ref=f"by-{email}")
        return {"id": self.bench.platform().issue(order).platform_ref}

    def change(self, ref: str, **changes: bool) -> None:
        with transaction() as session:
            badge = session.get_one(Badge, ref)
            if changes.get("deleted"):
                session.delete(badge)
            else:
                badge.revoked_at = clock.now()

    @staticmethod
    def ignored_fields() -> list[str]:
        return []


def _seen(row: Badge) -> Json:
    document = verify(row.jwt)
    [address] = [who for who in document["credentialSubject"]["identifier"] if who["identityType"] == "emailAddress"]
    known = (email for email in _LEARNERS if identity_hash(email, address["salt"]) == address["identityHash"])
    return {
        "id": row.public_id,
        "template": row.template,
        "name": row.shown_name,
        "email": next(known, None),
        "live": row.revoked_at is None,
        "state": "withdrawn" if row.revoked_at else "issued",
    }


class OpenBadgesBench(Bench):
    adapter = OpenBadges
    system = "openbadges"
    templates = ("first-aid", "fire-safety")
    past_three_pages = 31  # of ten; see the fixture
    past_three_template_pages = 0
    formats = (Format.CERTIFICATE, Format.BADGE)
    secrets = ("-----BEGIN PRIVATE KEY-----",)
    lacks: ClassVar[dict[Trait, str]] = {
        Trait.LEARNER_REF: "the learner's id at the LMS is not kept: our reference is enough",
        Trait.LAG: "its own table is never behind itself",
        Trait.CORRECTS: "a signature cannot be edited: a changed name is a new credential",
        Trait.CLAIMS: "nobody is followed on its public page, and the mail's link is no secret of the learner",
        Trait.DECLINES: "nobody is followed on its public page, so nobody declines there",
        Trait.WEBHOOK: "it announces nothing: what happens here is known here",
        Trait.SIGNATURE: "it announces nothing that could be signed",
        Trait.UNUSABLE: "every name is a template, so none can be out of use",
        Trait.ATTRIBUTES: "its credentials have no free attributes",
        Trait.RENEWAL: "it asks for no access token, so none expires",
    }

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url, self._monkeypatch, self._name = "", monkeypatch, "ours"
        self.twin: Any = Books(self)

    def options(self) -> dict[str, Any]:
        return {}

    def make(self) -> None:
        raise NotImplementedError

    def there(self, *, live: bool | None = True, email: str | None = None) -> Sequence[Json]:
        return [one for one in self.twin.credentials(live=live) if email is None or one["email"] == email]


@contextmanager
def breaking(moment: str, failure: Exception, *, on: str = "") -> Iterator[None]:
    """Have the database fail at a moment: `commit`, or before a statement that begins like `on`."""

    def at_commit(_connection: Connection) -> None:
        raise failure

    def at_statement(_connection: Connection, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith(on):
            raise failure

    listener = at_commit if moment == "commit" else at_statement
    event.listen(engine(), moment, listener)
    try:
        yield
    finally:
        event.remove(engine(), moment, listener)


def lost() -> OperationalError:
    return OperationalError("COMMIT", {}, Exception("connection lost"))


class TestOpenBadges(PlatformSuite):
    bench_type: ClassVar[type[Bench]] = OpenBadgesBench
    # what has no counterpart where nothing is asked over HTTP, nothing is limited, and every name is a template
    test_a_5xx_leaves_doubt = None  # type: ignore[assignment]
    test_a_202_is_no_credential = None  # type: ignore[assignment]
    test_a_limit_is_waited_for = None  # type: ignore[assignment]
    test_a_template_that_is_not_there_is_for_an_administrator = None  # type: ignore[assignment]

    @pytest.fixture
    def bench(self, confer_env: Settings, monkeypatch: pytest.MonkeyPatch) -> Bench:  # type: ignore[override]
        """The table stands in for a twin; a page of it is made small, so that several are turned."""
        monkeypatch.setattr(store, "PAGE", 10)
        return OpenBadgesBench(monkeypatch)

    def test_one_that_staff_issued_by_hand_is_found_and_is_not_ours(self, bench: Bench) -> None:
        """Nobody issues by hand here: another reference is another credential, whoever the learner is."""
        bench.twin.add_credential(bench.templates[0], name="Ada Learner 1", email="learner1@learners.example")
        assert bench.platform().find(bench.order()) is None

    def test_a_template_is_there_or_not(self, bench: Bench) -> None:
        """Every name is a template, and takes no attributes."""
        found = bench.platform().template("anything")
        assert found is not None
        assert (found.ref, found.usable, found.formats) == ("anything", True, OpenBadges.formats)
        assert (found.attributes, found.repeatable) == (frozenset(), None)
        assert bench.platform().template("") is None
        assert bench.platform().template("x" * 64)
        assert bench.platform().template("x" * 65) is None

    def test_templates_are_listed_to_the_last_page(self, bench: Bench) -> None:
        """There is nothing to list."""
        assert list(bench.platform().templates()) == []

    @pytest.mark.parametrize("template", [False, True])
    def test_the_same_ref_is_one_credential_whatever_else_it_says(self, bench: Bench, template: bool) -> None:
        """Our reference alone decides, as in the look-up."""
        first = bench.issued()
        changes = {"template": bench.templates[1]} if template else {"email": "married@learners.example"}
        with pytest.raises(Duplicate) as caught:
            bench.issued(**changes)
        assert caught.value.existing == first

    def test_a_revoked_reference_is_not_issued_again(self, bench: Bench) -> None:
        issued = bench.issued()
        bench.platform().withdraw(issued.platform_ref, "integrity")
        with pytest.raises(Rejected, match="wants a new reference"):
            bench.issued()
        assert bench.there() == []

    def test_a_withdrawal_keeps_its_first_date_and_reason(self, bench: Bench) -> None:
        issued = bench.issued()
        at = clock.now() + timedelta(days=1)
        with clock.frozen(at):
            bench.platform().withdraw(issued.platform_ref, "integrity")
        with clock.frozen(at + timedelta(days=1)):
            bench.platform().withdraw(issued.platform_ref, "correction")
        row = stored(issued)
        assert (row.revoked_at, row.revoked_reason) == (at, "integrity")

    def test_a_reason_of_any_length_does_not_hinder_a_withdrawal(self, bench: Bench) -> None:
        issued = bench.issued()
        bench.platform().withdraw(issued.platform_ref, "x" * 1000)
        assert stored(issued).revoked_reason == "x" * 64
        other = bench.issued(2)
        bench.platform().withdraw(other.platform_ref, "a\0b\ud83d\u202ec")
        assert stored(other).revoked_reason == "abc"

    def test_a_withdrawn_one_is_listed_as_withdrawn_and_an_expired_one_as_expired(self, bench: Bench) -> None:
        first, second = bench.issued(1), bench.issued(2, expires_on=clock.now().date())
        bench.platform().withdraw(first.platform_ref, "integrity")
        with clock.frozen(clock.now() + timedelta(days=2)):
            found = {one.platform_ref: one.standing for one in bench.platform().held(bench.templates[0])}
            assert found == {first.platform_ref: Standing.WITHDRAWN, second.platform_ref: Standing.EXPIRED}
            assert bench.platform().find(bench.order(2)) == second, "an expired one is no reason for a second"

    def test_of_another_account_nothing_is_listed(self, bench: Bench) -> None:
        bench.issued()
        other = OpenBadges(replace(bench.account(), name="other"), bench.platform().gate)
        assert list(other.held(bench.templates[0])) == []

    # several at once

    def test_one_bad_order_leaves_the_others_in_peace(self, bench: Bench) -> None:
        first = bench.issued(1)
        revoked = bench.issued(6)
        bench.platform().withdraw(revoked.platform_ref, "integrity")
        orders = [
            bench.order(1),
            bench.order(2),
            bench.order(3, email="no-address"),
            bench.order(4, title="half \ud83d"),
            bench.order(2),
            bench.order(5),
            bench.order(6),
        ]
        results = bench.platform().issue_many(orders)
        kinds = [type(result) for result in results]
        assert [kinds[number] for number in (0, 2, 3, 5, 6)] == [Duplicate, Rejected, Rejected, Issued, Rejected]
        assert isinstance(results[0], Duplicate)
        assert results[0].existing == first
        [issued] = [results[number] for number in (1, 4) if kinds[number] is Issued]
        [again] = [result for result in (results[1], results[4]) if isinstance(result, Duplicate)]
        assert again.existing == issued
        assert sorted(str(one["email"])[:8] for one in bench.there()) == ["learner1", "learner2", "learner5"]

    def test_many_are_one_transaction(self, bench: Bench) -> None:
        commits: list[object] = []

        def note(connection: Connection) -> None:
            commits.append(connection)

        event.listen(engine(), "commit", note)
        bench.platform().issue_many([bench.order(number) for number in range(1, 21)])
        event.remove(engine(), "commit", note)
        assert len(commits) == 1
        assert len(bench.there()) == 20

    def test_no_order_is_no_credential(self, bench: Bench) -> None:
        assert bench.platform().issue_many([]) == ()

    @pytest.mark.parametrize("kind", ["commit"])
    def test_a_bulk_answer_that_is_lost_leaves_doubt_about_each(self, bench: Bench, kind: str) -> None:
        """The answer that can be lost is that to the commit."""
        orders = [bench.order(number) for number in (1, 2, 3)]
        with breaking(kind, lost()), pytest.raises(Unsure):
            bench.platform().issue_many(orders)
        assert [bench.platform().find(order) for order in orders] == [None] * 3

    def test_a_bulk_call_that_fails_half_way_makes_nothing(self, bench: Bench) -> None:
        with (
            breaking("before_cursor_execute", lost(), on="RELEASE SAVEPOINT"),
            pytest.raises((Outage, Unsure)),
        ):
            bench.platform().issue_many([bench.order(number) for number in (1, 2, 3)])
        assert bench.there() == []

    # status lists

    def test_places_are_at_random_and_of_the_first_list(self, bench: Bench) -> None:
        results = bench.platform().issue_many([bench.order(number) for number in range(1, 101)])
        rows = [stored(result) for result in results if isinstance(result, Issued)]
        indices = [row.status_index or 0 for row in rows]
        assert {row.status_list for row in rows} == {1}
        assert len(set(indices)) == 100
        assert indices != sorted(indices)
        assert max(indices) > LIST_SIZE // 2 > min(indices)
        assert all(0 <= index < LIST_SIZE for index in indices)

    def test_a_list_that_is_full_is_followed_by_another(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(store, "LIST_SIZE", 8)
        for number in range(1, 21):
            bench.issued(number)
        rows = [stored(Issued(platform_ref=one["id"], url="")) for one in bench.there()]
        places = {(row.status_list, row.status_index) for row in rows}
        assert len(places) == 20
        assert [sum(1 for number, _ in places if number == one) for one in (1, 2, 3)] == [8, 8, 4]

    def test_a_bulk_call_that_a_list_has_no_room_for_goes_to_the_next(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(store, "LIST_SIZE", 8)
        for numbers in (range(1, 6), range(6, 11)):
            results = bench.platform().issue_many([bench.order(number) for number in numbers])
            assert all(isinstance(result, Issued) for result in results)
        with reading() as session:
            assert sorted(session.scalars(select(Badge.status_list))) == [1] * 5 + [2] * 5
            assert free_places(session, 3)[0].number == 2

    def test_a_place_that_was_taken_meanwhile_is_drawn_anew(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from pipeline.platforms.openbadges import books

        draws = iter([[Place(1, 5)], [Place(1, 5)], [Place(1, 6)]])
        monkeypatch.setattr(books, "free_places", lambda _session, _count: next(draws))
        first, second = bench.issued(1), bench.issued(2)
        assert (stored(first).status_index, stored(second).status_index) == (5, 6)

    def test_what_was_stored_stays_told_when_the_rest_meets_an_outage(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from pipeline.platforms.openbadges import books

        draws = iter([[Place(1, 5), Place(1, 5)]])

        def draw(_session: object, _count: int) -> list[Place]:
            try:
                return next(draws)
            except StopIteration:
                raise lost() from None

        monkeypatch.setattr(books, "free_places", draw)
        results = bench.platform().issue_many([bench.order(1), bench.order(2)])
        assert [type(result) for result in results] == [Issued, Outage]
        assert [one["email"] for one in bench.there()] == ["learner1@learners.example"]
        with pytest.raises(Outage):
            bench.issued(3)

    def test_what_never_fits_goes_to_a_person(self, bench: Bench) -> None:
        refusal = IntegrityError("INSERT", {}, Exception("no"))
        with (
            breaking("before_cursor_execute", refusal, on="INSERT"),
            pytest.raises(Rejected, match="does not fit"),
        ):
            bench.issued()

    def test_rows_are_written_in_the_order_of_their_places(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two bulk calls that met at two places in opposite orders would lock each other out, on PostgreSQL."""
        from pipeline.platforms.openbadges import books

        written: list[int] = []
        store_it = books._stored

        def noted(session: Any, badge: Badge) -> Any:
            written.append(badge.status_index or 0)
            return store_it(session, badge)

        monkeypatch.setattr(books, "_stored", noted)
        results = bench.platform().issue_many([bench.order(number) for number in range(1, 31)])
        assert written == sorted(written)
        assert [stored(result).status_index for result in results if isinstance(result, Issued)] != written

    def test_many_at_once_have_a_place_each(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """Few enough places that workers meet at one."""
        monkeypatch.setattr(store, "LIST_SIZE", 64)

        def attempt(number: int) -> Issued:
            return bench.issued(number)

        with ThreadPoolExecutor(8) as threads:
            issued = list(threads.map(attempt, range(1, 25)))
        rows = [stored(one) for one in issued]
        assert len({(row.status_list, row.status_index) for row in rows}) == 24

    # trouble

    def test_an_unclear_answer_leaves_doubt_and_the_look_up_settles_it(self, bench: Bench) -> None:  # type: ignore[override]
        """Of a commit that arrived and one that did not: the table says which."""
        with breaking("commit", lost()), pytest.raises(Unsure):
            bench.issued(1)
        assert bench.platform().find(bench.order(1)) is None
        issued = bench.issued(1)
        assert bench.platform().find(bench.order(1)) == issued

    def test_a_withdrawal_without_an_answer_can_be_repeated(self, bench: Bench) -> None:
        issued = bench.issued()
        with breaking("commit", lost()), pytest.raises(Unsure):
            bench.platform().withdraw(issued.platform_ref, "integrity")
        bench.platform().withdraw(issued.platform_ref, "integrity")
        assert bench.held(issued.platform_ref).standing is Standing.WITHDRAWN

    def reading(self, bench: Bench) -> Iterator[Callable[[], object]]:
        """Templates are not asked for in the database."""
        platform, template = bench.platform(), bench.templates[0]
        yield lambda: platform.find(bench.order())
        yield lambda: platform.read("x")
        yield lambda: list(platform.held(template))

    @pytest.mark.parametrize("kind", ["SELECT"])
    def test_asking_in_vain_is_an_outage_and_no_none(self, bench: Bench, kind: str) -> None:
        """A statement that fails is no answer."""
        with breaking("before_cursor_execute", lost(), on=kind):
            for ask in self.reading(bench):
                with pytest.raises(Outage):
                    ask()

    def test_no_connection_is_an_outage_and_nothing_happened(self, bench: Bench) -> None:
        """The database is the only other side there is."""
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("DATABASE_URL", "postgresql://confer@127.0.0.1:1/confer")
            settings.cache_clear()
            forget_engine()
            asks = (*self.reading(bench), bench.issued, lambda: bench.platform().withdraw("x", "integrity"))
            for ask in asks:
                with pytest.raises(Outage):
                    ask()
        settings.cache_clear()
        forget_engine()
        assert bench.there(live=None) == []

    def test_a_revoked_key_is_about_the_whole_account_and_no_failure_tells_it(
        self, bench: Bench, confer_env: Settings
    ) -> None:  # type: ignore[override]
        """The key is our own; one that others could read signs nothing."""
        bench.issued()
        for file in (confer_env.data / "keys").iterdir():
            file.chmod(0o644)
            with pytest.raises(Misconfigured) as caught:
                bench.issued(2)
            assert caught.value.whole_account
            assert not any(secret in caught.value.detail for secret in bench.secrets)
            file.chmod(0o600)

    def test_the_page_size_is_not_the_end_of_a_list(self, bench: Bench) -> None:
        bench.platform().issue_many([bench.order(number) for number in range(1, 21)])
        found: list[Held] = list(bench.platform().held(bench.templates[0]))
        assert len({one.platform_ref for one in found}) == len(found) == 20

    def test_a_failure_names_no_learner(self, bench: Bench) -> None:
        def told(order: Order) -> str:
            [result] = bench.platform().issue_many([order])
            assert isinstance(result, Failure)
            return result.detail

        assert not re.search("Ada|learner1|@", told(bench.order(name=" ")))
        assert not re.search("Ada|learner1|@", told(bench.order(email="learner1 @x")))


def stored(issued: Issued | Failure) -> Badge:
    assert isinstance(issued, Issued)
    with reading() as session:
        return session.get_one(Badge, issued.platform_ref)
