"""The same program stated in cvxpy, as research code states it; runs in an environment of its own.

Laws and solvers are those that adacharge uses in the plane where its cones play no part: this site has no phases, so
that a conic solver gets linear laws.
"""

from types import MappingProxyType
from typing import Final

import cvxpy as cp
import numpy as np
from scipy.sparse import csr_array

from benchmarks.peers.case import EVSE_KW, Case
from benchmarks.peers.child import Answer, Rival, Run, main
from models.arrays import frozen


def with_highs(base: Case, _changed: Case) -> Run:
    """Return its program, solved by HiGHS."""
    return lambda: _solved(base, cp.HIGHS)


def with_clarabel(base: Case, _changed: Case) -> Run:
    """Return its program, solved by Clarabel, an interior point for cones."""
    return lambda: _solved(base, cp.CLARABEL)


def _solved(case: Case, solver: str) -> Answer:
    power_kw = cp.Variable((case.n_evses, case.n_slots), nonneg=True)
    rows = np.arange(case.n_evses)
    on_panel = csr_array(
        (np.ones(case.n_evses), (case.panel, rows)), shape=(case.panel_kw.size, case.n_evses)
    )
    laws = [
        power_kw <= EVSE_KW * case.is_open,
        cp.sum(power_kw, axis=1) * case.step_h >= case.need_kwh,
        on_panel @ power_kw <= case.panel_kw[:, None],
        cp.sum(power_kw, axis=0) <= case.site_kw,
    ]
    cost = cp.sum(power_kw @ (case.price_per_kwh * case.step_h))
    program = cp.Problem(cp.Minimize(cost), laws)
    program.solve(solver=solver)
    found_kw = frozen(np.maximum(power_kw.value, 0.0))
    return Answer(found_kw, frozen(found_kw * case.step_h), str(program.status))


RIVALS: Final = MappingProxyType[str, Rival]({"with_highs": with_highs, "with_clarabel": with_clarabel})

if __name__ == "__main__":
    main(RIVALS, ("cvxpy", "highspy", "clarabel"))
