"""Limits of somebody else, as tests write and draw them."""

from datetime import timedelta

from hypothesis import strategies as st

from api.ocpp.capabilities import RateUnit
from api.ocpp.notices import ExternalPeriod, ExternalSchedule
from api.stations.limits import ExternalLimit
from tests.api.stations.desk import NOW


def schedule(*periods, unit=RateUnit.CURRENT, start=NOW, duration_s=None):
    return ExternalSchedule(unit, start, duration_s, tuple(ExternalPeriod(*one) for one in periods))


def limit(*schedules, evse=0, station="north"):
    return ExternalLimit(station, evse, "EMS", schedules, NOW)


@st.composite
def external_schedules(draw):
    starts = sorted(draw(st.sets(st.integers(0, 90), min_size=1, max_size=4)))
    values = [draw(st.none() | st.sampled_from([-1.0, 0.0, 6.0, 16.0])) for _ in starts]
    return ExternalSchedule(
        draw(st.sampled_from(RateUnit)),
        NOW + timedelta(minutes=draw(st.integers(-60, 60))),
        draw(st.none() | st.integers(0, 100).map(lambda minutes: minutes * 60)),
        tuple(ExternalPeriod(m * 60, value) for m, value in zip(starts, values, strict=True)),
    )
