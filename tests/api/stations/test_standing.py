"""A site that we run is stored whole, and what it pays by hour of the day is laid over a horizon."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given

from api.ocpp.registry import Registry
from api.planning.schemas import HorizonWire
from api.sites.schemas import SiteWire
from api.stations.schemas import StandingTariff, StandingWire
from api.stations.states import request_of, standing_in
from api.wire.schemas import parsed
from models.validate import validate_state
from tests.described import undescribed
from tests.rich_strategies import rich_sites

NOW = datetime(2026, 3, 3, 15, 10, tzinfo=UTC)
TARIFF = {
    "energy_per_kwh": [0.2] * 17 + [0.4] * 7,
    "export_per_kwh": 0.08,
    "carbon_kg_per_kwh": [0.4] * 17 + [0.5] * 7,
    "carbon_per_kg": 0.1,
    "peaks": [{"per_kw": 9, "so_far_kw": 40, "applies": [False] * 17 + [True] * 7}],
    "subscription": {"subscribed_kw": 30, "excess_per_kwh": 0.5},
    "switch_cost": 0.02,
}


@given(site=rich_sites())
def test_a_site_comes_back_from_storage_with_all_that_it_has(site):
    standing = StandingWire(site=SiteWire.from_domain(site), tariff=StandingTariff(energy_per_kwh=0.3))
    document = json.loads(json.dumps(standing.model_dump(mode="json")))
    assert standing_in(document).site.to_domain() == site


@given(site=rich_sites())
def test_a_stored_site_with_a_tariff_of_everything_can_be_planned(site):
    document = {"site": SiteWire.from_domain(site).model_dump(mode="json"), "tariff": TARIFF}
    standing = parsed(StandingWire, json.dumps(document).encode())
    validate_state(request_of(standing, [], NOW, Registry(lambda: NOW)).state)


def test_what_counts_by_the_hour_counts_in_the_hours_of_the_sites_zone():
    grid = HorizonWire(slots=12).to_domain(NOW)
    tariff = StandingTariff.model_validate_json(json.dumps(TARIFF)).on(grid, "Europe/Amsterdam")
    (peak,) = tariff.peaks
    assert peak.applies is not None
    assert peak.applies.tolist() == [0.0] * 4 + [1.0] * 8
    assert tariff.import_per_kwh[[0, 11]] == pytest.approx([0.24, 0.45])
    assert tariff.export_per_kwh is not None
    assert tariff.export_per_kwh.tolist() == [0.08] * 12


def test_every_member_of_a_site_that_we_run_is_described():
    assert undescribed(StandingWire.model_json_schema()) == []
