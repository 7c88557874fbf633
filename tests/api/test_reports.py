"""Reports: sums that agree with the plan, and pictures and pages that need nothing else."""

import io
import math
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from rich.console import Console

from api.examples import examples, state_of
from api.planning.planner import Planner
from api.planning.schemas import StateWire
from api.planning.service import decide
from api.reports.figures import MAX_PARTS, hour_figures, session_figures, station_parts
from api.reports.page import plan_page, write_picture
from api.reports.plot import plan_figure
from api.reports.tables import plan_tables
from models.errors import ChargingError
from tests.strategies import site_states

PLANNER = Planner(max_live=2)


@pytest.fixture(scope="module", params=sorted(examples()))
def decision(request):
    return decide(PLANNER, state_of(examples()[request.param]).to_domain())


def printed(plan, state, width=100):
    text = io.StringIO()
    Console(width=width, file=text).print(plan_tables(plan, state))
    return text.getvalue()


@given(state=site_states())
@settings(max_examples=20)
def test_the_parts_add_up_to_the_plan(state):
    decision = decide(PLANNER, StateWire.from_domain(state).to_domain())
    plan, state = decision.plan, decision.request.state
    for most in (2, MAX_PARTS):
        parts = station_parts(plan, state, most)
        assert len(parts) <= most or len(state.site.stations) <= most
        total_kw = sum((part.power_kw for part in parts), np.zeros(plan.schedule.grid.n_slots))
        assert total_kw == pytest.approx(plan.schedule.power_kw.sum(axis=0))
    for session in session_figures(plan, state):
        assert session.planned_kwh + session.missing_kwh == pytest.approx(session.wanted_kwh, abs=0.006)
    hours = hour_figures(plan, state, station_parts(plan, state))
    assert all(hour.total_kw == pytest.approx(hour.load_kw + sum(hour.parts_kw)) for hour in hours)


def test_the_hour_that_the_clock_skips_is_not_in_the_table():
    decision = decide(PLANNER, state_of(examples()["depot"]).to_domain())
    hours = [hour.start.hour for hour in hour_figures(decision.plan, decision.request.state, ())]
    assert hours == [17, 18, 19, 20, 21, 22, 23, 0, 1, 3, 4, 5, 6, 7]


def test_the_tables_name_every_session_station_and_unit(decision):
    text = printed(decision.plan, decision.request.state)
    names = [session.session_id for session in decision.request.state.sessions]
    names += [station.station_id for station in decision.request.state.site.stations]
    assert [name for name in (*names, "[kW]", "[kWh]", "EUR/kWh", "feasible") if name not in text] == []


def test_long_names_and_reasons_stay_whole_in_a_narrow_terminal_and_are_wrapped_on_the_page():
    state = examples()["workplace"]
    for station in state["site"]["stations"]:
        station["station_id"] += "-charging-station-of-the-visitors"
    state["sessions"][1] |= {"session_id": "session-of-the-visitor-from-far-away", "target_kwh": 500}
    decision = decide(PLANNER, state_of(state).to_domain())
    text = printed(decision.plan, decision.request.state, width=80)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert '<td class="text">time: ' in plan_page(decision.plan, decision.request.state)


def test_names_that_look_like_markup_stay_what_they_are(decision):
    state = decision.request.state
    odd = replace(state.sessions[0], session_id="[red]x[/red]<b>")
    state = replace(state, sessions=(odd, *state.sessions[1:]))
    assert "[red]x[/red]<b>" in printed(decision.plan, state)
    assert "&lt;b&gt;" in plan_page(decision.plan, state)
    assert "<b>" not in plan_page(decision.plan, state)


class Resources(HTMLParser):
    """Collects whatever a page would fetch, and its tags."""

    def __init__(self):
        super().__init__()
        self.fetched, self.tags = [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.fetched += [
            value for name, value in attrs if name in ("src", "href") and not (value or "").startswith("#")
        ]
        self.fetched += [value for name, value in attrs if name == "xlink:href" and not value.startswith("#")]


def test_the_page_works_offline(decision):
    page = Resources()
    page.feed(plan_page(decision.plan, decision.request.state))
    assert page.fetched == []
    assert {"svg", "table", "title"} <= page.tags
    assert "script" not in page.tags


def test_the_picture_shows_the_limit_the_units_and_the_site_time(decision):
    figure = plan_figure(decision.plan, decision.request.state)
    figure.canvas.draw()
    power, price = figure.axes
    said = " ".join(text.get_text() for text in power.texts)
    assert "limit" in said
    assert (power.get_ylabel(), price.get_ylabel()) == ("power [kW]", "price [EUR/kWh]")
    assert decision.request.state.site.zone in " ".join(text.get_text() for text in figure.texts)
    peak_kw = (decision.plan.load_kw + decision.plan.schedule.power_kw.sum(axis=0)).max()
    assert power.get_ylim()[1] >= peak_kw


@pytest.mark.parametrize(
    ("name", "begin"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.HTML", b"<!doctype html>")]
)
def test_a_picture_is_written_as_its_name_says(decision, tmp_path, name, begin):
    write_picture(decision.plan, decision.request.state, tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(begin)


def test_a_picture_that_cannot_be_written_is_one_clear_error(decision, tmp_path):
    with pytest.raises(ChargingError, match="No such file"):
        write_picture(decision.plan, decision.request.state, tmp_path / "nowhere" / "a.png")


def test_a_site_without_anything_can_be_drawn():
    document = {
        "site": {"site_id": "empty", "zone": "UTC", "nodes": [{"node_id": "grid"}]},
        "now": "2026-01-05T00:00:00Z",
        "tariff": {"energy_per_kwh": -0.1},
    }
    decision = decide(PLANNER, state_of(document).to_domain())
    figure = plan_figure(decision.plan, decision.request.state)
    figure.canvas.draw()
    assert math.isfinite(figure.axes[0].get_ylim()[1])
    assert "empty" in printed(decision.plan, decision.request.state)
