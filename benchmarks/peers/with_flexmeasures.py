"""FlexMeasures' device scheduler on a case, in a bare Flask application; runs in an environment of its own.

Every EVSE is a device whose stock is the energy of its car: nothing flows while it is away, and the stock at
its departure is at least the need. The site and its panels are constraints on groups of devices; the price of the
energy is that of any flow that was not committed. Its data frames are made before the clock starts.
"""

from datetime import timedelta
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from flask import Flask
from flexmeasures.data.models.planning import FlowCommitment
from flexmeasures.data.models.planning.linear_optimization import device_scheduler
from flexmeasures.data.models.planning.utils import initialize_df

from benchmarks.peers.case import EVSE_KW, LEAST_KW, Case
from benchmarks.peers.child import Answer, Rival, Run, main
from models.arrays import frozen

START: Final = pd.Timestamp("2026-06-01T06:00:00Z")
TIME_LIMIT_S: Final = 120.0
"""Its solver is stopped after this time."""
COLUMNS: Final = ("min", "max", "equals", "derivative min", "derivative max", "derivative equals")


def direct(base: Case, _changed: Case) -> Run:
    """Return its program as it is by default: handed straight to HiGHS."""
    return _ready(base, "highspy")


def through_pyomo(base: Case, _changed: Case) -> Run:
    """Return its program stated in Pyomo and solved through Pyomo's interface to HiGHS."""
    return _ready(base, "appsi_highs")


def banded(base: Case, _changed: Case) -> Run:
    """Return its integer program: the power of every device lies in a band, nothing or at least 6 A."""
    return _ready(base, "highspy", [[(0.0, 0.0), (LEAST_KW, EVSE_KW)]] * base.n_evses)


def _ready(case: Case, solver: str, bands: list[list[tuple[float, float]]] | None = None) -> Run:
    app = Flask("rival")
    app.config["FLEXMEASURES_LP_SOLVER"] = solver
    app.config["FLEXMEASURES_LP_SOLVER_OPTIONS"] = {} if bands is None else {"time_limit": TIME_LIMIT_S}
    app.config["LOGGING_LEVEL"] = "INFO"
    devices, nodes = _devices(case), _nodes(case)
    groups = [list(range(case.n_evses))]
    groups += [np.nonzero(case.panel == panel)[0].tolist() for panel in range(case.panel_kw.size)]
    price = pd.Series(case.price_per_kwh * case.step_h, index=devices[0].index)
    energy = FlowCommitment(
        name="energy",
        index=devices[0].index,
        quantity=0.0,
        upwards_deviation_price=price,
        downwards_deviation_price=price,
    )

    def run() -> Answer:
        with app.app_context():
            planned, _, results, _ = device_scheduler(
                devices,
                nodes,
                commitments=[energy],
                initial_stock=0.0,
                ems_constraint_groups=groups,
                device_power_bands=bands,
            )
        power_kw = frozen(np.vstack([series.to_numpy(dtype=np.float64) for series in planned]))
        said = str(results.solver.termination_condition)
        return Answer(power_kw, frozen(power_kw * case.step_h), said)

    return run


def _devices(case: Case) -> list[pd.DataFrame]:
    """Return the limits of every car: of its flow [kW], and of its stock at the end of each slot [kWh]."""
    devices = []
    for row in range(case.n_evses):
        frame = _frame(case)
        frame["derivative min"] = 0.0
        frame["derivative max"] = EVSE_KW * case.is_open[row]
        frame.loc[frame.index[case.end[row] - 1], "min"] = case.need_kwh[row] / case.step_h
        devices.append(frame)
    return devices


def _nodes(case: Case) -> list[pd.DataFrame]:
    """Return the limits of the site and of every panel [kW]."""
    nodes = []
    for limit_kw in (case.site_kw, *case.panel_kw):
        frame = _frame(case)
        frame["derivative min"] = 0.0
        frame["derivative max"] = limit_kw
        nodes.append(frame)
    return nodes


def _frame(case: Case) -> pd.DataFrame:
    step = timedelta(seconds=case.step_s)
    frame: pd.DataFrame = initialize_df(list(COLUMNS), START, START + case.n_slots * step, step)
    return frame


RIVALS: Final = MappingProxyType[str, Rival](
    {"direct": direct, "through_pyomo": through_pyomo, "banded": banded}
)

if __name__ == "__main__":
    main(RIVALS, ("flexmeasures", "pyomo", "highspy"))
