"""Frames become figures and a bounded log; the event loop only hands them over."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from api.stations.log.frames import Direction, FrameKind
from api.stations.log.store import MessageLog
from api.stations.log.traffic import LogScope, TrafficBook
from api.storage.station_tables import LoggedMessageRow

START = datetime(2026, 1, 1, tzinfo=UTC)


class Steps:
    """A clock that moves a second with every look."""

    def __init__(self):
        self.now = START

    def __call__(self):
        self.now += timedelta(seconds=1)
        return self.now


def book(scope=LogScope.ALL, **more):
    return TrafficBook(("Heartbeat", "MeterValues", "Reset"), scope, Steps(), **more)


def test_answers_are_counted_by_the_action_of_their_call_and_timed():
    traffic = book()
    traffic.received("A", '[2,"1","Heartbeat",{}]')
    traffic.sent("A", '[3,"1",{"currentTime":"2026-01-01T00:00:00Z"}]')
    traffic.sent("A", '[2,"x","Reset",{"type":"Soft"}]')
    traffic.received("A", b'[4,"x","InternalError","",{}]')
    traffic.received("A", '[2,"2","Unheard",{}]')
    traffic.received("A", "nonsense")
    digest = traffic.digest()
    assert digest.counts == {
        (Direction.IN, FrameKind.CALL, "Heartbeat"): 1,
        (Direction.OUT, FrameKind.RESULT, "Heartbeat"): 1,
        (Direction.OUT, FrameKind.CALL, "Reset"): 1,
        (Direction.IN, FrameKind.ERROR, "Reset"): 1,
        (Direction.IN, FrameKind.CALL, "other"): 1,
        (Direction.IN, FrameKind.MALFORMED, "other"): 1,
    }
    assert (digest.theirs_s, digest.ours_s) == ((1.0,), (1.0,))
    station = traffic.stations["A"]
    assert (station.n_received, station.n_sent, station.latency_s) == (4, 2, 1.0)
    assert station.last_seen_at == START + timedelta(seconds=6)


def test_an_answer_to_nothing_is_counted_and_not_timed():
    traffic = book()
    traffic.received("A", '[3,"never asked",{}]')
    digest = traffic.digest()
    assert digest.counts == {(Direction.IN, FrameKind.RESULT, "other"): 1}
    assert digest.theirs_s == ()


def test_routine_is_left_out_of_a_log_of_notable_messages():
    traffic = book(LogScope.NOTABLE)
    traffic.received("A", '[2,"1","MeterValues",{}]')
    traffic.sent("A", '[3,"1",{}]')
    traffic.received("A", '[2,"2","MeterValues",{}]')
    traffic.sent("A", '[4,"2","FormationViolation","",{}]')
    traffic.received("A", '[2,"3","BootNotification",{}]')
    assert [frame.head.kind for frame in traffic.digest().frames] == [FrameKind.ERROR, FrameKind.CALL]


def test_a_log_of_nothing_still_counts():
    traffic = book(LogScope.NOTHING)
    traffic.received("A", '[2,"1","MeterValues",{}]')
    digest = traffic.digest()
    assert (digest.frames, sum(digest.counts.values())) == ((), 1)


def test_what_nobody_digests_does_not_grow_for_ever():
    traffic = book(most_waiting=3)
    for _ in range(5):
        traffic.received("A", '[2,"1","Heartbeat",{}]')
    assert (traffic.n_waiting, traffic.n_dropped) == (3, 2)
    assert sum(traffic.digest().counts.values()) == 3


@given(texts=st.lists(st.text(max_size=30) | st.sampled_from(['[2,"1","Reset",{}]', '[3,"1",{}]'])))
def test_every_frame_is_counted_once(texts):
    traffic = book()
    for number, text in enumerate(texts):
        (traffic.received if number % 2 else traffic.sent)("A", text)
    assert sum(traffic.digest().counts.values()) == len(texts)
    assert traffic.n_waiting == 0


def test_of_each_station_the_newest_messages_are_kept(database):
    log, traffic = MessageLog(per_station=8), book()
    for number in range(50):
        traffic.received("A", f'[2,"{number}","Heartbeat",{{}}]')
        if number < 3:
            traffic.received("B", f'[2,"{number}","Heartbeat",{{}}]')
        with database.write() as session:
            log.save(session, traffic.digest().frames)
    with database.read() as session:
        rows = session.execute(select(LoggedMessageRow.station_id, LoggedMessageRow.message_id)).all()
    of_a = [int(row.message_id) for row in rows if row.station_id == "A"]
    assert of_a == list(range(50 - len(of_a), 50))
    assert 8 <= len(of_a) <= 11
    assert sum(row.station_id == "B" for row in rows) == 3
