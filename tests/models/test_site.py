"""A site is a tree; pilots are what the EVSE can give."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.grid.site import CircuitNode, CurrentType, Evse, Phase, Site, Station
from models.units import current_a, power_kw
from tests.strategies import planning_sites


@given(
    least=st.integers(60, 200).map(lambda tenths: tenths / 10),
    span=st.integers(0, 600).map(lambda tenths: tenths / 10),
    step=st.sampled_from([0.1, 0.5, 1.0, 2.7, 7.0]),
)
def test_pilots_rise_by_steps_from_the_least_and_never_pass_the_greatest(least, span, step):
    levels = Evse("e", min_current_a=least, max_current_a=least + span, step_a=step).levels_a
    assert levels[0] == pytest.approx(least)
    assert levels[-1] <= least + span + 1e-6
    assert levels[-1] + step > least + span - 1e-6
    gaps = [high - low for low, high in pairwise(levels)]
    assert gaps == pytest.approx([step] * len(gaps), abs=1e-5)


def test_explicit_pilots_are_sorted_and_kept_within_the_evses_range():
    evse = Evse("e", min_current_a=8.0, max_current_a=24.0, pilots_a=(32.0, 16.0, 0.0, 8.0, 24.0, 6.0))
    assert evse.levels_a == (8.0, 16.0, 24.0)


@given(site=planning_sites())
def test_every_path_ends_at_the_root_and_follows_parents(site):
    parent_of = {node.node_id: node.parent_id for node in site.nodes}
    for node in site.nodes:
        path = site.path_to_root(node.node_id)
        assert path[0] == node.node_id
        assert path[-1] == site.root.node_id
        assert [parent_of[one] for one in path] == [*path[1:], None]


@given(site=planning_sites())
def test_every_evse_is_found_at_its_station(site):
    for station in site.stations:
        for evse in station.evses:
            assert site.station_of(evse.evse_id) is station
    assert site.evse_ids == tuple(evse.evse_id for evse in site.evses)


def test_an_unknown_evse_has_no_station():
    node = CircuitNode("grid")
    site = Site(
        "s", "UTC", (node,), (Station("S", "grid", (Evse("e", (Phase.L2,), 1.0, 2.0, CurrentType.DC),)),)
    )
    with pytest.raises(KeyError, match="nowhere"):
        site.station_of("nowhere")


@given(amperes=st.floats(0.0, 500.0), n_phases=st.integers(1, 3), volts=st.sampled_from([120.0, 230.0]))
def test_power_and_current_are_each_others_inverse(amperes, n_phases, volts):
    assert current_a(power_kw(amperes, n_phases, volts), n_phases, volts) == pytest.approx(amperes)


def test_sixteen_amperes_on_three_phases_are_eleven_kilowatts():
    assert power_kw(16.0, 3) == pytest.approx(11.04)
