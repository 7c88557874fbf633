"""A program that is laid around from few slots is the one that is stated whole."""

from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from scipy import sparse

from models.arrays import SLOTS
from models.sessions import Acceptance
from models.timegrid import TimeGrid
from optimizer.horizon import _marked, cut
from optimizer.options import PlanOptions
from optimizer.problem import problem_of
from optimizer.scheduling.objective import Weights
from optimizer.scheduling.parts.part import Moment
from optimizer.scheduling.program import Structure, state_program, widest
from optimizer.scheduling.ring import BEGINS, _stated, compiled_ring
from optimizer.solver.compiled import NOWHERE, compile_program
from optimizer.solver.tiling import NotAlikeError, laid_around
from optimizer.topology import Topology
from tests.optimizer.builders import NOW, at, car, site, state
from tests.strategies import rich_states, state_walks

OPTIONS = PlanOptions()


def with_slots(of, n_slots):
    """A state whose series are repeated to more slots."""

    def longer(value):
        if isinstance(value, TimeGrid):
            return replace(value, n_slots=n_slots)
        if isinstance(value, np.ndarray) and value.ndim and value.shape[-1] == of.grid.n_slots:
            repeats = -(-n_slots // value.shape[-1])
            return np.concatenate([value] * repeats, axis=-1)[..., :n_slots]
        if isinstance(value, tuple) and any(is_dataclass(one) for one in value):
            return tuple(longer(one) for one in value)
        if is_dataclass(value) and not isinstance(value, type):
            series = [one.name for one in fields(value) if one.name not in ("levels", "phase_share")]
            return replace(value, **{name: longer(getattr(value, name)) for name in series})
        return value

    kept = {"site": of.site, "sessions": of.sessions}
    return replace(longer(replace(of, site=of.site)), **kept)


def numbered(compiled):
    """Name of every row and column of a program, by its number."""
    names = []
    for families, size in zip((compiled.rows, compiled.columns), compiled.matrix.shape, strict=True):
        of = dict.fromkeys(range(size))
        for name, table in families.items():
            for index in np.argwhere(table != NOWHERE):
                of[int(table[tuple(index)])] = (name, *index.tolist())
        names.append(of)
    return names


def written_out(compiled):
    """Every coefficient by the names of its row and column."""
    rows, columns = numbered(compiled)
    assert None not in rows.values()
    assert None not in columns.values()
    entries = sparse.coo_array(compiled.matrix)
    return {
        (rows[r], columns[c]): v
        for r, c, v in zip(*(part.tolist() for part in (*entries.coords, entries.data)), strict=True)
        if v != 0.0
    }


@given(walk=state_walks(max_size=1))
@settings(max_examples=25)
def test_what_is_laid_around_is_what_is_stated_whole(walk):
    problem = problem_of(with_slots(walk[0], 17), Topology.of(walk[0].site), OPTIONS)
    structure = Structure.of(problem)
    assume(problem.topology.n_evses > 0)
    moment = Moment(Weights.of(problem, OPTIONS), 0.0, has_bill=False)
    laid = laid_around(lambda n: _stated(problem, structure, moment, n), 17, BEGINS)
    whole = compile_program(state_program(widest(problem, structure), structure, moment))
    assert written_out(laid) == written_out(whole)
    for ours, theirs in ((laid.rows, whole.rows), (laid.columns, whole.columns)):
        assert {name: (table != NOWHERE).sum() for name, table in ours.items()} == {
            name: (table != NOWHERE).sum() for name, table in theirs.items()
        }


@given(of=rich_states())
@settings(max_examples=40)
def test_every_array_along_the_slots_is_marked_so(of):
    problem = problem_of(with_slots(of, 23), Topology.of(of.site), OPTIONS)
    unmarked = []

    def look(record, path):
        if not is_dataclass(record) or isinstance(record, type):
            return
        marked = _marked(type(record))
        for one in fields(record):
            value = getattr(record, one.name)
            if (
                isinstance(value, np.ndarray)
                and value.ndim
                and value.shape[-1] == 23
                and one.name not in marked
            ):
                unmarked.append(f"{path}.{one.name}")
            for inner in value if isinstance(value, tuple) else (value,):
                if not isinstance(inner, Topology):
                    look(inner, f"{path}.{one.name}")

    look(problem, "problem")
    rows = problem.topology.rows
    n_cells = {problem.topology.n_evses, problem.n_seats, len(rows.names), rows.of_evse.shape[1]}
    assume(23 not in n_cells)
    assert unmarked == [], SLOTS
    assert cut(problem, 5).grid.n_slots == 5


@pytest.mark.parametrize("start_h", [0.0, 0.25, 1.5, 7.75])
def test_chains_are_laid_around_whenever_the_horizon_begins(start_h):
    of = problem_of_one_car(acceptance=Acceptance(2.0, 9.0, 11.0), start=at(start_h), arrives_h=start_h)
    structure = Structure.of(of)
    moment = Moment(Weights.of(of, OPTIONS), 0.0, has_bill=False)
    laid = laid_around(lambda n: _stated(of, structure, moment, n), of.grid.n_slots, BEGINS)
    whole = compile_program(state_program(widest(of, structure), structure, moment))
    assert "energy_given" in laid.rows
    assert written_out(laid) == written_out(whole)


def test_slots_that_are_not_alike_are_stated_whole():
    of = problem_of_one_car()
    structure = Structure.of(of)
    moment = Moment(Weights.of(of, OPTIONS), 0.0, has_bill=False)

    def growing(n_slots):
        """A program whose coefficients depend on how many slots there are."""
        stated = _stated(of, structure, moment, n_slots)
        return stated._replace(compiled=replace(stated.compiled, matrix=stated.compiled.matrix * n_slots))

    with pytest.raises(NotAlikeError):
        laid_around(growing, 12, 0)
    assert compiled_ring(of, structure, moment).columns["power_kw"].shape == (1, of.grid.n_slots)


def problem_of_one_car(start=NOW, **facts):
    of = state(site(1, limit_kw=5.0), car("E1", 10.0, leaves_h=12.0, **facts), start=start)
    return problem_of(of, Topology.of(of.site), OPTIONS)
