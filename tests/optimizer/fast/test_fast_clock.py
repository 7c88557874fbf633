"""The fast clock takes back what is not used, hands it out, follows limits, and breaks none of them."""

import numpy as np
import pytest

from models.grid.site import ALL_PHASES
from models.load import LoadForecast
from models.state import Conduct
from tests.optimizer.fast.driving import GRID, Drive, in_a_row, session, state_of


def test_what_a_full_car_leaves_is_handed_out_within_two_samples():
    drive = Drive(in_a_row(2, 32.0), [16.0, 16.0])
    drive.tick(4)
    drive.wants_a[0] = 0.0
    assert drive.tick(2)[-1] == [0.0, 32.0]


def test_what_a_tapering_car_leaves_is_handed_out_within_two_samples():
    drive = Drive(in_a_row(2, 32.0), [16.0, 16.0])
    drive.tick(4)
    drive.wants_a[0] = 9.2
    assert drive.tick(2)[-1] == [10.0, 22.0]


def test_a_car_that_wants_its_share_again_gets_it_again():
    drive = Drive(in_a_row(2, 32.0), [16.0, 16.0])
    drive.tick(4)
    drive.wants_a[0] = 7.2
    assert drive.tick(4)[-1] == [8.0, 24.0]
    drive.wants_a[0] = 32.0
    assert drive.tick(12)[-1] == [16.0, 16.0]


def test_a_car_that_seemed_full_is_asked_again_and_gets_what_it_wants():
    drive = Drive(in_a_row(2, 32.0), [16.0, 16.0])
    drive.tick(4)
    drive.wants_a[0] = 0.0
    drive.tick(20)
    drive.wants_a[0] = 32.0
    assert [16.0, 16.0] in drive.tick(90)


def test_room_that_nobody_wants_keeps_a_full_car_at_its_least_pilot():
    drive = Drive(in_a_row(2, 64.0), [16.0, 16.0], may_take=False)
    drive.tick(4)
    drive.wants_a[0] = 0.0
    assert drive.tick(3)[-1] == [6.0, 16.0]
    drive.wants_a[0] = 32.0
    assert drive.tick(3)[-1] == [16.0, 16.0]


def test_a_car_that_always_stays_a_part_below_its_pilot_is_not_pushed_down():
    drive = Drive(in_a_row(1, 32.0), [32.0])
    for _ in range(60):
        drive.wants_a[0] = 0.9 * drive.told_a[0]
        drive.tick()
    assert drive.told_a == [32.0]


def test_free_current_goes_only_to_whom_it_is_worth_its_price_and_below_the_peak():
    drive = Drive(in_a_row(3, 48.0), [16.0, 16.0, 16.0], may_take=[True, False, True], peak_kw=8.0)
    drive.tick(4)
    drive.wants_a[0] = 0.0
    assert drive.tick(3)[-1] == [0.0, 16.0, 18.0]  # 34 A are 7.8 kW


def test_free_current_goes_to_the_most_urgent_first():
    drive = Drive(in_a_row(3, 48.0), [16.0, 16.0, 16.0], urgency=[2.0, 1.0, 3.0])
    drive.tick(4)
    drive.wants_a[0] = 0.0
    assert drive.tick(3)[-1] == [0.0, 16.0, 32.0]


def test_a_limit_that_falls_is_followed_at_once_and_the_least_urgent_pauses_first():
    drive = Drive(in_a_row(3, 48.0), [16.0, 16.0, 16.0])
    drive.tick(4)
    drive.limit(limit_a=26.0)
    assert drive.told_a == [16.0, 10.0, 0.0]
    drive.limit(limit_a=21.0)
    assert drive.told_a == [16.0, 0.0, 0.0]


def test_a_limit_of_nothing_gives_nothing_at_once():
    drive = Drive(in_a_row(3, 48.0), [16.0, 16.0, 16.0])
    drive.tick(4)
    drive.limit(limit_kw=0.0)
    assert drive.told_a == [0.0, 0.0, 0.0]
    assert [change.after_a for change in drive.decision.changes] == [0.0, 0.0, 0.0]


