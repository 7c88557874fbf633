"""The benchmark of hostile frames: what it draws is what it says, and its judges see what is wrong."""

import json

import pytest

from api.ocpp.capabilities import OcppVersion
from api.ocpp.dialects import DIALECTS
from api.ocpp.frames import Malformed, parse_frame
from api.ocpp.session import Session
from api.ocpp.session_events import FrameToSend, Oddity
from api.ocpp.validation import MessageKind, MessageValidator
from benchmarks.hostile import talk as talks
from benchmarks.hostile.frames import WEIGHTS, HostileStation, Hostility
from benchmarks.hostile.talk import Talk
from benchmarks.hostile.wire import attack
from benchmarks.hostile.words import vocabulary
from benchmarks.ocpp_fuzz import BENCHMARK
from benchmarks.registry import BenchmarkContext

SEED = 7
EACH = pytest.mark.parametrize("version", list(OcppVersion))


@EACH
def test_every_action_of_a_version_is_said_and_what_is_called_honest_is_valid(version):
    words, validator = vocabulary(version, (), SEED), MessageValidator(version)
    assert {action for action, _ in words.calls} == DIALECTS[version].INCOMING_ACTIONS
    for action, payload in words.calls:
        validator.check(action, MessageKind.REQUEST, json.loads(payload))


@EACH
def test_hostile_frames_of_every_kind_do_no_harm_and_each_kind_is_what_it_says(version):
    talk = Talk(version, SEED)
    talk.run(4_000)
    outcome = talk.outcome
    assert outcome.crashes == []
    assert outcome.stuck == 0
    assert set(outcome.frames) >= set(Hostility) - {Hostility.OVERSIZED, Hostility.DEEP}
    for oddity in (Oddity.MALFORMED, Oddity.INVALID_CALL, Oddity.UNSOLICITED, Oddity.REUSED_ID):
        assert outcome.oddities[oddity] > 0


def test_kinds_that_are_no_json_are_malformed_and_every_kind_can_be_made():
    talk = Talk(OcppVersion.V16, SEED)
    station: HostileStation = talk._station
    for kind in WEIGHTS:
        assert isinstance(station.frame(kind), str | bytes)
    for kind in (Hostility.TRUNCATED, Hostility.OVERSIZED):
        parsed = [parse_frame(station.frame(kind)) for _ in range(20)]
        assert any(isinstance(frame, Malformed) for frame in parsed)


class Ill(Session):
    """A session that breaks at a long text, and sends what is no frame once."""

    def receive(self, text):
        if len(text) > 150:
            raise KeyError("ill")
        events = super().receive(text)
        return (FrameToSend("[9]"), *events) if len(text) > 120 else events


def test_the_judge_sees_exceptions_and_frames_of_ours_that_are_none(monkeypatch):
    monkeypatch.setattr(talks, "Session", Ill)
    talk = Talk(OcppVersion.V16, SEED)
    talk.run(2_000)
    assert any("KeyError" in crash for crash in talk.outcome.crashes)
    assert any("NoFrameError" in crash for crash in talk.outcome.crashes)


class Deaf(Session):
    """A session that never finishes a call."""

    def _finish(self, taken, _frame):
        self._answers.keep(taken, "[3]")
        return ()


def test_the_judge_sees_a_conversation_that_is_stuck(monkeypatch):
    monkeypatch.setattr(talks, "Session", Deaf)
    monkeypatch.setattr(talks, "_CONVERSATION", 300)
    talk = Talk(OcppVersion.V16, SEED)
    talk.run(300)
    assert talk.outcome.stuck + len(talk.outcome.crashes) > 0


def test_over_sockets_nothing_is_left_and_honest_stations_are_served():
    outcome = attack(SEED, 1_500)
    assert outcome.faults == []
    assert outcome.heard > 500
    assert outcome.opened > 20
    assert outcome.oddities["malformed frame"] > 100


@pytest.mark.bench
def test_the_benchmark_finds_nothing(tmp_path):
    report = BENCHMARK.measure(BenchmarkContext(tmp_path, smoke=True, seed=SEED))
    assert report.notes[0] == "0 crashes and faults, 0 conversations stuck."
    name, taken, *_ = report.rows[-1]
    assert name == "all"
    assert isinstance(taken, int)
    assert taken > 29_000
