"""What the cleaner keeps: clean data as they are, every kind of fault found, and nothing made up."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import InvalidInputError
from models.forecasting.cleaning.cleaner import Cleaner
from models.forecasting.cleaning.findings import Fault, Findings
from models.forecasting.cleaning.readings import Readings
from models.forecasting.forecaster import Samples, Series

STEP_S = 1800
START_S = int(datetime(2024, 1, 20, tzinfo=UTC).timestamp())
BUILDING, POST = Series("building"), Series.charging("post", 22.0)
seeds = st.integers(0, 2**32 - 1)


def building(seed, days=14):
    """A load that is never zero and never twice the same."""
    rng = np.random.default_rng(seed)
    hour = np.arange(days * 48) / 2
    return 60 + 25 * np.sin(2 * np.pi * (hour - 9) / 24) + rng.normal(0, 2, hour.size)


def post(seed, days=14):
    """A charging post: idle, with sessions at whole power."""
    rng = np.random.default_rng(seed)
    value = np.zeros(days * 48)
    for at in rng.integers(0, value.size - 8, days * 2):
        value[at : at + rng.integers(1, 8)] = rng.choice([3.7, 7.4, 11.0, 22.0])
    return value


def samples(value, row=0, start_s=START_S):
    time_s = start_s + np.arange(len(value), dtype=np.int64) * STEP_S
    return Samples(time_s, np.full(len(value), row, dtype=np.int64), np.asarray(value, dtype=float))


def together(*parts):
    return Samples(
        *(np.concatenate([getattr(p, name) for p in parts]) for name in ("time_s", "row", "value"))
    )


def cut(given, keep):
    return Samples(given.time_s[keep], given.row[keep], given.value[keep])


def as_dict(*batches):
    """What a store holds at last: the later of two values of a slot."""
    held: dict[tuple[int, int], float] = {}
    for batch in batches:
        held.update(
            zip(
                zip(batch.row.tolist(), batch.time_s.tolist(), strict=True), batch.value.tolist(), strict=True
            )
        )
    return {key: value for key, value in held.items() if not np.isnan(value)}


def found(cleaned, fault):
    """Slots with a fault, counted from the start."""
    findings = cleaned.findings
    slots = [
        step - START_S // STEP_S + j
        for kind, step, n in zip(findings.fault, findings.step, findings.n_slots, strict=True)
        if kind == fault
        for j in range(n)
    ]
    return sorted(int(slot) for slot in slots)


@given(seed=seeds)
@settings(max_examples=25)
def test_clean_samples_pass_unchanged(seed):
    given_ = together(samples(building(seed)), samples(post(seed), row=1))
    cleaned = Cleaner((BUILDING, POST), STEP_S).clean(given_)
    assert as_dict(cleaned.samples) == as_dict(given_)
    assert cleaned.findings.fault.size == 0


@given(seed=seeds, n_parts=st.integers(2, 40))
@settings(max_examples=25)
def test_at_once_or_in_parts_the_result_is_the_same(seed, n_parts):
    rng = np.random.default_rng(seed)
    value = building(seed)
    value[rng.random(value.size) < 0.03] *= 6.0
    value[rng.random(value.size) < 0.05] = np.nan
    value[300:330] = value[300]
    order = np.argsort(np.arange(value.size) + rng.choice([0.0, 0.0, 0.0, 2.5], value.size), kind="stable")
    given_ = cut(samples(value), np.concatenate((order, rng.integers(0, value.size, 20))))
    whole, bit_by_bit = Cleaner((BUILDING,), STEP_S), Cleaner((BUILDING,), STEP_S)
    at_once = whole.clean(given_)
    parts = [
        bit_by_bit.clean(cut(given_, part)) for part in np.array_split(np.arange(given_.row.size), n_parts)
    ]
    joined = Findings.none(STEP_S)
    for part in parts:
        joined = joined.and_then(part.findings)
    assert as_dict(at_once.samples) == as_dict(*(part.samples for part in parts))
    for name in ("fault", "row", "step", "n_slots", "given"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(at_once.findings, name))
    np.testing.assert_array_equal(whole.counts, bit_by_bit.counts)


@given(seed=seeds)
@settings(max_examples=25)
def test_no_value_leaves_that_did_not_come(seed):
    rng = np.random.default_rng(seed)
    value = np.where(rng.random(400) < 0.2, rng.choice([np.nan, np.inf, -3.0, 900.0], 400), post(seed)[:400])
    cleaned = Cleaner((POST,), STEP_S).clean(samples(value))
    passed = cleaned.samples.value
    assert set(passed[~np.isnan(passed)]) <= set(value[np.isfinite(value)])
    assert np.unique(cleaned.samples.time_s).size == cleaned.samples.time_s.size


@given(seed=seeds, slot=st.integers(100, 500), factor=st.sampled_from([-3.0, 0.0, 4.0, 20.0]))
def test_a_spike_or_dip_of_one_slot_is_set_aside(seed, slot, factor):
    value = building(seed)
    value[slot] *= factor
    cleaned = Cleaner((BUILDING,), STEP_S).clean(samples(value))
    assert found(cleaned, Fault.SPIKE) == [slot]
    assert cleaned.findings.counts(1).sum() == 1
    assert (0, START_S + slot * STEP_S) not in as_dict(cleaned.samples)


@given(seed=seeds, slot=st.integers(100, 500))
def test_a_step_to_another_level_is_no_spike(seed, slot):
    value = building(seed)
    value[slot:] += 120.0
    cleaned = Cleaner((BUILDING,), STEP_S).clean(samples(value))
    assert as_dict(cleaned.samples) == as_dict(samples(value))


def test_the_newest_sample_waits_while_nothing_backs_it():
    value = building(3)
    value[-1] *= 10
    cleaner = Cleaner((BUILDING,), STEP_S)
    cleaned = cleaner.clean(samples(value))
    assert cleaner.waiting.tolist() == [True]
    assert len(as_dict(cleaned.samples)) == value.size - 1


@given(seed=seeds, slot=st.integers(100, 500), n=st.integers(13, 60))
def test_a_meter_that_is_stuck_is_set_aside_from_its_second_value_on(seed, slot, n):
    value = building(seed)
    value[slot : slot + n] = value[slot]
    cleaned = Cleaner((BUILDING,), STEP_S).clean(samples(value))
    assert found(cleaned, Fault.FLATLINE) == list(range(slot + 1, slot + n))


@given(seed=seeds, slot=st.integers(100, 500), n=st.integers(5, 60))
def test_zeros_of_a_load_that_is_never_zero_are_set_aside(seed, slot, n):
    value = building(seed)
    value[slot : slot + n] = 0.0
    cleaned = Cleaner((BUILDING,), STEP_S).clean(samples(value))
    assert set(found(cleaned, Fault.FLATLINE)) >= set(range(slot + 1, slot + n))


def test_idle_hours_of_a_post_are_no_flatline():
    value = post(1)
    value[200:500] = 0.0
    assert Cleaner((POST,), STEP_S).clean(samples(value)).findings.fault.size == 0


def test_a_missing_slot_and_a_null_are_gaps_and_stay_gaps():
    value = building(1)
    value[50:53] = np.nan
    cleaned = Cleaner((BUILDING,), STEP_S).clean(cut(samples(value), np.r_[0:200, 210:300]))
    assert found(cleaned, Fault.GAP) == [50, 51, 52, *range(200, 210)]
    assert len(as_dict(cleaned.samples)) == 300 - 3 - 10


def test_what_comes_twice_counts_once_and_the_later_value_holds():
    given_ = samples(building(2))
    again = Samples(given_.time_s[[40, 41]], given_.row[:2], np.array([given_.value[40], 61.5]))
    parts = (cut(given_, np.arange(60)), again, cut(given_, np.arange(60, 100)))
    cleaned = Cleaner((BUILDING,), STEP_S).clean(together(*parts))
    assert (found(cleaned, Fault.DUPLICATE), found(cleaned, Fault.CONFLICT)) == ([40], [41])
    assert as_dict(cleaned.samples)[0, int(given_.time_s[41])] == 61.5


def test_late_samples_are_put_where_they_belong_and_very_late_ones_set_aside():
    given_ = samples(building(2))
    order = np.r_[1:50, 51:90, 50, 90:300, 0]
    cleaned = Cleaner((BUILDING,), STEP_S).clean(cut(given_, order))
    assert (found(cleaned, Fault.LATE), found(cleaned, Fault.TOO_LATE)) == ([50], [0])
    assert as_dict(cleaned.samples) == as_dict(cut(given_, np.arange(1, 300)))


def test_a_clock_that_runs_a_little_beside_does_not_move_samples_to_another_slot():
    given_ = samples(building(4))
    jitter = np.random.default_rng(0).integers(-100, 100, given_.row.size)
    jitter[0] = 0
    cleaned = Cleaner((BUILDING,), STEP_S).clean(Samples(given_.time_s + jitter, given_.row, given_.value))
    assert as_dict(cleaned.samples) == as_dict(given_)
    assert found(cleaned, Fault.CLOCK) == np.flatnonzero(jitter < 0).tolist()


def test_days_whose_day_and_month_are_swapped_are_put_back():
    given_ = samples(building(5, days=60))
    moments = [datetime.fromtimestamp(int(one), UTC) for one in given_.time_s]
    swapped = [one.replace(day=one.month, month=one.day) if one.day <= 12 else one for one in moments]
    time_s = np.array([int(one.timestamp()) for one in swapped])
    cleaned = Cleaner((BUILDING,), STEP_S).clean(Samples(time_s, given_.row, given_.value))
    assert as_dict(cleaned.samples) == as_dict(given_)
    assert found(cleaned, Fault.SWAPPED_DATE) == np.flatnonzero(time_s != given_.time_s).tolist()


def test_an_offline_charger_is_a_gap_and_not_idle():
    value, online = post(6), np.ones(672, dtype=bool)
    online[100:140] = False
    cleaned = Cleaner((POST,), STEP_S).clean(Readings(samples(value), online=online))
    assert found(cleaned, Fault.OFFLINE) == list(range(100, 140))
    assert len(as_dict(cleaned.samples)) == 672 - 40


def test_hours_at_a_limit_are_marked_and_keep_their_value():
    value, limit = post(7), np.full(672, np.inf)
    value[300:400], limit[300:400] = 5.0, 5.0
    cleaned = Cleaner((POST,), STEP_S).clean(Readings(samples(value), limit=limit))
    assert found(cleaned, Fault.CURTAILED) == list(range(300, 400))
    assert cleaned.samples.curtailed is not None
    assert np.flatnonzero(cleaned.samples.curtailed).tolist() == list(range(300, 400))
    assert as_dict(cleaned.samples) == as_dict(samples(value))


@pytest.mark.parametrize("impossible", [np.inf, -np.inf, -2.0, 40.0, 1e308])
def test_what_is_physically_impossible_is_set_aside(impossible):
    value = post(8)
    value[60] = impossible
    cleaned = Cleaner((POST,), STEP_S).clean(samples(value))
    assert found(cleaned, Fault.OUT_OF_BOUNDS) == [60]


def test_samples_of_the_future_are_set_aside_and_do_not_move_the_clock():
    given_ = samples(building(9))
    wild = Samples(np.array([2**32]), np.array([0]), np.array([50.0]))
    now_s = int(given_.time_s[-1])
    cleaned = Cleaner((BUILDING,), STEP_S).clean(together(wild, given_), now_s)
    assert cleaned.findings.fault.tolist() == [Fault.AHEAD]
    assert as_dict(cleaned.samples) == as_dict(given_)


def test_what_was_remembered_can_be_stored_and_a_foreign_state_is_refused():
    given_ = samples(building(1))
    whole, source, target = (Cleaner((BUILDING,), STEP_S) for _ in range(3))
    whole.clean(given_)
    source.clean(cut(given_, np.arange(300)))
    target.restore(source.snapshot())
    target.clean(cut(given_, np.arange(300, 672)))
    for name, array in whole.snapshot().arrays.items():
        np.testing.assert_array_equal(target.snapshot().arrays[name], array)
    with pytest.raises(InvalidInputError, match="snapshot"):
        Cleaner((BUILDING, POST), STEP_S).restore(source.snapshot())
    with pytest.raises(InvalidInputError, match="snapshot"):
        Cleaner((BUILDING,), 900).restore(source.snapshot())


def test_every_fault_of_a_call_is_named():
    bad = Samples(np.array([-5]), np.array([3]), np.array([1.0]))
    with pytest.raises(InvalidInputError) as error:
        Cleaner((BUILDING,), STEP_S).clean(bad)
    assert [issue.where for issue in error.value.issues] == ["samples.row", "samples.time_s"]


def test_neighbouring_faults_are_told_as_one_span():
    value = building(1)
    value[50:53], value[80] = np.nan, np.nan
    first, second = Cleaner((BUILDING,), STEP_S).clean(samples(value)).findings.spans()
    assert (first.n_slots, second.n_slots) == (3, 1)
    assert first.end_s - first.first_s == timedelta(hours=1.5).total_seconds()
    assert (first.fault.label, second.fault.answer) == ("gap", "no value: left as a gap")
