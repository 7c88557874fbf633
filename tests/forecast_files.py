"""`gridpilot forecast` as a function, and loads to give to it."""

import json

import numpy as np
import pandas as pd
from typer.testing import CliRunner

from api.cli import app


def run(*arguments):
    return CliRunner().invoke(app, ["forecast", *(str(argument) for argument in arguments)])


def loads(n_days=21, step_min=30):
    """Two loads that are never twice the same."""
    rng = np.random.default_rng(1)
    times = pd.date_range("2026-01-05", periods=n_days * 1440 // step_min, freq=f"{step_min}min", tz="UTC")
    hour = times.hour + times.minute / 60
    wave = 60 + 25 * np.sin(2 * np.pi * (hour - 9) / 24)
    return pd.DataFrame(
        {"office": wave + rng.normal(0, 2, len(times)), "hall": 0.5 * wave + rng.normal(0, 1, len(times))},
        index=times.rename("time"),
    )


def quantiles(path, *options):
    out = path.with_name("out.json")
    result = run(path, "--out", out, *options)
    assert result.exit_code == 0, result.output + result.stderr
    return json.loads(out.read_text())
