"""Hypothesis strategies that the tests of several packages share."""

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import strategies as st

from api.ocpp.profiles import OcppVersion, PilotRow, RateUnit, StationCapabilities
from models.grid.site import CurrentType

# --- OCPP -----------------------------------------------------------------------------------------


@st.composite
def station_capabilities(draw, version=None):
    """Capabilities of a station, poor and rich ones."""
    units = draw(st.sets(st.sampled_from(RateUnit), min_size=1))
    return StationCapabilities(
        version=version or draw(st.sampled_from(OcppVersion)),
        rate_units=frozenset(units),
        max_stack_level=draw(st.integers(0, 10)),
        max_periods=draw(st.integers(1, 30)),
        max_profiles=draw(st.integers(1, 10)),
        voltage_v=draw(st.sampled_from([110.0, 120.0, 230.0, 230.9, 277.0])),
    )


@st.composite
def pilot_rows(draw, current_type=None):
    """Planned pilots of one EVSE: decimals, whole amperes, float noise, pauses."""
    pilot = st.one_of(
        st.just(0.0),
        st.integers(0, 80).map(float),
        st.integers(0, 800).map(lambda tenths: sum([0.1] * tenths)),
        st.floats(0.0, 80.0),
    )
    return PilotRow(
        start=datetime(2024, 3, 30, 22, tzinfo=UTC) + timedelta(minutes=5) * draw(st.integers(0, 500)),
        step_s=draw(st.sampled_from([60, 300, 900, 3600])),
        pilot_a=np.array(draw(st.lists(pilot, min_size=1, max_size=40))),
        evse_number=draw(st.integers(1, 4)),
        n_phases=draw(st.integers(1, 3)),
        current_type=current_type or draw(st.sampled_from(CurrentType)),
    )
