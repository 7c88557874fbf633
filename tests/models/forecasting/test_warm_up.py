"""The warm-up leaves nothing to compile."""

import pytest
from numba import config

from models.forecasting import day_kernels, kernels, memory_kernels
from models.forecasting.cleaning import kernels as cleaning_kernels
from models.forecasting.cleaning.cleaner import Cleaner
from models.forecasting.usual import usual
from models.forecasting.warm_up import warm_up
from tests.contract.test_forecasters import GRID, OSLO, SERIES, STEP_S, past, with_sessions


@pytest.mark.skipif(bool(getattr(config, "DISABLE_JIT", False)), reason="nothing is compiled")
def test_after_the_warm_up_no_forecast_compiles_a_kernel():
    warm_up()
    modules = (kernels, day_kernels, memory_kernels, cleaning_kernels)
    names = {name: value for module in modules for name, value in vars(module).items()}
    compiled = [value for name, value in names.items() if name.endswith("_kernel")]
    before = [kernel.signatures for kernel in compiled]
    assert sum(map(bool, before)) >= 4  # all but the one that another kernel calls
    for forecaster in (with_sessions(SERIES, STEP_S, OSLO), usual(SERIES, STEP_S, OSLO)):
        forecaster.update(Cleaner(SERIES, STEP_S).clean(past(20)).samples)
        forecaster.forecast(GRID)
        forecaster.paths(GRID, 4, seed=1)
    assert [kernel.signatures for kernel in compiled] == before
