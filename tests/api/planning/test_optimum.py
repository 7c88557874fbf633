"""From the answer alone anybody can state the program again, and finds the same optimum."""

import json

import numpy as np
import pytest
from scipy.optimize import linprog

from api.examples import examples
from tests.optimizer.builders import at

TWO_CARS = {
    "site": {
        "site_id": "case",
        "zone": "UTC",
        "nodes": [{"node_id": "grid", "limit_kw": 20}],
        "stations": [
            {"station_id": f"s{n}", "node_id": "grid", "evses": [{"evse_id": f"e{n}"}]} for n in range(3)
        ],
    },
    "now": at(0).isoformat(),
    "horizon": {"step_minutes": 30, "slots": 12},
    "sessions": [
        {
            "session_id": f"car{n}",
            "evse_id": f"e{n}",
            "arrival": at(-1).isoformat(),
            "departure": at(3 + n).isoformat(),
            "target_kwh": 25 + 5 * n,
            "minimum_kwh": 10,
        }
        for n in range(3)
    ],
    "tariff": {"energy_per_kwh": [0.2 + 0.01 * ((7 * t) % 5) for t in range(12)]},
}


def solved_again(optimum, limit_kw):
    """Least cost of the program that an answer describes: powers and shortfall of every session."""
    cells = [(e, t) for e, cell in enumerate(optimum["cells"]) for t in range(len(cell["hours"]))]
    bands = [(s, b) for s, one in enumerate(optimum["sessions"]) for b in range(len(one["bands"]))]
    rows = {cell["evse_id"]: e for e, cell in enumerate(optimum["cells"])}
    cost = [optimum["cells"][e]["cost_per_kwh"][t] * optimum["cells"][e]["hours"][t] for e, t in cells]
    cost += [optimum["sessions"][s]["bands"][b]["per_kwh"] for s, b in bands]
    bounds = [
        (0.0, optimum["cells"][e]["most_kw"][t] if optimum["cells"][e]["hours"][t] else 0.0) for e, t in cells
    ]
    bounds += [(0.0, optimum["sessions"][s]["bands"][b]["width_kwh"]) for s, b in bands]
    energy = np.zeros((len(optimum["sessions"]), len(cost)))
    for s, one in enumerate(optimum["sessions"]):
        for place, (e, t) in enumerate(cells):
            if e == rows[one["evse_id"]]:
                energy[s, place] = optimum["cells"][e]["hours"][t]
        for place, (of, _) in enumerate(bands):
            energy[s, len(cells) + place] = float(of == s)
    n_slots = len(optimum["cells"][0]["hours"])
    total = np.zeros((n_slots, len(cost)))
    for place, (_, t) in enumerate(cells):
        total[t, place] = 1.0
    needs = [one["need_kwh"] for one in optimum["sessions"]]
    return linprog(cost, total, np.full(n_slots, limit_kw), energy, needs, bounds)


def test_the_optimum_can_be_found_again_from_the_answer(client):
    answer = client.post("/v1/plans?optimum=true", json=TWO_CARS).json()
    optimum = answer["optimum"]
    again = solved_again(optimum, 20.0)
    assert again.success
    assert again.fun == pytest.approx(optimum["bound"], rel=1e-6, abs=1e-6)
    (row,) = [row for row in optimum["rows"] if row["quantity"] == "kW"]
    assert row["per_unit"] == pytest.approx((-again.ineqlin.marginals).tolist(), abs=2e-3)
    assert answer["solve"]["objective"] >= optimum["bound"] - 1e-6


def test_an_answer_holds_its_optimum_only_where_it_is_asked_for(client):
    assert client.post("/v1/plans", json=examples()["workplace"]).json()["optimum"] is None
    told = client.post("/v1/plans?optimum=true", json=examples()["workplace"]).json()["optimum"]
    assert {one["session_id"] for one in told["sessions"]} == {"s-1", "s-2", "s-3", "s-4"}
    assert json.dumps(told)
