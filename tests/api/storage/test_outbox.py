"""The outbox: nothing is lost, the newest counts, and what fails comes back later."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.storage import outbox
from api.storage.engine import Database
from api.storage.outbox import Message, OutboxState
from api.storage.tables import OutboxRow

NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def message(number, station_id="a", slot="1/TxProfile"):
    return Message(f"{station_id} {slot} {number}", station_id, slot, {"number": number})


def put(database, *messages, at=NOW):
    with database.write() as session:
        outbox.put(session, messages, at)


def claim(database, at=NOW, stations=("a", "b")):
    with database.write() as session:
        return outbox.claim(session, at, stations)


def states(database):
    with database.read() as session:
        rows = session.scalars(select(OutboxRow).order_by(OutboxRow.outbox_id))
        return [(row.profile["number"], row.state) for row in rows]


def test_of_one_slot_only_the_newest_message_is_sent(database):
    put(database, message(1))
    put(database, message(2), message(3, slot="2/TxProfile"))
    assert [claimed.message.profile["number"] for claimed in claim(database)] == [2, 3]
    assert states(database)[0] == (1, OutboxState.SUPERSEDED)


def test_a_key_is_stored_once(database):
    put(database, message(1))
    put(database, message(1))
    assert len(states(database)) == 1


def test_nothing_is_claimed_for_a_station_that_is_away(database):
    put(database, message(1, "a"), message(2, "b"))
    assert [claimed.message.station_id for claimed in claim(database, stations=["b"])] == ["b"]


def test_what_was_claimed_is_not_claimed_again_before_its_lease_ends(database):
    put(database, message(1))
    assert len(claim(database)) == 1
    assert claim(database, NOW + outbox.LEASE - timedelta(seconds=1)) == []
    [again] = claim(database, NOW + outbox.LEASE)
    assert again.attempts == 2


def test_what_failed_is_due_again_after_a_time_that_doubles_up_to_five_minutes(database):
    put(database, message(1))
    now, waits_s = NOW, []
    for _ in range(9):
        [claimed] = claim(database, now)
        with database.write() as session:
            outbox.mark_failed(session, claimed.outbox_id, now, "timed out")
        with database.read() as session:
            due = session.get_one(OutboxRow, claimed.outbox_id).not_before
        waits_s.append((due - now).total_seconds())
        now = due
    assert waits_s == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_what_failed_is_dropped_where_something_newer_waits(database):
    put(database, message(1))
    [claimed] = claim(database)
    put(database, message(2))
    with database.write() as session:
        outbox.mark_failed(session, claimed.outbox_id, NOW, "disconnected")
    assert states(database) == [(1, OutboxState.SUPERSEDED), (2, OutboxState.PENDING)]


def test_what_was_lost_on_the_way_never_follows_something_newer(database):
    put(database, message(1))
    assert len(claim(database)) == 1
    put(database, message(2))
    later = claim(database, NOW + outbox.LEASE)
    assert [claimed.message.profile["number"] for claimed in later] == [2]
    assert states(database)[0] == (1, OutboxState.SUPERSEDED)


def test_a_station_that_is_back_gets_at_once_what_was_on_the_way(database):
    put(database, message(1))
    assert len(claim(database)) == 1
    with database.write() as session:
        outbox.release(session, "a", NOW)
    assert len(claim(database)) == 1


def test_a_message_and_its_plan_are_stored_together_or_not_at_all(database):
    with pytest.raises(RuntimeError), database.write() as session:  # noqa: PT012 - the error comes last
        outbox.put(session, [message(1)], NOW)
        raise RuntimeError
    assert states(database) == []


def test_workers_that_claim_at_once_never_get_the_same_message(database):
    put(database, *(message(number, slot=f"{number}/TxProfile") for number in range(60)))

    def work(_):
        with database.write() as session:
            return [one.message.profile["number"] for one in outbox.claim(session, NOW, ["a"], most=5)]

    with ThreadPoolExecutor(6) as threads:
        claimed = [number for some in threads.map(work, range(16)) for number in some]
    assert sorted(claimed) == list(range(60))


@pytest.mark.postgres
def test_a_claim_passes_over_what_another_worker_is_claiming(postgresql_server):
    database = Database(postgresql_server.new_url())
    database.migrate()
    put(database, *(message(number, slot=f"{number}/TxProfile") for number in range(4)))
    # Two transactions that are open at once: not through `write`, where one would wait for the other.
    with Session(database.engine) as one, Session(database.engine) as other:
        first = outbox.claim(one, NOW, ["a"], most=3)
        second = outbox.claim(other, NOW, ["a"], most=3)
        other.commit()
        one.commit()
    database.close()
    assert [[claimed.message.profile["number"] for claimed in some] for some in (first, second)] == [
        [0, 1, 2],
        [3],
    ]


class OutboxMachine(RuleBasedStateMachine):
    """Any order of writing, claiming, settling, crashing and coming back, against what must hold."""

    def __init__(self, url):
        super().__init__()
        self.database = Database(url)
        self.database.migrate()
        self.now, self.number = NOW, 0
        self.newest = {}
        self.confirmed = {}
        self.in_flight = []

    def teardown(self):
        self.database.close()

    @rule(station=st.sampled_from("ab"), slot=st.sampled_from("12"))
    def write(self, station, slot):
        self.number += 1
        put(self.database, message(self.number, station, slot), at=self.now)
        self.newest[station, slot] = self.number

    @rule(stations=st.sets(st.sampled_from("ab"), min_size=1))
    def look(self, stations):
        claimed = claim(self.database, self.now, stations)
        for one in claimed:
            assert one.message.profile["number"] == self.newest[one.message.station_id, one.message.slot]
        self.in_flight += claimed

    @rule(outcome=st.sampled_from(["sent", "failed", "crashed"]))
    def settle_one(self, outcome):
        if not self.in_flight:
            return
        claimed = self.in_flight.pop(0)
        with self.database.write() as session:
            if outcome == "sent":
                outbox.mark_sent(session, claimed.outbox_id, self.now)
                place = claimed.message.station_id, claimed.message.slot
                self.confirmed[place] = max(self.confirmed.get(place, 0), claimed.message.profile["number"])
            elif outcome == "failed":
                outbox.mark_failed(session, claimed.outbox_id, self.now, "lost")

    @rule(seconds=st.integers(1, 400))
    def wait(self, seconds):
        self.now += timedelta(seconds=seconds)

    @rule(station=st.sampled_from("ab"))
    def reconnect(self, station):
        with self.database.write() as session:
            outbox.release(session, station, self.now)

    @invariant()
    def the_newest_of_every_slot_is_confirmed_or_still_open(self):
        with self.database.read() as session:
            rows = session.scalars(select(OutboxRow).where(OutboxRow.state.in_(outbox.OPEN))).all()
        still_open = {row.profile["number"] for row in rows}
        for place, number in self.newest.items():
            assert self.confirmed.get(place) == number or number in still_open


def test_any_order_of_events_loses_nothing(new_url):
    class OnANewDatabase(OutboxMachine):
        def __init__(self):
            super().__init__(new_url())

    run_state_machine_as_test(
        OnANewDatabase, settings=settings(max_examples=15, stateful_step_count=20, deadline=None)
    )
