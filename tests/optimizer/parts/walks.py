"""Walks of one site's states whose cars have more than a departure and a need."""

from dataclasses import replace

from hypothesis import strategies as st

from tests.strategies import state_walks


@st.composite
def walks(draw, enrich, max_size=4, on_site=lambda site: site):
    """States of :func:`tests.strategies.state_walks`; ``enrich(draw, car)`` gives each car its facts, once."""
    known = {}

    def rich(car):
        key = (car.session_id, car.arrival, car.departure, car.target_kwh)
        if key not in known:
            known[key] = enrich(draw, car)
        return replace(known[key], delivered_kwh=car.delivered_kwh)

    walk = draw(state_walks(max_size=max_size))
    site = on_site(walk[0].site)
    return tuple(
        replace(state, site=site, sessions=tuple(rich(car) for car in state.sessions)) for state in walk
    )
