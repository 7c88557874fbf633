"""Schedulers stated by hand for HiGHS: what anybody could write who cares for time."""

from types import MappingProxyType
from typing import Final

import highspy
import numpy as np

from benchmarks.peers.case import EVSE_KW, LEAST_KW, NOISE_KW, Case
from benchmarks.peers.child import Answer, Rival, Run, main
from benchmarks.peers.program import Program, program_of
from models.arrays import BoolArray, FloatArray, IntArray

TIME_LIMIT_S: Final = 120.0
"""The full integer program is stopped after this time."""
SHORT_PER_KWH: Final = 10.0
"""Price of a kWh short where other cars' powers are fixed: far above any price of energy."""


def simplex(base: Case, _changed: Case) -> Run:
    """Return the linear program, currents from 0, by the dual simplex."""
    return lambda: _solved(base, solver="simplex")


def interior_point(base: Case, _changed: Case) -> Run:
    """Return the linear program by the interior point, without crossover: no basis to go on from."""
    return lambda: _solved(base, solver="ipm", run_crossover="off")


def warm_simplex(base: Case, changed: Case) -> Run:
    """Return the linear program after a change of needs, from the basis before it."""
    program = program_of(base)
    highs = _linear(program, solver="simplex")
    highs.run()

    def run() -> Answer:
        for row in np.nonzero(changed.need_kwh != base.need_kwh)[0]:
            highs.changeRowBounds(int(row), float(changed.need_kwh[row]), highspy.kHighsInf)
        return _answer(changed, program, highs, changed=True)

    return run


def integer(base: Case, _changed: Case) -> Run:
    """Return the integer program of every cell: nothing, or at least 6 A."""

    def run() -> Answer:
        program = program_of(base)
        highs = _linear(program, time_limit=TIME_LIMIT_S)
        _make_discrete(highs, np.arange(program.row.size))
        return _answer(base, program, highs, is_integer=True)

    return run


def repaired(base: Case, _changed: Case) -> Run:
    """Return the linear program, then an integer one of the cars that it gave a current below 6 A."""

    def run() -> Answer:
        program = program_of(base)
        highs = _linear(program, solver="simplex")
        power_kw = _answer(base, program, highs).power_kw
        torn = np.any((power_kw > NOISE_KW) & (power_kw < LEAST_KW - NOISE_KW), axis=1)
        if not torn.any():
            return _answer(base, program, highs)
        return _repaired(base, program, power_kw, torn)

    return run


def _solved(case: Case, **options: str) -> Answer:
    """Return the linear program of a case."""
    program = program_of(case)
    return _answer(case, program, _linear(program, **options))


def _repaired(case: Case, program: Program, power_kw: FloatArray, torn: BoolArray) -> Answer:
    """Solve again for the torn cars; all others keep their power, and what is short is paid for."""
    highs = _linear(program, time_limit=TIME_LIMIT_S)
    kept = np.nonzero(~torn[program.row])[0]
    kept_kw = power_kw[program.row[kept], program.slot[kept]]
    highs.changeColsBounds(kept.size, kept.astype(np.int32), kept_kw, kept_kw)
    _make_discrete(highs, np.nonzero(torn[program.row])[0])
    for row in range(case.n_evses):
        highs.addCol(SHORT_PER_KWH, 0.0, highspy.kHighsInf, 1, np.array([row], np.int32), np.ones(1))
    return _answer(case, program, highs, is_integer=True)


def _linear(program: Program, **options: str | float) -> highspy.Highs:
    """Return HiGHS with the linear program in it, on one thread."""
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = program.laws.shape
    lp.col_cost_ = program.cost
    lp.col_lower_, lp.col_upper_ = np.zeros(program.row.size), np.full(program.row.size, EVSE_KW)
    lp.row_lower_, lp.row_upper_ = program.least, program.most
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = program.laws.indptr
    lp.a_matrix_.index_ = program.laws.indices
    lp.a_matrix_.value_ = program.laws.data
    highs = highspy.Highs()
    for name, value in ({"output_flag": False, "threads": 1} | options).items():
        highs.setOptionValue(name, value)
    highs.passModel(lp)
    return highs


def _make_discrete(highs: highspy.Highs, cells: IntArray) -> None:
    """Let some cells be 0 or between 6 A and the maximum: HiGHS calls that semi-continuous."""
    kinds = np.full(cells.size, highspy.HighsVarType.kSemiContinuous.value, np.uint8)
    index = cells.astype(np.int32)
    highs.changeColsBounds(index.size, index, np.full(index.size, LEAST_KW), np.full(index.size, EVSE_KW))
    highs.changeColsIntegrality(index.size, index, kinds)


def _answer(
    case: Case, program: Program, highs: highspy.Highs, *, is_integer: bool = False, changed: bool = False
) -> Answer:
    highs.run()
    power_kw = np.zeros((case.n_evses, case.n_slots))
    power_kw[program.row, program.slot] = np.asarray(highs.getSolution().col_value)[: program.row.size]
    said = highs.modelStatusToString(highs.getModelStatus())
    gap = float(highs.getInfo().mip_gap) if is_integer else None
    return Answer(power_kw, power_kw * case.step_h, said, gap, changed)


RIVALS: Final = MappingProxyType[str, Rival](
    {
        "simplex": simplex,
        "interior_point": interior_point,
        "warm_simplex": warm_simplex,
        "integer": integer,
        "repaired": repaired,
    }
)

if __name__ == "__main__":
    main(RIVALS, ("highspy",))
