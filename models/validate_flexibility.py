"""Is what a site sells sound? Every fault is collected, with its path in the input."""

import numpy as np

from models.checks import repeated, require_none_negative, require_not_negative, require_row, require_shape
from models.errors import IssueList
from models.flexibility import Flexibility


def check_flexibility(flexibility: Flexibility, n_slots: int, issues: IssueList) -> None:
    """Note every fault of what is sold beside charging."""
    reserves = [reserve.product_id for reserve in flexibility.reserves]
    for name in repeated([*reserves, *(call.product_id for call in flexibility.calls)]):
        issues.add("flexibility", f"{name!r} appears more than once")
    for place, reserve in enumerate(flexibility.reserves):
        where = f"flexibility.reserves[{place}]"
        require_row(reserve.most_kw, n_slots, f"{where}.most_kw", issues)
        require_not_negative(reserve.pays_per_kw_h, f"{where}.pays_per_kw_h", issues)
    for place, call in enumerate(flexibility.calls):
        where = f"flexibility.calls[{place}]"
        require_shape(call.baseline_kw, (n_slots,), f"{where}.baseline_kw", issues)
        finite = bool(np.isfinite(call.baseline_kw).all())
        issues.require(finite, f"{where}.baseline_kw", "has a NaN or infinite value")
        require_row(call.called_kw, n_slots, f"{where}.called_kw", issues)
        require_none_negative(call, ("pays_per_kwh", "penalty_per_kwh"), where, issues)
