"""A worked example of what `POST /v1/forecasts` takes, made from the example history."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from api.examples.history import STEP_S, example_history


def example_forecast() -> dict[str, Any]:
    """Return a request as JSON: a fortnight by the hour, a car that is plugged in, and ten paths."""
    history = example_history()
    n_slots = 14 * 86_400 // STEP_S

    values = history.values[:, -n_slots:].reshape(len(history.names), -1, 3600 // STEP_S).mean(axis=2)
    start = datetime.fromtimestamp(int(history.time_s[-n_slots]), UTC)
    now = start + timedelta(hours=values.shape[1])
    series = [
        {
            "series_id": name,
            "charging": name != "building",
            "start": start.isoformat(),
            "values": [None if np.isnan(one) else round(float(one), 2) for one in row],
        }
        for name, row in zip(history.names, values, strict=True)
    ]
    car = {
        "session_id": "s-1",
        "series_id": history.names[0],
        "arrival": (now - timedelta(minutes=20)).isoformat(),
        "departure": (now + timedelta(hours=8)).isoformat(),
        "need_kwh": 14.0,
        "power_kw": 7.4,
    }
    return {
        "series": series,
        "sample_minutes": 60,
        "slots": 24,
        "paths": 10,
        "total": True,
        "zone": "Europe/Amsterdam",
        "plugged_in": [car],
    }
