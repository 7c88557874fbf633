"""The case that schedulers are compared on, our own rivals of it, and the environments of the others."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import peers, registry, rivals
from benchmarks.peers import with_gridpilot, with_highspy
from benchmarks.peers.case import EVSE_KW, Case, drawn_case, judged
from benchmarks.peers.child import ANSWER_FILE, BASE_FILE, CHANGED_FILE
from benchmarks.peers.environments import NoEnvironmentError, python_of, write_sources
from benchmarks.registry import BenchmarkContext

TINY = (12, 24, 900)
CASE = drawn_case(*TINY, seed=5)
CHANGED = CASE.with_changed_needs(0.2, seed=6)
OWN = {f"ours_{name}": rival for name, rival in with_gridpilot.RIVALS.items()} | dict(with_highspy.RIVALS)
BELOW_6_A_ALLOWED = {"ours_cold", "ours_warm", "simplex", "interior_point", "warm_simplex"}


@pytest.fixture(scope="module")
def least_cost():
    """Cost of the linear optimum of the case and of the changed one."""
    runs = (with_highspy.simplex(case, case) for case in (CASE, CHANGED))
    answers = (run() for run in runs)
    return [
        judged(case, a.power_kw, a.energy_kwh).cost for case, a in zip((CASE, CHANGED), answers, strict=True)
    ]


@given(n_evses=st.integers(1, 40), n_slots=st.integers(4, 60), seed=st.integers(0, 10**6))
def test_every_need_of_a_drawn_case_is_served_by_fair_shares_of_the_limits(n_evses, n_slots, seed):
    case = drawn_case(n_evses, n_slots, 900, seed)
    here = case.is_open
    site_kw = case.site_kw / np.maximum(here.sum(axis=0), 1)
    panel = np.array([[here[case.panel == p, t].sum() for t in range(n_slots)] for p in case.panel])
    panel_kw = case.panel_kw[case.panel][:, None] / np.maximum(panel, 1)
    power_kw = here * np.minimum(np.minimum(site_kw, panel_kw), EVSE_KW)
    verdict = judged(case, power_kw, power_kw * case.step_h)
    assert verdict.short_kwh == 0
    assert verdict.over_kw == pytest.approx(0, abs=1e-9)


def test_a_case_is_the_same_after_it_was_written_and_read(tmp_path):
    CASE.write(tmp_path / "case.npz")
    back = Case.read(tmp_path / "case.npz")
    assert (back.step_s, back.site_kw) == (CASE.step_s, CASE.site_kw)
    for name in ("first", "end", "need_kwh", "fair_kwh", "price_per_kwh", "panel", "panel_kw"):
        assert (getattr(back, name) == getattr(CASE, name)).all()


def test_a_change_of_needs_moves_the_share_that_was_asked_for_and_keeps_them_feasible():
    assert (CHANGED.need_kwh != CASE.need_kwh).sum() == round(0.2 * CASE.n_evses)
    assert (CHANGED.need_kwh <= CASE.fair_kwh).all()


def test_the_judge_sees_what_is_short_over_a_limit_and_below_the_least_current():
    power_kw = np.where(CASE.is_open, 0.5, 0.0)
    verdict = judged(CASE, power_kw, np.zeros_like(power_kw))
    assert verdict.short_kwh == pytest.approx(CASE.need_kwh.sum())
    assert verdict.n_between == CASE.is_open.sum()
    full_kw = np.full_like(power_kw, EVSE_KW)
    assert judged(CASE, full_kw, full_kw).over_kw == pytest.approx(CASE.n_evses * EVSE_KW - CASE.site_kw)


@pytest.mark.parametrize("name", sorted(OWN))
def test_every_own_scheduler_keeps_the_limits_and_costs_at_least_the_bound(name, least_cost):
    answer = OWN[name](CASE, CHANGED)()
    verdict = judged((CASE, CHANGED)[answer.changed], answer.power_kw, answer.energy_kwh)
    assert verdict.over_kw == pytest.approx(0, abs=1e-6)
    if name in BELOW_6_A_ALLOWED:
        assert verdict.cost == pytest.approx(least_cost[answer.changed], rel=1e-6)
        assert verdict.short_kwh == pytest.approx(0, abs=1e-6)
    else:
        assert verdict.n_between == 0
        assert verdict.short_kwh < 0.02 * CASE.need_kwh.sum()


def test_the_sources_that_are_written_run_without_the_project(tmp_path):
    CASE.write(tmp_path / BASE_FILE)
    CHANGED.write(tmp_path / CHANGED_FILE)
    write_sources(tmp_path)
    command = [sys.executable, "-m", "benchmarks.peers.with_highspy", "simplex", str(tmp_path)]
    subprocess.run([*command, "--runs", "1", "--budget-s", "1"], cwd=tmp_path, check=True)
    assert (tmp_path / ANSWER_FILE).exists()
    assert not (tmp_path / "optimizer").exists()


@pytest.mark.parametrize("name", ["flexmeasures", "cvxpy"])
def test_the_packages_of_a_rival_are_pinned_line_by_line(name):
    lines = Path(peers.__file__).with_name(f"{name}.txt").read_text(encoding="utf-8").splitlines()
    packages = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line) for line in packages)
    assert any(line.startswith(f"{name}==") for line in packages)


def test_an_environment_that_is_not_there_is_named_and_one_that_was_given_is_taken(tmp_path):
    with pytest.raises(NoEnvironmentError, match=tmp_path.name):
        python_of("flexmeasures", tmp_path, make=False, say=print)
    python = tmp_path / "flexmeasures" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert python_of("flexmeasures", tmp_path, make=False, say=print) == python


def test_a_rival_whose_environment_is_broken_has_a_row_that_says_so(tmp_path, monkeypatch):
    python = tmp_path / "cvxpy" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho no such luck >&2\nexit 3\n")
    python.chmod(0o755)
    broken = rivals.Contestant("broken", "with_cvxpy", "with_highs", "cvxpy")
    absent = rivals.Contestant("absent", "with_flexmeasures", "direct", "flexmeasures")
    monkeypatch.setattr(rivals, "CONTESTANTS", (broken, absent))
    report = registry.find("rivals").measure(BenchmarkContext(tmp_path, smoke=True, peers_dir=tmp_path))
    assert [row[-1] for row in report.rows] == ["no such luck", f"no environment in {tmp_path}"]
    assert all(row[2] is None for row in report.rows)


@pytest.mark.slow
def test_an_environment_whose_packages_cannot_be_had_is_tried_once_and_named_in_its_rows(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # as without a network
    absent = [
        rivals.Contestant(name, "with_cvxpy", name, "cvxpy") for name in ("with_highs", "with_clarabel")
    ]
    monkeypatch.setattr(rivals, "CONTESTANTS", tuple(absent))
    monkeypatch.setattr(rivals, "SIZES", (TINY,))
    said: list[str] = []
    context = BenchmarkContext(tmp_path, say=said.append, peers_dir=tmp_path)
    report = registry.find("rivals").measure(context)
    assert all("cannot be installed" in str(row[-1]) for row in report.rows)
    assert [line.startswith("making") for line in said] == [True, False, False]


@pytest.mark.bench
def test_the_small_table_has_a_row_for_every_contestant_and_ours_meets_the_bound(tmp_path):
    report = registry.find("rivals").measure(BenchmarkContext(tmp_path, smoke=True, peers_dir=tmp_path))
    rows = {row[1]: dict(zip(report.columns, row, strict=True)) for row in report.rows}
    assert list(rows) == [contestant.label for contestant in rivals.CONTESTANTS]
    for label in ("Gridpilot, LP: cold", "Gridpilot, LP: warm after 1 % of needs change"):
        assert rows[label]["over the LP bound [%]"] == pytest.approx(0, abs=1e-4)
        assert rows[label]["short [kWh]"] == 0
        assert isinstance(rows[label]["peak memory [MB]"], float)