def test_what_goes_down_is_sent_before_what_goes_up():
    drive = Drive(in_a_row(2, 32.0), [16.0, 16.0])
    drive.tick(4)
    drive.wants_a[0] = 9.2
    drive.tick(2)
    assert [(c.evse_id, c.after_a) for c in drive.decision.changes] == [("E1", 10.0), ("E2", 22.0)]


def test_current_that_a_car_still_draws_is_not_handed_out():
    drive = Drive(in_a_row(2, 32.0), [32.0, 0.0], may_take=False)
    drive.tick(3)
    drive.follow([0.0, 32.0])
    drive.decision = drive.clock.decide(drive.now_s)
    assert drive.told_a == [0.0, 0.0]
    assert drive.tick()[-1] == [0.0, 32.0]


def test_a_car_runs_on_for_its_least_time_unless_a_limit_forces_it():
    drive = Drive(in_a_row(2, 32.0, evse={"min_run_s": 300.0}), [16.0, 16.0], may_take=False)
    drive.tick(3)
    drive.follow([0.0, 16.0], may_take=False)
    assert drive.tick(20)[-1] == [6.0, 16.0]
    drive.limit(limit_a=5.0)
    assert drive.told_a == [0.0, 0.0]
    assert drive.decision.forced == ("E1", "E2")
    drive.limit(limit_a=32.0)


def test_after_its_least_run_a_car_pauses_and_after_its_least_pause_it_runs():
    drive = Drive(in_a_row(1, 32.0, evse={"min_run_s": 100.0, "min_pause_s": 200.0}), [16.0], may_take=False)
    drive.follow([0.0], may_take=False)
    assert [told[0] for told in drive.tick(12)] == [6.0] * 9 + [0.0] * 3
    drive.follow([16.0], may_take=False)
    assert [told[0] for told in drive.tick(20)] == [0.0] * 17 + [16.0] * 3


def test_a_station_that_draws_more_than_it_was_told_counts_at_full_power_and_is_named():
    drive = Drive(in_a_row(2, 64.0), [16.0, 32.0])
    drive.tick(3)
    drive.follow([6.0, 32.0], may_take=False)
    drive.is_deaf[0], drive.wants_a[0] = True, 20.0
    drive.tick(5)
    assert [(c.station_id, c.conduct) for c in drive.decision.conditions] == [("S1", Conduct.NOT_FOLLOWING)]
    assert drive.told_a == [0.0, 32.0]
    drive.limit(limit_a=50.0)
    assert drive.told_a == [0.0, 18.0]


def test_a_station_that_obeys_again_is_believed_after_a_while_each_time_a_longer_one():
    drive = Drive(in_a_row(2, 64.0), [16.0, 32.0], may_take=False)
    waits = []
    for _ in range(2):
        drive.is_deaf[0] = True
        drive.tick(8)
        drive.follow([0.0, 32.0], may_take=False)
        drive.tick(8)
        drive.follow([16.0, 32.0], may_take=False)
        drive.is_deaf[0] = False
        waits.append(drive.tick(40).index([16.0, 32.0]))
    assert 5 <= waits[0] <= 7
    assert waits[1] >= 20


def test_what_a_station_draws_above_its_pilot_is_kept_free_from_the_first_sample_on():
    drive = Drive(in_a_row(2, 32.0), [10.0, 10.0], may_take=False)
    drive.tick(3)
    drive.is_deaf[0], drive.wants_a[0] = True, 25.0
    assert drive.tick(1)[-1] == [10.0, 7.0]


