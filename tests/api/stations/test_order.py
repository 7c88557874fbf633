"""Current is given back before it is handed out again, whatever becomes of the messages."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from api.ocpp.charging_profile import ChargingProfile, ProfilePurpose
from api.ocpp.periods import SchedulePeriod
from api.ocpp.profiles import RateUnit, limits_from_profile
from api.stations.order import HeldProfiles, is_raised, is_same, lowering

START = datetime(2026, 3, 17, 6, tzinfo=UTC)
PLACE = ("north", "1/TxProfile")
PLACES = [(f"station {i}", "1/TxProfile") for i in range(3)]
LIMIT_A = 16.0
LIMITS_A = st.sampled_from([0.0, 6.0, 10.0, 16.0, 32.0])


@st.composite
def profiles(draw, unit=RateUnit.CURRENT):
    """TxProfiles of one transaction that start and end at different slots."""
    limits = draw(st.lists(LIMITS_A, min_size=1, max_size=6))
    per_a = 1.0 if unit is RateUnit.CURRENT else 690.0
    return ChargingProfile(
        profile_id=11,
        purpose=ProfilePurpose.TX,
        evse_number=1,
        stack_level=1,
        unit=unit,
        start=START + timedelta(minutes=15) * draw(st.integers(-3, 0)),
        duration_s=900 * len(limits),
        periods=tuple(SchedulePeriod(900 * i, limit * per_a, 3) for i, limit in enumerate(limits)),
        transaction_id="7",
    )


def allowed_a(profile, times):
    if profile is None:
        return np.zeros(len(times))
    limits = limits_from_profile(profile, times, 230.0)
    return np.where(np.isfinite(limits), limits, 0.0)


MOMENTS = [START + timedelta(minutes=5 * i, seconds=1) for i in range(30)]


@given(held=st.lists(profiles(), max_size=2), wanted=profiles(), most=st.integers(1, 8))
def test_what_is_sent_first_is_never_above_what_may_be_held_nor_above_what_is_wanted(held, wanted, most):
    first = lowering(tuple(held), wanted, START, most)
    may_be = np.max([np.zeros(len(MOMENTS)), *(allowed_a(p, MOMENTS) for p in held)], axis=0)
    to_be = allowed_a(wanted, MOMENTS)
    if first is None:
        assert (may_be <= to_be + 1e-9).all()
    else:
        assert (allowed_a(first, MOMENTS) <= np.minimum(may_be, to_be) + 1e-9).all()
        assert first is wanted or len(first.periods) <= most


@given(held=profiles(), wanted=profiles())
def test_a_profile_raises_lowers_or_says_the_same(held, wanted):
    lowers = lowering((held,), wanted, START, 8) is not None
    raises = is_raised((held,), wanted, START)
    assert is_same((held,), wanted, START) == (not lowers and not raises)


@given(before=profiles(), after=profiles())
def test_once_the_first_message_is_confirmed_nothing_is_left_to_lower(before, after):
    first = lowering((before,), after, START, 64)
    if first is not None:
        assert lowering((first,), after, START, 64) is None


@given(
    plans=st.lists(
        st.lists(st.sampled_from([0.0, 6.0, 10.0]), min_size=3, max_size=3), min_size=2, max_size=5
    ),
    luck=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=30, max_size=30),
)
def test_a_shared_limit_holds_whatever_messages_and_answers_are_lost(plans, luck):
    """Three stations behind 16 A; plans replace each other while messages of the last ones are still lost."""
    held, fate, true_a = HeldProfiles(), iter(luck), dict.fromkeys(PLACES, 0.0)
    for place in PLACES:
        held.caught(place[0])
        held.began(place)
    for plan in plans:
        if sum(plan) > LIMIT_A:
            continue  # no plan that is made says so
        wanted = dict(zip(PLACES, map(_constant, plan), strict=True))
        _tell(held, true_a, {place: _lowers(held, place, wanted[place]) for place in PLACES}, fate)
        if not any(_lowers(held, place, wanted[place]) for place in PLACES):
            _tell(held, true_a, wanted, fate)


def _tell(held, true_a, messages, fate):
    """Send to each place; a message may be lost, or its answer."""
    for place, profile in messages.items():
        if profile is None:
            continue
        arrives, is_answered = next(fate)
        held.sending(place, profile)
        if arrives:
            true_a[place] = profile.periods[0].limit
            assert sum(true_a.values()) <= LIMIT_A
            if is_answered:
                held.confirmed(place, profile)


def _constant(limit_a):
    return ChargingProfile(
        11, ProfilePurpose.TX, 1, 1, RateUnit.CURRENT, START, 3600, (SchedulePeriod(0, limit_a, 3),), "7"
    )


def _lowers(held, place, wanted):
    return lowering(held.at(place, "7"), wanted, START, 8)


@given(wanted=profiles())
def test_a_station_of_which_nobody_knows_what_it_holds_pauses_first(wanted):
    first = lowering(HeldProfiles().at(PLACE, "7"), wanted, START, 8)
    assert first is not None
    assert not allowed_a(first, MOMENTS).any()


@given(profile=profiles())
def test_a_profile_ends_with_its_transaction(profile):
    held = HeldProfiles()
    held.caught(PLACE[0])
    held.confirmed(PLACE, profile)
    assert held.at(PLACE, "7") == (profile,)
    assert held.at(PLACE, "8") == ()


def test_a_refused_profile_is_not_held_and_an_unanswered_one_may_be():
    held, profile = HeldProfiles(), _constant(10.0)
    held.caught(PLACE[0])
    held.began(PLACE)
    held.sending(PLACE, profile)
    assert held.at(PLACE, "7") == (profile,)
    held.refused(PLACE, profile)
    assert held.at(PLACE, "7") == ()


@given(profile=profiles())
def test_a_station_that_has_come_back_is_told_again_but_counts_as_holding_what_it_held(profile):
    held = HeldProfiles()
    held.confirmed(PLACE, profile)
    held.doubt(PLACE[0])
    assert not is_same(held.at(PLACE, "7"), profile, START)
    assert not is_raised(held.at(PLACE, "7") or (), profile, START)
    assert lowering(held.at(PLACE, "7"), profile, START, 8) is None


@given(held=profiles(unit=RateUnit.POWER), wanted=profiles())
def test_limits_of_two_units_are_not_mixed_but_paused_between(held, wanted):
    first = lowering((held,), wanted, START, 8)
    lowered = replace(wanted) if first is None else first
    assert lowered.unit is wanted.unit


def test_what_a_car_gets_without_a_profile_is_known_only_once_the_fallback_is_confirmed():
    held = HeldProfiles()
    held.began(PLACE)
    assert held.at(PLACE, "7") is None
    held.sending(PLACE, _constant(0.0))
    assert held.at(PLACE, "7") is None
    held.caught(PLACE[0])
    assert held.at(PLACE, "7") == ()
    held.doubt(PLACE[0])
    assert held.at(PLACE, "7") is None


@given(sent=st.lists(profiles(), min_size=1, max_size=40))
def test_of_many_unanswered_profiles_few_are_kept_and_they_allow_what_any_of_them_did(sent):
    held = HeldProfiles()
    held.caught(PLACE[0])
    held.began(PLACE)
    for profile in sent:
        held.sending(PLACE, profile)
    kept = held.at(PLACE, "7")
    assert kept is not None
    assert len(kept) <= 10
    for moment in MOMENTS:
        may_be = max(allowed_a(profile, [moment])[0] for profile in sent)
        assert max(allowed_a(profile, [moment])[0] for profile in kept) >= may_be - 1e-9
    assert len(kept) == 1 or not is_same(kept, sent[-1], START)


@given(held=profiles(unit=RateUnit.POWER), setpoint_w=st.sampled_from([-5000.0, 0.0, 3000.0]))
def test_a_profile_that_only_asks_to_give_back_something_else_is_not_the_same(held, setpoint_w):
    def following(value):
        return replace(held, periods=tuple(replace(one, setpoint=value) for one in held.periods))

    assert is_same((following(setpoint_w),), following(setpoint_w), START)
    assert not is_same((held,), following(setpoint_w), START)
    assert not is_same((following(setpoint_w),), following(setpoint_w - 100.0), START)
