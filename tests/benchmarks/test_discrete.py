"""The benchmark of real pilots: its rows, and what it counts."""

import numpy as np

from benchmarks.discrete import BENCHMARK, COLUMNS, KINDS
from benchmarks.registry import BenchmarkContext


def test_every_kind_of_pilots_is_judged_beside_the_bound(tmp_path):
    report = BENCHMARK.run(BenchmarkContext(data_dir=tmp_path, smoke=True))
    assert report.columns == COLUMNS
    assert [row[1:3] for row in report.rows] == [(kind.cars, kind.label) for kind in KINDS]
    figures = np.array([row[4:] for row in report.rows], dtype=float)
    assert np.isfinite(figures).all()
    over_bound, gap, lost_kwh, n_switches = figures[:, :4].T
    assert (n_switches >= 1.0).all()
    assert lost_kwh[1:4].max() <= lost_kwh[0] + 1e-6
    assert over_bound[1] < over_bound[0]
    rounded, searched = gap[4:].reshape(-1, 2).T
    assert (searched <= rounded + 1e-6).all()