def test_an_offline_station_counts_at_what_it_was_told_and_then_at_its_safe_share():
    drive = Drive(in_a_row(2, 40.0, offline_a=8.0), [16.0, 16.0])
    drive.tick(3)
    drive.is_heard[0] = False
    drive.clock.connected(np.array([False, True]), drive.now_s)
    assert drive.tick(2)[-1] == [24.0, 16.0]
    assert drive.tick(6)[-1][1] == 32.0
    assert [c.conduct for c in drive.decision.conditions] == [Conduct.OFFLINE]
    drive.clock.connected(np.array([True, True]), drive.now_s)
    assert drive.decision.conditions != ()
    assert drive.clock.decide(drive.now_s).conditions == ()


def test_a_car_whose_meter_is_silent_keeps_its_pilot():
    drive = Drive(in_a_row(2, 32.0), [16.0, 16.0])
    drive.tick(4)
    drive.is_heard[0] = False
    drive.wants_a[0] = 0.0
    assert drive.tick(30)[-1] == [16.0, 16.0]


def test_phases_that_a_car_does_not_use_are_handed_out_and_come_back_when_it_uses_them():
    drive = Drive(in_a_row(2, 64.0, phases=ALL_PHASES), [16.0, 16.0], may_take=[False, True])
    drive.limit(limit_kw=32 * 3 * 0.23)
    drive.lines[:] = [1, 3]
    assert drive.tick(3)[-1] == [16.0, 26.0]
    assert [drive.clock.watch.sign(row).n_phases for row in (0, 1)] == [1, 3]
    drive.lines[0] = 3
    assert drive.tick(1)[-1] == [16.0, 16.0]


def test_a_car_that_does_not_start_is_paused_and_tried_once_more_and_then_named():
    drive = Drive(in_a_row(2, 32.0), [16.0, 16.0])
    drive.wants_a[0] = 0.0
    told, restarted = [], 0
    for _ in range(60):
        told.append(drive.tick()[0][0])
        restarted += len(drive.decision.restarted)
    assert restarted == 1
    first = told.index(0.0)
    assert told[first : first + 4] == [0.0, 0.0, 0.0, 16.0]
    assert drive.decision.asleep == ("E1",)
    assert drive.told_a == [0.0, 32.0]


def test_a_car_that_starts_late_is_waited_for():
    drive = Drive(in_a_row(2, 32.0), [16.0, 16.0])
    drive.clock.plugged(session("E1", start_delay_s=120.0), drive.now_s)
    drive.follow([16.0, 16.0])
    drive.wants_a[0] = 0.0
    drive.tick(14)
    assert drive.told_a == [16.0, 16.0]


def test_a_new_car_uses_what_is_free_until_it_is_planned():
    drive = Drive(in_a_row(2, 32.0), [16.0, 0.0], may_take=False)
    drive.tick(3)
    drive.clock.unplugged("E2", drive.now_s)
    drive.clock.plugged(session("E2"), drive.now_s)
    assert drive.tick(2)[-1] == [16.0, 16.0]


def test_after_the_last_slot_its_numbers_hold_on():
    drive = Drive(in_a_row(1, 32.0), [16.0], may_take=False)
    assert drive.tick(3, seconds=7200.0)[-1] == [16.0]


def test_a_load_that_is_metered_counts_instead_of_the_planned_one_while_its_meter_speaks():
    drive = Drive(in_a_row(2, 40.0), [16.0, 16.0])
    planned = LoadForecast.certain("grid", np.full(GRID.n_slots, 3 * 10 * 0.23))
    drive.clock.limit(state_of(drive.site, loads=(planned,)))
    assert drive.tick(4)[-1] == [16.0, 14.0]
    drive.clock.meter_load("grid", np.array([22.0, 0.0, 0.0]), drive.now_s)
    assert drive.tick(1)[-1] == [16.0, 0.0]
    drive.clock.meter_load("grid", np.array([0.0, 35.0, 35.0]), drive.now_s)
    assert drive.tick(3)[-1] == [24.0, 16.0]
    assert drive.tick(8)[-1] == [16.0, 14.0]
    with pytest.raises(KeyError, match="nowhere"):
        drive.clock.meter_load("nowhere", np.zeros(3), drive.now_s)
