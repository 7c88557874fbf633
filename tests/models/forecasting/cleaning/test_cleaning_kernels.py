"""The kernels of the cleaner say what their naive twin says, whatever comes in whatever order."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.forecasting.cleaning import kernels as k
from tests.reference import cleaning as naive

STEP_S = 1800
SHAPE = np.array([STEP_S, 8, 1 / 9.7, 1 / 60, 4, 7, 4, 10.0])
COLUMNS = ("step", "value", "fault", "placed", "passed", "missing", "held", "held_step", "fate", "flat")


@given(time_s=st.integers(0, 4_000_000_000))
def test_day_and_month_are_swapped_as_the_calendar_swaps_them(time_s):
    assert k.swapped_kernel(time_s) == naive.swapped(time_s)
    assert k.swapped_kernel(k.swapped_kernel(time_s)) == time_s


@st.composite
def streams(draw):
    """Samples of one series: mostly in rhythm, with every kind of trouble."""
    n = draw(st.integers(1, 70))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    first = draw(st.sampled_from([1_709_200_000, 1_514_764_800, 1_517_443_200])) // STEP_S
    steps = first + np.cumsum(rng.choice([1, 1, 1, 1, 1, 1, 2, 5, -1, 0, -9, 1500], n))
    time_s = np.maximum(steps, 0) * STEP_S + rng.choice([0, 0, 0, 0, 7, -9, 150, 900], n)
    swap = rng.random(n) < 0.1
    time_s[swap] = [naive.swapped(int(one)) for one in time_s[swap]]
    value = draw(st.sampled_from([5.0, 0.0])) + rng.integers(0, 4, n).astype(float)
    value = np.where(rng.random(n) < 0.15, value * 9.0, value)
    stuck = int(rng.integers(0, n))
    value[stuck : stuck + int(rng.integers(0, 12))] = draw(st.sampled_from([0.0, 6.0]))
    mark = rng.choice([0, 0, 0, 0, 0, 0, 0, 0, 1, 13, 10], n)
    value[mark == 1] = np.nan
    return time_s.astype(np.int64), value, mark.astype(np.int64)


def rhythmic(seed, n=60):
    """A stream without trouble in its times, so that runs and spikes are met often."""
    rng = np.random.default_rng(seed)
    value = rng.choice([0.0, 1.1, 2.3], n) + rng.choice([0.0, 4.07])
    value[rng.random(n) < 0.06] = 40.37
    at = int(rng.integers(20, n))
    value[at : at + 9] = rng.choice([0.0, 4.07])
    return (np.arange(n) + 946_000) * STEP_S, value, np.zeros(n, dtype=np.int64)


def assert_equals_twin(time_s, value, mark):
    state = (np.full((1, k.N_ORDER), -1.0), np.zeros((1, k.N_LIKENESS)), np.full((1, 8), np.nan))
    state[0][:, [k.LAST, k.HELD, k.HELD_BASE]] = np.nan
    state[0][:, [k.RUN_N, k.RUN_ZEROS]] = 0.0
    out = np.zeros((time_s.size, k.N_OUT))
    k.clean_kernel((time_s, np.zeros(time_s.size, dtype=np.int64), value, mark), state, SHAPE, out)
    watch = naive.Watch(naive.Shape(STEP_S, 8, *SHAPE[2:]))
    for i in range(time_s.size):
        told = watch.clean(int(time_s[i]), float(value[i]), int(mark[i]))
        np.testing.assert_allclose(out[i], [told[name] for name in COLUMNS], err_msg=f"sample {i}")


@given(streams())
def test_any_stream_is_judged_as_the_twin_judges_it(stream):
    assert_equals_twin(*stream)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_runs_and_spikes_are_judged_as_the_twin_judges_them(seed):
    assert_equals_twin(*rhythmic(seed))
